import { decipherRemains, openSessionKeys, splitRemains } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Disk, Extent } from '../disk/disk.ts';
import type { Store } from '../store/store.ts';
import { chunkId } from './chunk.ts';
import { decompress } from './codec.ts';
import { addPack, loadIndex, type Index } from './index-files.ts';
import { layout } from './layout.ts';
import type { BundleDisk } from './manifest.ts';
import { packBytes } from './packer.ts';
import { packCache, type OpenedPack } from './packs-reader.ts';
import { pageBytes, pageSize, parsePage, type Id } from './pages.ts';
import { presentPacks, type ChunkReader } from './reader.ts';
import { requireOwner, type Session } from './session.ts';

/** The most bytes a pack may have, by the format. */
const reach = 64 << 20;

type Entry = { bytes: Buffer; packed: boolean };

/** A chunk's plaintext, or undefined where the entry is not what its id says. */
export async function proven(session: Session, id: string, { bytes, packed }: Entry): Promise<Buffer | undefined> {
  const limit = Math.max(session.header.profile.chunk_size, pageBytes);
  const plain = packed ? await decompress(bytes, limit).catch(() => undefined) : bytes;
  const wanted = Buffer.from(id, 'hex');
  return plain && session.secrets.dedup.some((secret) => chunkId(secret, plain).equals(wanted)) ? plain : undefined;
}

/**
 * All chunks of a pack that can still be had, whatever was done to the file: each proves itself by its id. A flipped bit costs one
 * chunk; bytes lost or added cost all after them; the first hundred bytes, which hold the key, cost the pack.
 */
export async function salvagePack(session: Session, digest: string): Promise<OpenedPack> {
  requireOwner(session);
  const pack: OpenedPack = { entries: new Map(), bytes: 0 };
  const file = (await packBeginning(session.store, layout.pack(digest))) ?? (await packBeginning(session.store, layout.aside(digest)));
  if (!file) return pack;
  const { keyPackets, body } = splitRemains(file);
  for (const key of keyPackets.length > 0 ? await openSessionKeys(keyPackets, { keys: session.secrets.keys }) : []) {
    for (const [id, entry] of remainsOfTar(decipherRemains(key, body))) {
      if (pack.entries.has(id) || !(await proven(session, id, entry))) continue;
      pack.entries.set(id, entry);
      pack.bytes += entry.bytes.length;
    }
  }
  return pack;
}

/** A damaged pack's file as it is there, but for what was added behind the bytes that one may have. */
export async function packBeginning(store: Store, name: string): Promise<Uint8Array | undefined> {
  try {
    const found = await store.stat(name);
    return found && (await store.get(name, { offset: 0, length: Math.min(found.size, reach) }));
  } catch (error) {
    if (isError(error, 'vault')) return undefined;
    throw error;
  }
}

/** Entries of a tar that follow a header which looks like ours, wherever that is. */
function* remainsOfTar(bytes: Buffer): Generator<[id: string, Entry]> {
  for (let at = 0; at + 512 <= bytes.length; ) {
    const name = /^([0-9a-f]{64})(\.zst)?$/.exec(bytes.toString('latin1', at, at + bytes.subarray(at, at + 100).indexOf(0)));
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    if (!name || !(size >= 0) || at + 512 + size > bytes.length || bytes.toString('latin1', at + 257, at + 262) !== 'ustar') {
      at += 512;
      continue;
    }
    yield [name[1]!, { bytes: bytes.subarray(at + 512, at + 512 + size), packed: name[2] !== undefined }];
    // The size may be what was damaged: the next header is looked for right behind this one where the next one is not there.
    const next = at + 512 + Math.ceil(size / 512) * 512;
    at = bytes.toString('latin1', next + 257, next + 262) === 'ustar' || next + 1024 >= bytes.length ? next : at + 512;
  }
}

/**
 * Reads chunks out of whatever pack of the vault still has them, whole or damaged.
 * @throws vault where a chunk is in none.
 */
