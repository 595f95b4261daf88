import { randomBytes } from 'node:crypto';
import { constants, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openDirect } from '../direct.ts';
import { BaluchonError } from '../errors.ts';
import { CannotWrite, type Disk } from './disk.ts';
import { readExtents } from './extents.ts';
import { reason } from './file.ts';
import { writeQcow2 } from './qcow2/writer.ts';
import { put, scatter, type Target } from './scatter.ts';

export interface WriteOptions {
  signal?: AbortSignal;
  /** Called with the bytes that are done: of the disk's data, and its `size` at the end (raw), or of the file (qcow2). */
  onProgress?: (doneBytes: number) => void;
}

type Source = Pick<Disk, 'size' | 'extents' | 'read' | 'pieces'>;

/** Bytes after which what was written is sent to the disk. */
const flushEvery = 64 << 20;

export interface RawFile extends Pick<WriteOptions, 'onProgress'> {
  path: string;
  /** Bytes. */
  size: number;
}

/** A raw file that is being written, full of zeros. */
export interface OpenRaw extends Target {
  /** To be told of bytes as they are written. @throws interrupted */
  wrote(bytes: number): void;
}

/**
 * Writes a disk as a raw file, with holes for its zeros. All or nothing: the file appears under its name (and replaces
 * one that was there) when it is whole and on the disk.
 * Throws `store` where it can't be written (no room, read-only, no such folder), `interrupted`, and what the disk throws.
 */
export async function writeRaw(disk: Source, path: string, { signal, onProgress }: WriteOptions = {}): Promise<void> {
  await writeRaws([{ path, size: disk.size, ...(onProgress && { onProgress }) }], { signal }, async ([open]) => {
    await scatter(async (add) => {
      for await (const { offset, bytes } of readExtents(disk, disk.extents(), { signal, ahead: 8, reuse: true })) {
        await add(open!, bytes, offset);
        open!.wrote(bytes.length);
      }
    });
  });
}

/** Raw files of several disks that `fill` writes; they appear when all are whole. Otherwise as `writeRaw`. */
export async function writeRaws(raws: readonly RawFile[], { signal }: { signal?: AbortSignal | undefined }, fill: (open: OpenRaw[]) => Promise<void>): Promise<void> {
  await whole(raws.map(({ path }) => path), async (files) => {
    await Promise.all(files.map(({ file }, nth) => file.truncate(raws[nth]!.size).catch(failed(file))));
    const directs = await Promise.all(files.map(({ temporary }) => openDirect(temporary, constants.O_WRONLY)));
    const syncing = new Map<FileHandle, Promise<void>>();
    const opened = files.map(({ file, fd }, nth): OpenRaw => {
      let [unwritten, written] = [0, 0];
      return {
        fd,
        direct: directs[nth]?.fd,
        wrote(bytes) {
          if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while writing a disk');
          raws[nth]!.onProgress?.((written += bytes));
          unwritten += bytes;
          // Written out meanwhile, so that the end has little left to wait for. Its failure is the last sync's as well.
          if (unwritten < flushEvery || syncing.has(file)) return;
          unwritten = 0;
          syncing.set(file, file.datasync().catch(() => {}).finally(() => syncing.delete(file)));
        },
      };
    });
    await fill(opened).finally(() => Promise.all([...syncing.values(), ...directs.map((direct) => direct?.close())]));
    for (const { onProgress, size } of raws) onProgress?.(size);
  });
}

/** Writes a disk as a qcow2 file (see writer.ts), all or nothing. Throws as `writeRaw` does. */
export async function writeQcow2File(disk: Source, path: string, options: WriteOptions = {}): Promise<void> {
  await whole([path], async ([one]) => {
    const { body } = await writeQcow2(disk, options.signal === undefined ? {} : { signal: options.signal });
    let at = 0;
    for await (const bytes of body) {
      await put(one!, bytes, at);
      at += bytes.length;
      options.onProgress?.(at);
    }
  });
}

function failed({ fd }: FileHandle): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    throw new CannotWrite(fd, cause);
  };
}

interface Temporary {
  path: string;
  temporary: string;
  file: FileHandle;
  fd: number;
}

async function whole(paths: readonly string[], write: (files: Temporary[]) => Promise<void>): Promise<void> {
  const opened: Temporary[] = [];
  const unless = (path: string) => (cause: unknown) => Promise.reject(writeError(path, cause));
  try {
    for (const path of paths) {
      const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`);
      const file = await open(temporary, 'wx').catch(unless(path));
      opened.push({ path, temporary, file, fd: file.fd });
    }
    await write(opened);
    await Promise.all(opened.map(({ path, file }) => file.sync().catch(unless(path))));
    for (const { path, temporary, file } of opened) {
      await file.close().catch(unless(path));
      await rename(temporary, path).catch(unless(path));
    }
  } catch (error) {
    for (const { file, temporary } of opened) {
      await file.close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
    }
    const place = error instanceof CannotWrite && opened.find(({ fd }) => fd === error.fd);
    throw place ? writeError(place.path, error.cause) : error;
  }
}

function writeError(path: string, cause: unknown): BaluchonError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new BaluchonError('store', `no room left for ${path}`, { cause, hint: 'free some space or choose another folder; nothing was left there' });
  if (code === 'EFBIG') return new BaluchonError('store', `${path} would be too large for its file system`, { cause, hint: 'choose another folder' });
  if (code === 'ENOENT') return new BaluchonError('store', `can't write ${path}: no such folder`, { cause, hint: 'create the folder first' });
  return new BaluchonError('store', `can't write ${path}: ${reason(cause)}`, { cause, hint: 'choose another folder, or check its permissions' });
}
