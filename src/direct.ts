import { constants, open, type FileHandle } from 'node:fs/promises';
import { beginsPage, page } from './memory.ts';

/*
 * Past the page cache (ADR 13): what is written once and read seldom should not drive out what a machine holds in its memory for others. It
 * also takes less than half of the processor's time.
 */

/** The file, open past the page cache; nothing where that can't be done. */
export async function openDirect(path: string, flags: number): Promise<FileHandle | undefined> {
  const { O_DIRECT } = constants;
  return O_DIRECT === undefined ? undefined : open(path, flags | O_DIRECT).catch(() => undefined);
}

/**
 * Moves whole pages between `bytes` and a file's place `offset`, as many as the system lets it, and says how many bytes that were. `some`
 * moves what it can from one number of bytes to another. For whatever is left there is the ordinary way, which also finds out what is wrong.
 */
export async function wholePages(bytes: Uint8Array, offset: number, some: (from: number, to: number) => Promise<number>): Promise<number> {
  const whole = offset % page === 0 && beginsPage(bytes) ? bytes.length - (bytes.length % page) : 0;
  let done = 0;
  try {
    while (done < whole && done % page === 0) {
      const moved = await some(done, whole);
      if (moved === 0) break;
      done += moved;
    }
  } catch {
    // A file system that does not know it, or what will fail the ordinary way as well.
  }
  return done;
}