export function salvageReader(session: Session): ChunkReader {
  const whole = packCache(session, 3 * packBytes);
  /** Packs that are not as they should be: the ids that can still be had out of each. */
  const damaged = new Map<string, Set<string>>();
  let held: { digest: string; pack: OpenedPack } | undefined;
  let loading: Promise<Index> | undefined;
  let aside = false;

  const mark = async (digest: string): Promise<void> => {
    const pack = await salvagePack(session, digest);
    held = { digest, pack };
    damaged.set(digest, new Set(pack.entries.keys()));
    loading = undefined;
  };
  const inDamaged = async (id: string): Promise<Buffer | undefined> => {
    for (const [digest, ids] of damaged) {
      if (!ids.has(id)) continue;
      if (held?.digest !== digest) held = { digest, pack: await salvagePack(session, digest) };
      const entry = held.pack.entries.get(id);
      const plain = entry && (await proven(session, id, entry));
      if (plain) return plain;
    }
    return undefined;
  };
  const present = () => presentPacks(session.store).then((all) => all.filter((digest) => !damaged.has(digest)));
  const attempt = async (digest: string): Promise<OpenedPack | undefined> =>
    whole.get(digest).catch(async (error: unknown) => {
      if (!isError(error, 'vault')) throw error;
      await mark(digest);
      return undefined;
    });
  /** What a repair has set aside counts as damaged, and is looked into last. */
  const lookAside = async (): Promise<boolean> => {
    if (aside) return false;
    aside = true;
    for await (const name of session.store.names('aside/')) {
      const digest = /^aside\/([0-9a-f]{64})\.tar\.pgp$/.exec(name)?.[1];
      if (digest !== undefined && !damaged.has(digest)) await mark(digest);
    }
    return true;
  };
  const chunk = async (id: string): Promise<Buffer> => {
    const key = Buffer.from(id, 'hex');
    for (;;) {
      const found = await inDamaged(id);
      if (found) return found;
      const index = await (loading ??= present().then((all) => loadIndex(session, new Set(all), { exact: true })));
      const number = index.chunks.get(key);
      if (number !== undefined) {
        const digest = index.packs[number]!;
        const entry = (await attempt(digest))?.entries.get(id);
        const plain = entry && (await proven(session, id, entry));
        if (plain) return plain;
        if (!damaged.has(digest)) await mark(digest);
        continue;
      }
      const unknown = (await present()).find((digest) => !index.numbers.has(digest));
      if (unknown === undefined && (await lookAside())) continue;
      if (unknown === undefined) throw new BaluchonError('vault', `chunk ${id} is in no pack of this vault`);
      const pack = await attempt(unknown);
      if (pack) addPack(index, { sha256: unknown, ids: [...pack.entries.keys()].map((hex) => Buffer.from(hex, 'hex')) });
    }
  };
  return { chunk, page: async (id) => parsePage(await chunk(id)) };
}

/** Bytes of a disk that are lost: `[offset, offset + length)`. */
export type Lost = Extent;

/**
 * Walks a disk's pages. `chunk` is told of each chunk that holds data, `lost` of what can't be told because a page is gone:
 * ranges of bytes, in order.
 */
export async function walkPages(page: (id: string) => Promise<Id[]>, disk: BundleDisk, chunkSize: number, tell: { chunk(id: string, index: number): unknown; page?(id: string): unknown; lost(range: Lost, reason: BaluchonError): void }): Promise<void> {
  const chunks = Math.ceil(disk.size / chunkSize);
  const walk = async (id: Id, level: number, first: number): Promise<void> => {
    if (id === null) return;
    const span = pageSize ** (level + 1);
    let entries: Id[];
    try {
      entries = await page(id);
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
      const offset = first * chunkSize;
      tell.lost({ offset, length: Math.min(disk.size, (first + span) * chunkSize) - offset }, error);
      return;
    }
    tell.page?.(id);
    for (const [at, entry] of entries.entries()) {
      const index = first + at * (span / pageSize);
      if (index >= chunks) break;
      if (entry === null) continue;
      if (level === 0) await tell.chunk(entry, index);
      else await walk(entry, level - 1, index);
    }
  };
  await walk(disk.root, disk.depth - 1, 0);
}

/** Ranges that touch become one. */
export function joined(ranges: readonly Lost[]): Lost[] {
  const all: Lost[] = [];
  for (const { offset, length } of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = all.at(-1);
    if (last && offset <= last.offset + last.length) last.length = Math.max(last.length, offset + length - last.offset);
    else all.push({ offset, length });
  }
  return all;
}

/** A disk of which something may be lost: that reads as zeros, and `lost` is told of it, once for each chunk. */
export function salvageDisk(reader: ChunkReader, about: BundleDisk, chunkSize: number, lost: (range: Lost) => void): Disk {
  const told = new Set<number>();
  let map: Promise<Map<number, string>> | undefined;
  const tell = (range: Lost) => {
    if (told.has(range.offset)) return;
    told.add(range.offset);
    lost(range);
  };
  /** Chunk number -> id, of all that pages still tell. */
  const chunks = () =>
    (map ??= (async () => {
      const found = new Map<number, string>();
      await walkPages(reader.page, about, chunkSize, { chunk: (id, index) => void found.set(index, id), lost: tell });
      return found;
    })());
  let recent: { index: number; plain: Buffer | undefined } | undefined;
  const chunk = async (index: number, id: string): Promise<Buffer | undefined> => {
    if (recent?.index === index) return recent.plain;
    const length = Math.min(chunkSize, about.size - index * chunkSize);
    const plain = await reader.chunk(id).then(
      (bytes) => (bytes.length === length ? bytes : undefined),
      (error: unknown) => {
        if (isError(error, 'vault')) return undefined;
        throw error;
      },
    );
    if (!plain) tell({ offset: index * chunkSize, length });
    recent = { index, plain };
    return plain;
  };
  return {
    size: about.size,
    async *extents(): AsyncGenerator<Extent> {
      const offsets = [...(await chunks()).keys()].map((index) => ({ offset: index * chunkSize, length: Math.min(chunkSize, about.size - index * chunkSize) }));
      yield* joined(offsets);
    },
    async read(offset, into) {
      const all = await chunks();
      for (let done = 0; done < into.length; ) {
        const index = Math.floor((offset + done) / chunkSize);
        const from = offset + done - index * chunkSize;
        const part = into.subarray(done, done + chunkSize - from);
        const id = all.get(index);
        const plain = id === undefined ? undefined : await chunk(index, id);
        if (plain) part.set(plain.subarray(from, from + part.length));
        else part.fill(0);
        done += part.length;
      }
    },
    async close() {},
  };
}
