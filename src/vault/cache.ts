import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { dirname, join } from 'node:path';
import { addIndexed, emptyIndex, type Index } from './chunk-index.ts';
import type { Session } from './session.ts';
import { chunkTable, slabBytes } from './table.ts';
import type { BundleInfo } from './types.ts';

// What this machine keeps of a vault, in a folder for each: it speeds things up and decides nothing. Whatever is missing, damaged or not of
// this vault is as good as not there, and a cache that can't be written is no error.

/** Followed by a head's length and the head (JSON), entries, slots in this machine's byte order, and a MAC. */
const magic = `baluchon-index-cache/1 ${endianness()}\n`;
/** An id and the number of its pack. */
const entryBytes = 36;

/** Written whole under another name first. */
async function replaceFile(path: string, write: (half: string) => Promise<void>): Promise<void> {
  const half = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await write(half);
    await chmod(half, 0o600);
    await rename(half, path);
  } catch {
    await rm(half, { force: true }).catch(() => {});
  }
}

const indexPath = (cache: string) => join(cache, 'index');

/** Ids say nothing of contents, so they lie there as they are; the key makes sure that this machine wrote them. */
function indexKey({ secrets, header }: Session): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(secrets.index.at(-1)!, 'hex'), header.vault, 'baluchon index cache', 32));
}

/** What of the index files is in the cache: their digests; undefined where it is of no use. */
export async function readIndexCache(session: Session, cache: string, usable: ReadonlySet<string> | undefined, current: ReadonlySet<string>): Promise<{ index: Index; files: Set<string> } | undefined> {
  const file = await open(indexPath(cache), 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(magic.length + 4);
    await file.read(start, 0, start.length, 0);
    if (start.toString('latin1', 0, magic.length) !== magic) return undefined;
    const length = start.readUInt32LE(magic.length);
    const head = Buffer.alloc(length);
    await file.read(head, 0, length, start.length);
    const { files, packs, chunks, slots } = JSON.parse(head.toString('latin1')) as { files: string[]; packs: string[]; chunks: number; slots: number };
    // An index file that is gone was taken back, by a repair for one.
    if (files.some((digest) => !current.has(digest))) return undefined;
    const first = start.length + length;
    if (size !== first + chunks * entryBytes + slots * 4 + 32 || slots <= chunks || (slots & (slots - 1)) !== 0) return undefined;
    const mac = createHmac('sha256', indexKey(session)).update(start).update(head);
    const whole = packs.every((pack) => usable === undefined || usable.has(pack));
    const index = emptyIndex();
    const wanted = packs.map((pack) => (usable === undefined || usable.has(pack) ? index.packs.push(pack) - 1 : -1));
    for (const [number, pack] of index.packs.entries()) index.numbers.set(pack!, number);
    const slabs: Buffer[] = [];
    let piece = Buffer.allocUnsafeSlow(slabBytes);
    for (let at = 0; at < chunks * entryBytes; at += slabBytes) {
      const part = piece.subarray(0, Math.min(slabBytes, chunks * entryBytes - at));
      if (!(await readAll(file, part, first + at))) return undefined;
      mac.update(part);
      if (whole) {
        // Nothing has to go: the table is taken as it lay in memory.
        slabs.push(piece);
        piece = Buffer.allocUnsafeSlow(slabBytes);
        continue;
      }
      for (let entry = 0; entry < part.length; entry += entryBytes) {
        const number = wanted[part.readUInt32LE(entry + 32)];
        if (number === undefined) return undefined;
        if (number >= 0) addIndexed(index, part.subarray(entry, entry + 32), number);
      }
    }
    const places = Buffer.from(new ArrayBuffer(slots * 4));
    if (!(await readAll(file, places, first + chunks * entryBytes))) return undefined;
    mac.update(places);
    if (whole) index.chunks = chunkTable({ slabs, size: chunks, slots: new Uint32Array(places.buffer) });
    const end = size - 32;
    const sum = Buffer.alloc(32);
    await file.read(sum, 0, 32, end);
    return timingSafeEqual(sum, mac.digest()) ? { index, files: new Set(files) } : undefined;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

async function readAll(file: FileHandle, into: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, Math.min(1 << 28, into.length - done), position + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

/** Keeps an index that was read from these index files. */
export async function writeIndexCache(session: Session, cache: string, index: Index, files: Iterable<string>): Promise<void> {
  await replaceFile(indexPath(cache), async (half) => {
    const file = await open(half, 'wx', 0o600);
    try {
      const head = Buffer.from(JSON.stringify({ files: [...files], packs: index.packs, chunks: index.chunks.size, slots: index.chunks.slots.length }), 'latin1');
      const start = Buffer.alloc(magic.length + 4);
      start.write(magic, 'latin1');
      start.writeUInt32LE(head.length, magic.length);
      const mac = createHmac('sha256', indexKey(session));
      const write = async (bytes: Uint8Array) => {
        mac.update(bytes);
        await file.write(bytes);
      };
      await write(start);
      await write(head);
      for (const entries of index.chunks.entries()) await write(entries);
      const { buffer, byteLength } = index.chunks.slots;
      for (let at = 0; at < byteLength; at += 1 << 24) await write(new Uint8Array(buffer, at, Math.min(1 << 24, byteLength - at)));
      await file.write(mac.digest());
    } finally {
      await file.close();
    }
  });
}

interface Infos {
  /** Digest of the roster in force: who may sign is part of what is known of a bundle. */
  roster: string;
  bundles: { [manifest: string]: BundleInfo };
}

const infosPath = (cache: string) => join(cache, 'bundles');

/** Known to owners alone: a writer on the same machine learns nothing from the cache. */
function infosKey({ secrets, header }: Session): Buffer {
  return Buffer.from(hkdfSync('sha256', secrets.keys.at(-1)!.write(), header.vault, 'baluchon bundles cache', 32));
}

function rosterDigest({ roster }: Session): string | undefined {
  return 'digest' in roster ? roster.digest : undefined;
}

/** What is known of bundles, by the names of their manifests, which hold their digests. */
export async function readInfos(session: Session, cache: string): Promise<Map<string, BundleInfo>> {
  const digest = rosterDigest(session);
  try {
    const sealed = await readFile(infosPath(cache));
    const opened = createDecipheriv('aes-256-gcm', infosKey(session), sealed.subarray(0, 12)).setAuthTag(sealed.subarray(12, 28));
    const infos = JSON.parse(Buffer.concat([opened.update(sealed.subarray(28)), opened.final()]).toString('utf8')) as Infos;
    return new Map(infos.roster === digest ? Object.entries(infos.bundles) : []);
  } catch {
    return new Map();
  }
}

export async function writeInfos(session: Session, cache: string, infos: ReadonlyMap<string, BundleInfo>): Promise<void> {
  const digest = rosterDigest(session);
  if (digest === undefined) return;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', infosKey(session), nonce);
  const text = JSON.stringify({ roster: digest, bundles: Object.fromEntries(infos) } satisfies Infos);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  await replaceFile(infosPath(cache), (half) => writeFile(half, Buffer.concat([nonce, cipher.getAuthTag(), body]), { mode: 0o600 }));
}

/** The cache of one vault below the folder of all. */
export function cacheOf(folder: string, vault: string): string {
  return join(folder, createHash('sha256').update(vault).digest('hex').slice(0, 32));
}
