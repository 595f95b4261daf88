/**
 * Gives a buffer's memory back at once, where it has all of its ArrayBuffer to itself. Otherwise it is the collector's to do, which goes
 * through the whole heap for every few MiB of such buffers: a quarter of the time it takes to read a disk. Nobody may look into
 * it afterwards, no work under way either.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength > 0 && bytes.byteLength === buffer.byteLength) buffer.transfer(0);
}

/** Memory that is handed from thread to thread. */
export type Memory = Uint8Array<ArrayBuffer>;

/**
 * Large memory begins 16 bytes into a page, as malloc has it. To copy from the page cache to there takes AMD's processors four times as long as
 * to copy to anywhere else: what files are read into begins further on.
 */
const lead = 48;

export function roomFor(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(lead + bytes).subarray(lead);
}

/** The room again, of memory that comes back from a thread. */
export function roomIn({ buffer }: Memory): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, Math.min(lead, buffer.byteLength));
}
