import { constants, type FileHandle } from 'node:fs/promises';
import { openDirect, wholePages } from '../direct.ts';

/** Smaller ones are not worth it. */
const least = 1 << 20;

/** As `wholePages`, of the file that is opened for it. */
async function pass(path: string, flags: number, bytes: Uint8Array, offset: number, some: (file: FileHandle, from: number, to: number) => Promise<number>): Promise<number> {
  const file = bytes.length < least ? undefined : await openDirect(path, flags);
  if (!file) return 0;
  return wholePages(bytes, offset, (from, to) => some(file, from, to)).finally(() => file.close().catch(() => {}));
}

export const writeDirect = (path: string, bytes: Uint8Array): Promise<number> =>
  pass(path, constants.O_WRONLY, bytes, 0, async (file, from, to) => (await file.write(bytes, from, to - from, from)).bytesWritten);

export const readDirect = (path: string, into: Uint8Array, offset: number): Promise<number> =>
  pass(path, constants.O_RDONLY, into, offset, async (file, from, to) => (await file.read(into, from, to - from, offset + from)).bytesRead);
