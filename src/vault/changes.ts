import type { Extent } from '../disk/disk.ts';
import { mergeExtents } from '../disk/extents.ts';
import { pageSize, type Id } from './pages.ts';

/** A disk as its tree of pages; chunks and pages are named by what they hold. */
export interface DiskPages {
  /** Bytes of the raw view. */
  size: number;
  chunkSize: number;
  /** Levels of pages. */
  depth: number;
  /** Of the topmost page; null where all is zeros. Disks of one vault with equal sizes and roots are equal. */
  root: Id;
  /** What a page names, in order. */
  page(id: string): Promise<Id[]>;
}

/**
 * Where two disks of one vault differ, in whole chunks, ascending: found in their pages alone, no data is read, and what lies under equal
 * pages is not looked at. Where one disk is shorter, the other is compared with zeros.
 * @throws vault where a page is lost.
 */
export function changedExtents(left: DiskPages, right: DiskPages): AsyncIterable<Extent> {
  const { chunkSize } = left;
  const size = Math.max(left.size, right.size);
  async function* walk(a: Id, b: Id, level: number, first: number): AsyncGenerator<Extent> {
    if (a === b) return;
    if (level < 0) {
      const offset = first * chunkSize;
      yield { offset, length: Math.min(chunkSize, size - offset) };
      return;
    }
    const [ours, theirs] = [await entries(left, a, level), await entries(right, b, level)];
    for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
      yield* walk(ours[at] ?? null, theirs[at] ?? null, level - 1, first + at * pageSize ** level);
    }
  }
  return mergeExtents(walk(left.root, right.root, Math.max(left.depth, right.depth) - 1, 0));
}

/** What a page of this level names. Above a tree's own root, a page would name the tree below first. */
async function entries(disk: DiskPages, id: Id, level: number): Promise<Id[]> {
  if (id === null) return [];
  return level >= disk.depth ? [id] : disk.page(id);
}
