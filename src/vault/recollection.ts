import type { Index } from './chunk-index.ts';
import { idBytes, openMarks, recordBytes, type DiskMarks } from './marks.ts';
import { frontier } from './queue.ts';
import type { Session } from './session.ts';

// What is remembered of the disks of one run (marks.ts): of each what it was the last time, and of new ones what another disk has at the
// same place. Machines made from one image have the same chunks at the same places, and a chunk known by its mark is not named again.

/** Records for some chunks of a disk, to be tried; all zeros where nothing is known that the vault has. */
export interface Recalled {
  records: Uint8Array;
  /** Which of them are another disk's, and whose. */
  borrowed: number[];
  from: Other | undefined;
}

export interface Memories {
  /** Undefined where nothing can be remembered. */
  recall(indices: readonly number[]): Promise<Recalled | undefined>;
  /** Keeps what naming these chunks has taught: their ids, and records where they are others than before. */
  learn(indices: readonly number[], recalled: Recalled, ids: readonly (string | null)[], news: Uint8Array | undefined): void;
  /** All chunks before this one are in the index. */
  passed(next: number): void;
  close(): void;
}

/** Another disk of this run. */
interface Other {
  marks: DiskMarks;
  /** Waits for that disk to be through with a chunk, or to be closed; not for one that doesn't wait itself. */
  until(index: number): Promise<void>;
}

/** Batches in a row in which nothing was as on another disk, before no more is looked for there. */
const patience = 32;

/** What remembers disks by their ids. Those that `wait` for each other find more: of two that are read in step neither would know the other's chunks. */
export function recollection(session: Session, index: Index, secret: Uint8Array): (disk: string, wait: boolean) => Memories {
  const recordOf = (records: Uint8Array, nth: number) => records.subarray(nth * recordBytes, (nth + 1) * recordBytes);
  const idOf = (record: Uint8Array) => record.subarray(0, idBytes);
  const inVault = (record: Uint8Array) => index.chunks.get(idOf(record)) !== undefined;
  const begun: (() => Other | undefined)[] = [];

  return (disk, wait) => {
    const marks = openMarks(session, secret, disk);
    if (!marks) return { recall: async () => undefined, learn() {}, passed() {}, close() {} };
    const progress = frontier();
    const others = begun.toReversed();
    begun.push(() => {
      const there = openMarks(session, secret, disk);
      return there && { marks: there, until: wait ? progress.until : async () => {} };
    });
    let other = others.shift()?.();
    let fruitless = 0;
    return {
      async recall(indices) {
        const records = marks.read(indices);
        const missing = [...indices.keys()].filter((nth) => !inVault(recordOf(records, nth)));
        if (wait && missing.length > 0) await other?.until(indices.at(-1)!);
        const from = other;
        const theirs = missing.length > 0 ? from?.marks.read(indices) : undefined;
        const borrowed = theirs ? missing.filter((nth) => inVault(recordOf(theirs, nth))) : [];
        for (const nth of missing) recordOf(records, nth).fill(0);
        for (const nth of borrowed) recordOf(records, nth).set(recordOf(theirs!, nth));
        return { records, borrowed, from };
      },
      learn(indices, { records, borrowed, from }, ids, news) {
        const fits = borrowed.some((nth) => ids[nth] === Buffer.from(idOf(recordOf(records, nth))).toString('hex'));
        if (news || fits) marks.write(indices, news ?? records);
        if (borrowed.length === 0 || from !== other) return;
        fruitless = fits ? 0 : fruitless + 1;
        if (fruitless < patience) return;
        fruitless = 0;
        other?.marks.close();
        other = others.shift()?.();
      },
      passed: progress.passed,
      close() {
        progress.passed(Infinity);
        other?.marks.close();
        marks.close();
      },
    };
  };
}
