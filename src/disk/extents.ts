import { BaluchonError } from '../errors.ts';
import { roomFor } from '../memory.ts';
import type { Disk, Extent } from './disk.ts';

type Extents = AsyncIterable<Extent> | Iterable<Extent>;

/** Joins extents that touch or overlap; empty ones go. The input ascends by offset. */
export async function* mergeExtents(extents: Extents): AsyncIterable<Extent> {
  let offset = 0;
  let end = 0;
  for await (const extent of extents) {
    if (extent.length === 0) continue;
    if (end > offset && extent.offset <= end) {
      end = Math.max(end, extent.offset + extent.length);
      continue;
    }
    if (end > offset) yield { offset, length: end - offset };
    offset = extent.offset;
    end = offset + extent.length;
  }
  if (end > offset) yield { offset, length: end - offset };
}

/** What of the extents lies within `[from, to)`, in the disk's own offsets. */
export async function* clipExtents(extents: Extents, from: number, to: number): AsyncIterable<Extent> {
  for await (const extent of extents) {
    if (extent.offset >= to) return;
    const offset = Math.max(extent.offset, from);
    const end = Math.min(extent.offset + extent.length, to);
    if (end > offset) yield { offset, length: end - offset };
  }
}

/**
 * Widens extents to multiples of `granule` bytes, joined where they then touch, the last one cut at the disk's `size`:
 * what has to be read when the disk is taken granule by granule.
 */
export function alignExtents(extents: Extents, granule: number, size: number): AsyncIterable<Extent> {
  return mergeExtents(widen(clipExtents(extents, 0, size), granule, size));
}

async function* widen(extents: AsyncIterable<Extent>, granule: number, size: number): AsyncIterable<Extent> {
  for await (const extent of extents) {
    const offset = Math.floor(extent.offset / granule) * granule;
    const end = Math.min(Math.ceil((extent.offset + extent.length) / granule) * granule, size);
    yield { offset, length: end - offset };
  }
}

export interface ReadOptions {
  /** Bytes of one piece at most; pieces begin at multiples of it, save the first of an extent. Default 1 MiB. */
  piece?: number;
  /** Pieces read before they are asked for. Default 2. */
  ahead?: number;
  signal?: AbortSignal | undefined;
  /** Buffers are filled again when the next piece is asked for. */
  reuse?: boolean;
}

/**
 * The bytes of the extents, in order, in buffers of their own (unless `reuse`). Memory: `piece * (ahead + 1)`.
 * Throws `interrupted` when the signal aborts, and what the disk's `read` throws.
 */
export async function* readExtents(
  disk: Pick<Disk, 'read'>,
  extents: Extents,
  { piece = 1 << 20, ahead = 2, signal, reuse = false }: ReadOptions = {},
): AsyncIterable<{ offset: number; bytes: Buffer }> {
  const pending: Promise<{ offset: number; bytes: Buffer }>[] = [];
  const spare: Buffer[] = [];
  const check = () => {
    if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while reading a disk');
  };
  try {
    for await (const { offset, length } of extents) {
      for (let at = offset; at < offset + length;) {
        check();
        const size = Math.min(piece - (at % piece), offset + length - at);
        const bytes = (size === piece && spare.pop()) || roomFor(size);
        const position = at;
        const reading = disk.read(position, bytes).then(() => ({ offset: position, bytes }));
        // It is awaited when its turn comes: until then a failure must not count as unhandled.
        reading.catch(() => {});
        pending.push(reading);
        at += bytes.length;
        if (pending.length <= ahead) continue;
        const read = await pending.shift()!;
        yield read;
        if (reuse && read.bytes.length === piece) spare.push(read.bytes);
      }
    }
    while (pending.length > 0) {
      check();
      yield await pending.shift()!;
    }
  } finally {
    await Promise.allSettled(pending);
  }
}

const zeros = Buffer.alloc(1 << 20);

/** Every byte of the disk, its holes as zeros: exactly `size` bytes. The pieces are not to be written to. */
export async function* readAll(disk: Pick<Disk, 'size' | 'extents' | 'read'>, options: ReadOptions = {}): AsyncIterable<Uint8Array> {
  let at = 0;
  for await (const { offset, bytes } of readExtents(disk, disk.extents(), options)) {
    yield* hole(offset - at);
    yield bytes;
    at = offset + bytes.length;
  }
  yield* hole(disk.size - at);
}

function* hole(length: number): Iterable<Uint8Array> {
  for (let left = length; left > 0; left -= zeros.length) yield left < zeros.length ? zeros.subarray(0, left) : zeros;
}
