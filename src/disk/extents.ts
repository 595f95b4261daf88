import type { Extent } from './disk.ts';

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
