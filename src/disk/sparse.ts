import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BaluchonError } from '../errors.ts';
import { CannotWrite, type Disk } from './disk.ts';
import { readExtents } from './extents.ts';
import { reason } from './file.ts';
import { writeQcow2 } from './qcow2/writer.ts';
import { dataRuns } from './zero.ts';

export interface WriteOptions {
  signal?: AbortSignal;
  /** Called with the bytes that are done: of the disk's data, and its `size` at the end (raw), or of the file (qcow2). */
  onProgress?: (doneBytes: number) => void;
}

type Source = Pick<Disk, 'size' | 'extents' | 'read' | 'pieces' | 'writeTo'>;

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
    const wrote = (bytes: number): void => {
      if (options.signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while writing a disk');
      written += bytes;
      options.onProgress?.(written);
      unwritten += bytes;
      // Written out meanwhile, so that the end has little left to wait for. Its failure is the last sync's as well.
      if (unwritten < flushEvery || syncing) return;
      unwritten = 0;
      syncing = file.datasync().then(
        () => void (syncing = undefined),
        () => {},
      );
    };
    if (disk.writeTo) await disk.writeTo(file.fd, wrote);
    else {
      for await (const { offset, bytes } of readExtents(disk, disk.extents(), { signal: options.signal, ahead: 8, reuse: true })) {
        for (const [from, to] of dataRuns(bytes)) await writeAll(file, bytes.subarray(from, to), offset + from);
        wrote(bytes.length);
      }
    }
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

function failed(cause: unknown): never {
  throw new CannotWrite(cause as NodeJS.ErrnoException);
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
    if (error instanceof CannotWrite) throw writeError(path, error.cause);
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
