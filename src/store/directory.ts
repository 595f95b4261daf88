import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, open as openCallback, read as readCallback } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { roomFor } from '../memory.ts';
import { BaluchonError } from '../errors.ts';
import { readDirect, writeDirect } from './direct.ts';
import { checkName, larger, largest, missing, shorter } from './names.ts';
import type { Listed, Store } from './store.ts';

const temporary = '.baluchon-';
/** Files that are looked at at once. */
const together = 64;

/** A pipe in the place of a file is not waited for. Windows knows no such flag. */
const readNow = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const openFd = promisify(openCallback);
const readFd = promisify(readCallback);

const reasons: Record<string, [what: string, hint: string]> = {
  ENOSPC: ['no space left', 'make room, then run it again: what was stored already is kept'],
  EDQUOT: ['disk quota exceeded', 'make room, then run it again: what was stored already is kept'],
  EFBIG: ['file too large for this place', 'raise the limit on file sizes, or choose another file system'],
  EROFS: ['read-only', 'choose another place, or mount it for writing'],
  EACCES: ['permission denied', 'check owner and mode of the folder'],
  EPERM: ['permission denied', 'check owner and mode of the folder'],
  EIO: ['input/output error', 'the medium may be failing: copy what can be read, then check it'],
  EMFILE: ['too many open files', 'raise the limit: ulimit -n'],
};

/** A folder. What is put appears under its name only when it is whole and on the disk. */
export function directoryStore(root: string): Store {
  const failed = (name: string, cause: unknown): BaluchonError => {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing(root, name, cause);
    const [what, hint] = reasons[code] ?? [code, undefined];
    return new BaluchonError('store', `${root}: ${what}: ${name}`, { cause, ...(hint ? { hint } : {}) });
  };
  const at = (name: string) => join(root, ...checkName(name).split('/'));
  const made = new Set<string>();

  /** The files below a folder that begin with the prefix, and what else is no folder: a link may be to a file. */
  async function* walk(folder: string, prefix: string): AsyncGenerator<{ name: string; file: boolean }> {
    let entries;
    try {
      entries = await readdir(join(root, folder), { withFileTypes: true });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || (code === 'ENOTDIR' && folder !== '')) return;
      throw failed(folder || '.', error);
    }
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* walk(name, prefix);
      else if (name.startsWith(prefix)) yield { name, file: entry.isFile() };
    }
  }
  const entry = async (name: string): Promise<Listed[]> => {
    const found = await stat(join(root, name)).catch(() => undefined);
    return found?.isFile() ? [{ name, size: found.size, modified: found.mtime }] : [];
  };
  const above = (prefix: string): string => prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));

  return {
    name: root,
    async put(name, body) {
      const path = at(name);
      const folder = dirname(path);
      const half = join(folder, `${temporary}${randomBytes(6).toString('hex')}`);
      try {
        if (!made.has(folder)) {
          const first = await mkdir(folder, { recursive: true });
          if (first) for (let up = folder; up.length >= dirname(first).length && up !== dirname(up); up = dirname(up)) await sync(up);
          made.add(folder);
        }
        const file = await open(half, 'wx', 0o644);
        try {
          // Not writeFile, which makes 17 MiB into 34 errands.
          for (let done = await writeDirect(half, body); done < body.length; ) done += (await file.write(body, done, body.length - done, done)).bytesWritten;
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(half, path);
        await sync(folder);
      } catch (error) {
        made.delete(folder);
        await rm(half, { force: true }).catch(() => {});
        throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new BaluchonError('store', `${root}: folder removed while writing: ${name}`, { cause: error }) : failed(name, error);
      }
    },
    async get(name, range, room = roomFor) {
      try {
        // Errands cost more than what they are sent for: of an open file, size and end are asked for here.
        const file = await openFd(at(name), readNow);
        try {
          const state = fstatSync(file);
          if (!state.isFile()) throw missing(root, name);
          const { offset, length } = range ?? { offset: 0, length: state.size };
          if (length > largest) throw larger(root, name);
          const into = room(length).subarray(0, length);
          let done = await readDirect(at(name), into, offset);
          while (done < length) {
            const { bytesRead } = await readFd(file, into, done, length - done, offset + done);
            if (bytesRead === 0) throw shorter(root, name);
            done += bytesRead;
          }
          return into;
        } finally {
          closeSync(file);
        }
      } catch (error) {
        throw error instanceof BaluchonError ? error : failed(name, error);
      }
    },
    async *names(prefix) {
      for await (const { name, file } of walk(above(prefix), prefix)) if (file || (await entry(name)).length > 0) yield name;
    },
    async *list(prefix) {
      let some: Promise<Listed[]>[] = [];
      for await (const { name } of walk(above(prefix), prefix)) {
        some.push(entry(name));
        if (some.length < together) continue;
        yield* (await Promise.all(some)).flat();
        some = [];
      }
      yield* (await Promise.all(some)).flat();
    },
    async stat(name) {
      try {
        const found = await stat(at(name));
        return found.isFile() ? { size: found.size, modified: found.mtime } : undefined;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        throw error instanceof BaluchonError ? error : failed(name, error);
      }
    },
    async remove(name) {
      await rm(at(name), { force: true }).catch((error) => {
        throw failed(name, error);
      });
    },
    async close() {},
  };
}

/** Makes a rename outlast a power cut. Some file systems can't open or sync folders: nothing to be done there. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
