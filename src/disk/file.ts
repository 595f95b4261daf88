import { constants, open, type FileHandle } from 'node:fs/promises';
import { BaluchonError } from '../errors.ts';

/** An image file open for reading, and its length in bytes when it was opened. */
export interface ImageFile {
  readonly path: string;
  readonly size: number;
  readonly handle: FileHandle;
}

/** Throws `usage` where there is no such file, or none that can be read. */
export async function openImageFile(path: string): Promise<ImageFile> {
  let handle: FileHandle | undefined;
  try {
    // A pipe that nobody writes to would be waited for, for good.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await handle.stat();
    if (stat.isFile()) return { path, size: stat.size, handle };
  } catch (cause) {
    await handle?.close();
    throw new BaluchonError('usage', `can't read disk image ${path}: ${reason(cause)}`, { cause, hint: 'check the path and its permissions' });
  }
  await handle.close();
  throw new BaluchonError('usage', `can't read disk image ${path}: not a regular file`, { hint: 'give the path of an image file' });
}

/** Reads until `into` is full or the file ends; returns how many bytes there were. */
export async function readUpTo(file: ImageFile, offset: number, into: Uint8Array): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.handle.read(into, done, into.length - done, offset + done).catch((cause: unknown) => {
      throw new BaluchonError('store', `can't read disk image ${file.path} at byte ${offset + done}: ${reason(cause)}`, { cause });
    });
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Refuses a range outside of the disk. */
export function checkRange(path: string, size: number, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset + length <= size) return;
  throw new BaluchonError('cloud', `can't read ${length} bytes at ${offset} of disk image ${path}: it has ${size} bytes`);
}

export function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return cause instanceof Error ? cause.message : String(cause);
}
