import { constants, open, type FileHandle } from 'node:fs/promises';
import { beginsPage, page } from '../memory.ts';

/*
 * Past the page cache: a pack is written once and read seldom, and what a machine holds in its memory for others should stay there. It
 * also takes less than half of the processor's time.
 */

/** Smaller ones are not worth it. */
const least = 1 << 20;

/**
 * Moves whole pages between `bytes` and the file's place `offset`, as many as the system lets it, and says how many bytes that were.
 * For whatever it leaves there is the ordinary way, which also finds out what is wrong.
 */
async function pass(path: string, flags: number, bytes: Uint8Array, offset: number, some: (file: FileHandle, from: number, to: number) => Promise<number>): Promise<number> {
  const { O_DIRECT } = constants;
  const whole = bytes.length - (bytes.length % page);
  if (O_DIRECT === undefined || whole < least || offset % page !== 0 || !beginsPage(bytes)) return 0;
  let done = 0;
  try {
    const file = await open(path, flags | O_DIRECT);
    try {
      while (done < whole && done % page === 0) {
        const moved = await some(file, done, whole);
        if (moved === 0) break;
        done += moved;
      }
    } finally {
      await file.close();
    }
  } catch {
    // A file system that does not know it, or what will fail the ordinary way as well.
  }
  return done;
}

export const writeDirect = (path: string, bytes: Uint8Array): Promise<number> =>
  pass(path, constants.O_WRONLY, bytes, 0, async (file, from, to) => (await file.write(bytes, from, to - from, from)).bytesWritten);

export const readDirect = (path: string, into: Uint8Array, offset: number): Promise<number> =>
  pass(path, constants.O_RDONLY, into, offset, async (file, from, to) => (await file.read(into, from, to - from, offset + from)).bytesRead);
