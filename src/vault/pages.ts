import { BaluchonError } from '../errors.ts';

/** Entries of a page. */
export const pageSize = 1024;
/** Bytes of a page at most: a line of 64 hex digits for each entry. */
export const pageBytes = pageSize * 65;

/** Ids as lower-case hex; null stands for zeros. */
export type Id = string | null;

/** A page's text: an id a line; `-` is one entry of zeros, `- <n>` are n of them. Zeros at the end of the last page of a disk are written too. */
export function pageText(ids: readonly Id[]): Buffer {
  const lines: string[] = [];
  for (let at = 0; at < ids.length; ) {
    const id = ids[at]!;
    if (id !== null) {
      lines.push(id);
      at += 1;
      continue;
    }
    let run = 1;
    while (at + run < ids.length && ids[at + run] === null) run += 1;
    lines.push(run === 1 ? '-' : `- ${run}`);
    at += run;
  }
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

export function parsePage(text: Buffer): Id[] {
  const ids: Id[] = [];
  const lines = text.toString('latin1').split('\n');
  if (lines.pop() !== '' || lines.length === 0) throw new BaluchonError('vault', 'damaged: a page that is empty or cut short');
  for (const line of lines) {
    const zeros = /^-(?: ([1-9][0-9]{0,3}))?$/.exec(line);
    if (zeros) for (let run = Number(zeros[1] ?? 1); run > 0; run--) ids.push(null);
    else if (/^[0-9a-f]{64}$/.test(line)) ids.push(line);
    else throw new BaluchonError('vault', 'damaged: a page with a line that is no chunk id');
    if (ids.length > pageSize) throw new BaluchonError('vault', 'damaged: a page with too many entries');
  }
  return ids;
}

/** Levels of pages that `chunks` entries need: 1 up to 1,024, 2 up to 1,048,576, ... */
export function pageDepth(chunks: number): number {
  let depth = 1;
  for (let reach = pageSize; reach < chunks; reach *= pageSize) depth += 1;
  return depth;
}

/**
 * Builds a disk's tree of pages from its chunks' ids, in order. A page of nothing but zeros is not stored: its parent says
 * `-`. `end` gives the root, null where the whole disk is zeros.
 */
export function pageBuilder(chunks: number, store: (text: Buffer) => Promise<string>): { add(id: Id): Promise<void>; zeros(count: number): Promise<void>; end(): Promise<{ depth: number; root: Id }> } {
  const depth = pageDepth(chunks);
  const levels: Id[][] = Array.from({ length: depth }, () => []);
  const close = async (level: number): Promise<Id> => {
    const ids = levels[level]!;
    levels[level] = [];
    return ids.every((id) => id === null) ? null : await store(pageText(ids));
  };
  const push = async (level: number, id: Id): Promise<void> => {
    const ids = levels[level]!;
    if (ids.length === pageSize) await push(level + 1, await close(level));
    levels[level]!.push(id);
  };
  /** Whole pages of zeros go to the level above at once; at least one entry is left for the page that `end` closes. */
  const zeros = async (level: number, count: number): Promise<void> => {
    for (let left = count; left > 0; ) {
      const held = levels[level]!.length;
      const pages = held === pageSize || held === 0 ? Math.floor((left - 1) / pageSize) : 0;
      if (pages > 0 && level + 1 < depth) {
        if (held === pageSize) await push(level + 1, await close(level));
        await zeros(level + 1, pages);
        left -= pages * pageSize;
      } else {
        await push(level, null);
        left -= 1;
      }
    }
  };
  return {
    add: (id) => push(0, id),
    zeros: (count) => zeros(0, count),
    async end() {
      for (let level = 0; level < depth - 1; level++) await push(level + 1, await close(level));
      return { depth, root: await close(depth - 1) };
    },
  };
}
