import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BaluchonError } from '../errors.ts';
import type { Disk } from './disk.ts';
import { readExtents } from './extents.ts';
import { reason } from './file.ts';
import { writeQcow2 } from './qcow2/writer.ts';
import { isZero } from './zero.ts';

export interface WriteOptions {
  signal?: AbortSignal;
  /** Called with the bytes that are done: of the disk's data, and its `size` at the end (raw), or of the file (qcow2). */
  onProgress?: (doneBytes: number) => void;
}

type Source = Pick<Disk, 'size' | 'extents' | 'read' | 'each'>;

/** What is looked at for zeros at once: a multiple of every file system's block. */
const block = 64 << 10;
/** Bytes after which what was written is sent to the disk. */
const flushEvery = 128 << 20;

/**
 * Writes a disk as a raw file, with holes for its zeros. All or nothing: the file appears under its name (and replaces
 * one that was there) when it is whole and on the disk.
 * Throws `store` where it can't be written (no room, read-only, no such folder), `interrupted`, and what the disk throws.
 */
export async function writeRaw(disk: Source, path: string, options: WriteOptions = {}): Promise<void> {
  await whole(path, async (file) => {
    await file.truncate(disk.size).catch(failed);
    let [unwritten, written] = [0, 0];
    let syncing: Promise<void> | undefined;
    const piece = async ({ offset, bytes }: { offset: number; bytes: Uint8Array }): Promise<void> => {
      if (options.signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while writing a disk');
      let from = 0;
      for (let at = 0; at < bytes.length; at += block) {
        const end = Math.min(at + block, bytes.length);
        if (!isZero(bytes.subarray(at, end))) continue;
        await writeAll(file, bytes.subarray(from, at), offset + from);
        from = end;
      }
      await writeAll(file, bytes.subarray(from), offset + from);
      written += bytes.length;
      options.onProgress?.(written);
      unwritten += bytes.length;
      // Written out meanwhile, so that the end has little left to wait for. Its failure is the last sync's as well.
      if (unwritten >= flushEvery && !syncing) {
        unwritten = 0;
        syncing = file.datasync().then(
          () => void (syncing = undefined),
          () => {},
        );
      }
    };
    if (disk.each) await disk.each(piece);
    else for await (const each of readExtents(disk, disk.extents(), { signal: options.signal, ahead: 8, reuse: true })) await piece(each);
    await syncing;
    options.onProgress?.(disk.size);
  });
}

/** Writes a disk as a qcow2 file (see writer.ts), all or nothing. Throws as `writeRaw` does. */
export async function writeQcow2File(disk: Source, path: string, options: WriteOptions = {}): Promise<void> {
  await whole(path, async (file) => {
    const { body } = await writeQcow2(disk, options.signal === undefined ? {} : { signal: options.signal });
    let at = 0;
    for await (const bytes of body) {
      await writeAll(file, bytes, at);
      at += bytes.length;
      options.onProgress?.(at);
    }
  });
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done).catch(failed);
    done += bytesWritten;
  }
}

/** The write side's own errors, told apart from those of the disk that is read meanwhile. */
class WriteFailed extends Error {}

function failed(cause: unknown): never {
  throw new WriteFailed('write failed', { cause });
}

async function whole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`);
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx').catch(failed);
    await write(file);
    await file.sync().catch(failed);
    await file.close().catch(failed);
    await rename(temporary, path).catch(failed);
  } catch (error) {
    await file?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof WriteFailed) throw writeError(path, error.cause);
    throw error;
  }
}

function writeError(path: string, cause: unknown): BaluchonError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new BaluchonError('store', `no room left for ${path}`, { cause, hint: 'free some space or choose another folder; nothing was left there' });
  if (code === 'EFBIG') return new BaluchonError('store', `${path} would be too large for its file system`, { cause, hint: 'choose another folder' });
  if (code === 'ENOENT') return new BaluchonError('store', `can't write ${path}: no such folder`, { cause, hint: 'create the folder first' });
  return new BaluchonError('store', `can't write ${path}: ${reason(cause)}`, { cause, hint: 'choose another folder, or check its permissions' });
}
