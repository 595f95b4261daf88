import { open, type FileHandle } from 'node:fs/promises';
import { BaluchonError } from '../errors.ts';
import { roomFor } from '../memory.ts';
import { checkName, larger, largest, missing, namesOf, shorter } from './names.ts';
import type { Listed, Store } from './store.ts';

const block = 512;
/** How far behind damage the next entry is looked for: a pack has 32 MiB. */
const reach = 64 << 20;

interface Entry {
  offset: number;
  size: number;
}

/**
 * A `.baluchon` file: a vault's files in one tar, read in place and never written. One pass over the headers, a few
 * hundred bytes for each file in it, says where they lie. What is cut off or damaged is missing, the rest is readable.
 * @throws vault for a file that is no tar; store where it can't be read.
 */
export async function tarFileStore(path: string): Promise<Store> {
  const file = await open(path, 'r').catch((cause: unknown) => Promise.reject(unreadable(path, cause)));
  try {
    const { size, mtime: modified } = await file.stat();
    const entries = await index(file, path, size);
    const readOnly = () => new BaluchonError('store', `${path} is a file that can't be added to`, { hint: `make a vault of it first: baluchon unpack ${path} VAULT` });
    const find = (name: string): Entry => {
      const entry = entries.get(checkName(name));
      if (!entry) throw missing(path, name);
      if (entry.offset + entry.size > size) throw shorter(path, name);
      return entry;
    };
    async function* list(prefix: string): AsyncGenerator<Listed> {
      for (const [name, entry] of entries) if (name.startsWith(prefix) && entry.offset + entry.size <= size) yield { name, size: entry.size, modified };
    }
    return {
      name: path,
      readOnly: true,
      async put() {
        throw readOnly();
      },
      async get(name, range, room = roomFor) {
        const entry = find(name);
        if (range && range.offset + range.length > entry.size) throw shorter(path, name);
        const length = range?.length ?? entry.size;
        if (length > largest) throw larger(path, name);
        const into = room(length).subarray(0, length);
        if ((await read(file, path, entry.offset + (range?.offset ?? 0), into)) < into.length) throw shorter(path, name);
        return into;
      },
      names: (prefix) => namesOf(list(prefix)),
      list,
      async stat(name) {
        const entry = entries.get(name);
        return entry && entry.offset + entry.size <= size ? { size: entry.size, modified } : undefined;
      },
      async remove() {
        throw readOnly();
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where each file lies. Behind a header that is none, the next one that is is looked for. */
async function index(file: FileHandle, path: string, end: number): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const header = Buffer.alloc(block);
  let zeros = 0;
  let lost = 0;
  let long: string | undefined;
  for (let at = 0; at + block <= end && lost < reach && zeros < 2; ) {
    await read(file, path, at, header);
    at += block;
    if (header.every((byte) => byte === 0)) {
      zeros += 1;
      continue;
    }
    zeros = 0;
    const size = number(header.subarray(124, 136));
    if (!isHeader(header) || size === undefined) {
      lost += block;
      continue;
    }
    lost = 0;
    const type = String.fromCharCode(header[156]!);
    if (type === 'x' || type === 'L') {
      const body = Buffer.alloc(Math.min(size, 1 << 16));
      await read(file, path, at, body);
      long = type === 'L' ? text(body) : paxName(body);
    } else {
      const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(header.subarray(345, 500)) : '';
      const name = (long ?? (prefix === '' ? '' : `${prefix}/`) + text(header.subarray(0, 100))).replace(/^(\.\/)+/, '');
      long = undefined;
      if ('0\0'.includes(type)) entries.set(name, { offset: at, size });
    }
    at += Math.ceil(size / block) * block;
  }
  if (entries.size === 0) throw new BaluchonError('vault', `${path} is neither a folder nor a .baluchon file`, { hint: 'baluchon pack makes such a file' });
  return entries;
}

function isHeader(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte;
  return header.toString('latin1', 257, 262) === 'ustar' && number(header.subarray(148, 156)) === sum;
}

const text = (field: Buffer): string => field.toString('latin1').replace(/\0[^]*$/, '');

/** Octal digits; undefined for what is none. */
function number(field: Buffer): number | undefined {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** The `path` of an extended header: lines `<length> path=<value>`. */
function paxName(body: Buffer): string | undefined {
  return /^[0-9]+ path=(.*)$/m.exec(body.toString('utf8'))?.[1];
}

async function read(file: FileHandle, path: string, offset: number, into: Buffer): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done).catch((cause: unknown) => Promise.reject(unreadable(path, cause)));
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

function unreadable(path: string, cause: unknown): BaluchonError {
  return new BaluchonError('store', `can't read ${path}: ${(cause as NodeJS.ErrnoException).code ?? 'error'}`, { cause });
}
