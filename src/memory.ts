/**
 * Gives a buffer's memory back at once, where it has all of its ArrayBuffer to itself. Otherwise it is the collector's to do, which goes
 * through the whole heap for every few MiB of such buffers: a quarter of the time it takes to read a disk. Nobody may look into
 * it afterwards, no work under way either.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength > 0 && bytes.byteLength === buffer.byteLength) buffer.transferToFixedLength(0);
}

/** Memory that is handed from thread to thread. */
export type Memory = Uint8Array<ArrayBuffer>;

/** What memory, offsets and lengths must be multiples of to read and write past the page cache. */
export const page = 4096;

/**
 * Memory for files, which begins with a page, as that of every buffer does that may change its size. Other large memory begins 16
 * bytes into one (malloc's): no reading past the page cache, and copying from it takes AMD's processors four times as long as to anywhere else.
 */
export function roomFor(bytes: number): Buffer<ArrayBuffer> {
  const whole = Math.ceil(bytes / page) * page;
  return Buffer.from(bytes < 16 * page ? new ArrayBuffer(bytes) : new ArrayBuffer(whole, { maxByteLength: whole }), 0, bytes);
}

/** Whether it begins with a page, as `roomFor` has it. */
export function beginsPage({ buffer, byteOffset }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && buffer.resizable && byteOffset % page === 0;
}
