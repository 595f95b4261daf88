import type { Disk, Extent } from '../../disk/disk.ts';

/** 64 KiB: also the qcow2 cluster size, so that images and disks can share blocks. */
export const BLOCK = 65_536;

const ZEROS = Buffer.alloc(BLOCK);

/** A sparse byte space in memory. Copies share blocks until one of them writes. */
export class Bytes implements Disk {
  #size: number;
  #blocks: Map<number, Uint8Array>;
  /** Blocks that nobody else can see: those may be written in place. */
  #own = new Set<number>();

  constructor(size: number, blocks: Map<number, Uint8Array> = new Map()) {
    this.#size = size;
    this.#blocks = blocks;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes that are held in memory for it. */
  get stored(): number {
    return this.#blocks.size * BLOCK;
  }

  copy(size = this.#size): Bytes {
    this.#own.clear();
    const blocks = new Map(this.#blocks);
    if (size < this.#size) {
      for (const index of blocks.keys()) if (index * BLOCK >= size) blocks.delete(index);
    }
    return new Bytes(size, blocks);
  }

  resize(size: number): void {
    this.#size = size;
  }

  block(index: number): Uint8Array | undefined {
    return this.#blocks.get(index);
  }

  /** Lends a whole block, which must not be written afterwards. */
  setBlock(index: number, block: Uint8Array): void {
    this.#own.delete(index);
    this.#blocks.set(index, block);
  }

  write(offset: number, data: Uint8Array): void {
    for (let done = 0; done < data.length; ) {
      const index = Math.floor((offset + done) / BLOCK);
      const within = (offset + done) % BLOCK;
      const part = data.subarray(done, done + Math.min(BLOCK - within, data.length - done));
      done += part.length;
      let block = this.#blocks.get(index);
      if (!block && isZero(part)) continue;
      if (!block || !this.#own.has(index)) {
        const copy = new Uint8Array(BLOCK);
        if (block) copy.set(block);
        block = copy;
        this.#blocks.set(index, block);
        this.#own.add(index);
      }
      block.set(part, within);
    }
  }

  readNow(offset: number, into: Uint8Array): void {
    if (offset < 0 || offset + into.length > this.#size) throw new RangeError(`bytes ${offset}+${into.length} of a disk of ${this.#size}`);
    for (let done = 0; done < into.length; ) {
      const index = Math.floor((offset + done) / BLOCK);
      const within = (offset + done) % BLOCK;
      const length = Math.min(BLOCK - within, into.length - done);
      const block = this.#blocks.get(index);
      if (block) into.set(block.subarray(within, within + length), done);
      else into.fill(0, done, done + length);
      done += length;
    }
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.readNow(offset, into);
  }

  slice(offset: number, length: number): Buffer {
    const into = Buffer.alloc(length);
    this.readNow(offset, into);
    return into;
  }

  /** Indices of the blocks that hold something, ascending. */
  indices(): number[] {
    return [...this.#blocks.keys()].filter((index) => index * BLOCK < this.#size).sort((a, b) => a - b);
  }

  async *extents(): AsyncIterable<Extent> {
    for (const index of this.indices()) yield { offset: index * BLOCK, length: Math.min(BLOCK, this.#size - index * BLOCK) };
  }

  /** The content from `offset` on, in pieces of a block; holes come as zeros. */
  *stream(offset = 0, end = this.#size): Iterable<Uint8Array> {
    while (offset < end) {
      const index = Math.floor(offset / BLOCK);
      const stop = Math.min((index + 1) * BLOCK, end);
      yield (this.#blocks.get(index) ?? ZEROS).subarray(offset - index * BLOCK, stop - index * BLOCK);
      offset = stop;
    }
  }

  async close(): Promise<void> {}
}

export function isZero(data: Uint8Array): boolean {
  for (let at = 0; at < data.length; at += BLOCK) {
    const part = data.subarray(at, at + BLOCK);
    if (Buffer.compare(part, ZEROS.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}
