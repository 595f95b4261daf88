import type { Disk, Extent } from '../../src/disk/disk.ts';

/** A disk of `size` zeros with pieces of data in it (ascending, not overlapping), each an extent. */
export function memoryDisk(size: number, pieces: { offset: number; bytes: Uint8Array }[] = []): Disk {
  return {
    size,
    async *extents(): AsyncIterable<Extent> {
      for (const { offset, bytes } of pieces) yield { offset, length: bytes.length };
    },
    async read(offset: number, into: Uint8Array): Promise<void> {
      if (offset < 0 || offset + into.length > size) throw new RangeError(`${offset}+${into.length} of ${size}`);
      into.fill(0);
      for (const piece of pieces) {
        const from = Math.max(offset, piece.offset);
        const to = Math.min(offset + into.length, piece.offset + piece.bytes.length);
        if (to > from) into.set(piece.bytes.subarray(from - piece.offset, to - piece.offset), from - offset);
      }
    },
    close: async () => {},
  };
}

/** The same disk, kept in pieces that lie in an order of their own (that of the seed), `stretch` of them to a list. */
export function inPieces(disk: Disk, piece: number, stretch: number, seed: number): Disk {
  const bytesOf = async (number: number) => {
    const bytes = Buffer.alloc(Math.min(piece, disk.size - number * piece));
    await disk.read(number * piece, bytes);
    return bytes;
  };
  return {
    ...disk,
    extents: () => { throw new Error('asked for extents'); },
    read: async () => { throw new Error('read from front to back'); },
    pieces: {
      piece,
      async *order() {
        const numbers = new Set<number>();
        for await (const { offset, length } of disk.extents()) for (let number = Math.floor(offset / piece); number * piece < offset + length; number++) numbers.add(number);
        const lists = Map.groupBy(numbers, (number) => Math.floor(number / stretch));
        const key = (number: number) => ((number + 1) * (seed * 2 + 7919)) % 1013;
        for (const [, list] of [...lists].sort(([a], [b]) => a - b)) yield Uint32Array.from(list.sort((a, b) => key(a) - key(b)));
      },
      async *read(numbers) {
        for (const number of numbers) yield bytesOf(number);
      },
    },
  };
}

/** Bytes that are nowhere zero and follow from the seed (xorshift32). */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2654435761 + 1 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = (state & 0xff) || 1;
  }
  return bytes;
}

/** The raw view, read in pieces of `step` bytes whatever the extents say. */
export async function rawView(disk: Pick<Disk, 'size' | 'read'>, step = 1 << 20): Promise<Buffer> {
  const bytes = Buffer.alloc(disk.size, 0xa5);
  for (let at = 0; at < disk.size; at += step) await disk.read(at, bytes.subarray(at, Math.min(at + step, disk.size)));
  return bytes;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
