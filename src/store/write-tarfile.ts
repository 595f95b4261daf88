import { open, rename, rm, stat } from 'node:fs/promises';
import { pack } from 'tar-stream';
import { BaluchonError } from '../errors.ts';

/** One time for all files, so that the same contents give the same bytes. */
const mtime = new Date(1_000_000_000_000);

export interface TarEntry {
  name: string;
  body: Uint8Array;
  /** Called when nobody looks into the body any more; not where writing fails. */
  giveBack?(): void;
}

/**
 * Writes files as one tar. All or nothing: it appears under its name when it is whole and on the disk.
 * @throws usage where the name is taken, store where it can't be written, and whatever `files` throws.
 */
export async function writeTarFile(path: string, files: AsyncIterable<TarEntry>, signal?: AbortSignal): Promise<{ files: number; bytes: number }> {
  if (await stat(path).catch(() => undefined)) throw new BaluchonError('usage', `${path} exists already`, { hint: 'choose another name, or remove it' });
  const half = `${path}.${process.pid}.partial`;
  const tar = pack();
  const written = { files: 0, bytes: 0 };
  const inTar = new Map<ArrayBufferLike, () => void>();
  /** The first to fail: what the others say once the tar is gone tells nothing. */
  let first: unknown;
  const feeding = (async () => {
    for await (const { name, body, giveBack } of files) {
      if (giveBack) inTar.set(body.buffer, giveBack);
      const size = body.length;
      await new Promise<void>((resolve, reject) => {
        const entry = tar.entry({ name, size, mode: 0o644, mtime }, Buffer.from(body.buffer, body.byteOffset, body.byteLength), (error) => (error ? reject(error) : resolve()));
        // It may fail outside of its callback, when the file can't be written.
        entry.on('error', reject);
      });
      written.files += 1;
      written.bytes += size;
    }
    tar.finalize();
  })().catch((error: unknown) => {
    first ??= error;
    tar.destroy(error as Error);
  });
  const stop = () => tar.destroy(signal!.reason as Error);
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', stop);
    const file = await open(half, 'wx', 0o644);
    try {
      for await (const part of tar as AsyncIterable<Buffer>) {
        await file.appendFile(part).catch((error: unknown) => {
          throw (first ??= error);
        });
        inTar.get(part.buffer)?.();
        inTar.delete(part.buffer);
      }
      await feeding;
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(half, path);
    return written;
  } catch (error) {
    const cause = first ?? error;
    tar.destroy();
    await feeding;
    await rm(half, { force: true });
    if (cause instanceof BaluchonError) throw cause;
    throw signal?.aborted ? new BaluchonError('interrupted', 'interrupted', { cause }) : failed(path, cause);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function failed(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const reasons: Record<string, string> = { ENOSPC: 'no room left', EDQUOT: 'disk quota exceeded', ENOENT: 'no such folder', EACCES: 'permission denied', EROFS: 'read-only', EFBIG: 'too large for this file system' };
  return new BaluchonError('store', `can't write ${path}: ${reasons[code] ?? code}`, { cause, hint: 'choose another place; nothing was left there' });
}
