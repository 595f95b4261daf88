import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { BaluchonError } from '../errors.ts';

/** One time for all files, so that the same contents give the same bytes. */
const mtime = new Date(1_000_000_000_000);

/**
 * Writes files as one tar. All or nothing: it appears under its name when it is whole and on the disk.
 * @throws usage where the name is taken, store where it can't be written, and whatever `files` throws.
 */
export async function writeTarFile(path: string, files: AsyncIterable<{ name: string; body: Uint8Array }>, signal?: AbortSignal): Promise<{ files: number; bytes: number }> {
  if (await stat(path).catch(() => undefined)) throw new BaluchonError('usage', `${path} exists already`, { hint: 'choose another name, or remove it' });
  const half = `${path}.${process.pid}.partial`;
  const tar = pack();
  const written = { files: 0, bytes: 0 };
  let source: unknown;
  const feeding = (async () => {
    for await (const { name, body } of files) {
      await new Promise<void>((resolve, reject) => {
        const entry = tar.entry({ name, size: body.length, mode: 0o644, mtime }, Buffer.from(body.buffer, body.byteOffset, body.byteLength), (error) => (error ? reject(error) : resolve()));
        // It may fail outside of its callback, when the file can't be written.
        entry.on('error', reject);
      });
      written.files += 1;
      written.bytes += body.length;
    }
    tar.finalize();
  })().catch((error: unknown) => {
    source ??= error;
    tar.destroy(error as Error);
  });
  try {
    await pipeline(Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false }), createWriteStream(half, { flags: 'wx', mode: 0o644 }), { signal });
    await feeding;
    const file = await open(half, 'r+');
    await file.sync().finally(() => file.close());
    await rename(half, path);
    return written;
  } catch (error) {
    // What fed the tar may have failed first; what it says once the tar is gone tells nothing.
    const cause = source ?? error;
    tar.destroy();
    await feeding;
    await rm(half, { force: true });
    if (cause instanceof BaluchonError) throw cause;
    throw signal?.aborted ? new BaluchonError('interrupted', 'interrupted', { cause }) : failed(path, cause);
  }
}

function failed(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const reasons: Record<string, string> = { ENOSPC: 'no room left', EDQUOT: 'disk quota exceeded', ENOENT: 'no such folder', EACCES: 'permission denied', EROFS: 'read-only', EFBIG: 'too large for this file system' };
  return new BaluchonError('store', `can't write ${path}: ${reasons[code] ?? code}`, { cause, hint: 'choose another place; nothing was left there' });
}
