import { BaluchonError, isError } from '../errors.ts';
import type { Disk, Extent } from '../disk/disk.ts';
import { release } from '../keys/index.ts';
import { chunkId } from './chunk.ts';
import { decompressor } from './codec.ts';
import { addPack, loadIndex, type Index } from './index-files.ts';
import { layout, patterns } from './layout.ts';
import type { BundleDisk } from './manifest.ts';
import { pageBytes, pageSize, parsePage, type Id } from './pages.ts';
import { packBytes } from './packer.ts';
import { lookThrough, packCache } from './packs-reader.ts';
import { ordered } from './queue.ts';
import type { Session } from './session.ts';
import type { Store } from '../store/store.ts';

/** Bytes of packs open for reading: three of the usual size, as many as disks are read at once. */
const cacheBytes = 3 * packBytes;
/** Chunks kept decompressed, and pages kept parsed. */
const hotChunks = 8;
const hotPages = 16;
/** Chunks of one read that are fetched at once, and how many chunks ahead of one who reads in order packs are fetched. */
const together = 8;
const ahead = 48;
/** Chunks of a disk that are sorted by their packs at once: 8 GiB of data of the usual size, some 6 MiB of memory. */
const sorted = 32_768;

export interface ChunkReader {
  /** A chunk's plaintext, checked against its id. Callers must not change it. */
  chunk(id: string): Promise<Buffer>;
  /** The same, shown to `look`, which must be done with it when it returns. */
  look?<T>(id: string, look: (plain: Buffer) => T): Promise<T>;
  page(id: string): Promise<Id[]>;
  /** The chunk will be wanted soon: its pack may be fetched. */
  soon?(id: string): void;
  /** The pack in which the chunk is looked for. */
  where?(id: string): Promise<string>;
  /** Writes chunks to their places in an open file of `size` bytes, pack by pack: for each pack the places (in bytes) of its chunks, by id. */
  scatter?(packs: Map<string, Map<string, number[]>>, to: { fd: number; size: number }, wrote: (bytes: number) => void): Promise<void>;
}

/**
 * Reads chunks by id, out of the packs that the bundle's list names and no others: that list is what was signed. Those that no
 * index knows are looked into. Without the list any pack of the vault will do; a chunk proves itself by its id.
 */
export function chunkReader(session: Session, packs: () => Promise<string[]>): ChunkReader {
  const cache = packCache(session, cacheBytes);
  const decompress = decompressor(Math.max(session.header.profile.chunk_size, pageBytes));
  let loading: Promise<Index> | undefined;
  let listing: Promise<string[] | undefined> | undefined;
  const list = () =>
    (listing ??= packs().catch((error: unknown) => {
      if (isError(error, 'vault')) return undefined;
      throw error;
    }));
  let exactly: Promise<Index> | undefined;
  const load = (exact: boolean) => list().then(async (listed) => loadIndex(session, new Set(listed ?? (await presentPacks(session.store))), { exact }));
  const find = async (id: string): Promise<string> => {
    const index = await (loading ??= load(false));
    const key = Buffer.from(id, 'hex');
    const number = index.chunks.get(key);
    if (number !== undefined) return index.packs[number]!;
    if (index.cached) {
      loading = exactly ??= load(true);
      return find(id);
    }
    for (const digest of (await list()) ?? (await presentPacks(session.store))) {
      if (index.numbers.has(digest)) continue;
      const ids = await cache.get(digest).then(
        (pack) => [...pack.entries.keys()].map((hex) => Buffer.from(hex, 'hex')),
        (): Buffer[] => [],
      );
      addPack(index, { sha256: digest, ids });
      if (index.chunks.get(key) !== undefined) return digest;
    }
    throw new BaluchonError('vault', `chunk ${id} is in no pack of this vault`);
  };
  const chunk = async (id: string): Promise<Buffer> => {
    const digest = await find(id);
    const damaged = (cause?: unknown) => new BaluchonError('vault', `damaged: ${layout.pack(digest)}: chunk ${id}`, { cause });
    const plain = await cache.use(digest, ({ entries }) => {
      const entry = entries.get(id);
      if (!entry) throw damaged();
      return entry.packed ? decompress(entry.bytes).catch((cause: unknown) => Promise.reject(damaged(cause))) : copy(entry.bytes);
    });
    const wanted = Buffer.from(id, 'hex');
    if (!session.secrets.dedup.some((secret) => chunkId(secret, plain).equals(wanted))) throw damaged();
    return plain;
  };
  const scatter: NonNullable<ChunkReader['scatter']> = async (packs, { fd, size }, wrote) => {
    const { chunk_size: chunkSize } = session.header.profile;
    for await (const { digest, ids } of lookThrough(session, packs.keys(), (digest) => ({ fd, places: packs.get(digest)!, size, chunkSize }))) {
      const good = new Set((await ids).good);
      for (const [id, places] of packs.get(digest)!) {
        if (!good.has(id)) throw new BaluchonError('vault', `damaged: ${layout.pack(digest)}: chunk ${id}`);
        wrote(places.reduce((sum, at) => sum + Math.min(chunkSize, size - at), 0));
      }
    }
  };
  const pages = recent(hotPages, async (id) => parsePage(await chunk(id)));
  const soon = (id: string) => {
    find(id).then((digest) => cache.use(digest, () => {})).catch(() => {});
  };
  return { chunk, look: lookedAt(hotChunks, chunk), page: pages, soon, where: find, scatter };
}

function copy(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** Digests of the packs that are there. */
export async function presentPacks(store: Store): Promise<string[]> {
  const digests: string[] = [];
  for await (const { name } of store.list('packs/')) {
    const match = patterns.pack.exec(name);
    if (match) digests.push(match[2]!);
  }
  return digests;
}

/** The last few results of `work`; what is under way is shared. */
function recent<T>(limit: number, work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const held = new Map<string, Promise<T>>();
  return (key) => {
    let result = held.get(key);
    if (result) held.delete(key);
    else {
      result = work(key);
      result.catch(() => held.delete(key));
    }
    held.set(key, result);
    if (held.size > limit) held.delete(held.keys().next().value!);
    return result;
  };
}

/** The last few chunks stay for those who read in small steps; then their memory is given back, when nobody looks any more. */
function lookedAt(limit: number, chunk: (id: string) => Promise<Buffer>): NonNullable<ChunkReader['look']> {
  interface Held {
    plain: Promise<Buffer>;
    lookers: number;
    out: boolean;
  }
  const held = new Map<string, Held>();
  const drop = (one: Held) => {
    if (one.out && one.lookers === 0) one.plain.then(release, () => {});
  };
  return async (id, look) => {
    let one = held.get(id);
    if (one) held.delete(id);
    else {
      one = { plain: chunk(id), lookers: 0, out: false };
      one.plain.catch(() => held.delete(id));
    }
    held.set(id, one);
    one.lookers += 1;
    if (held.size > limit) {
      const [oldest, gone] = held.entries().next().value!;
      held.delete(oldest);
      gone.out = true;
      drop(gone);
    }
    try {
      return look(await one.plain);
    } finally {
      one.lookers -= 1;
      drop(one);
    }
  };
}

/** A disk of a bundle, readable anywhere, by several at once. */
export function bundleDisk(reader: ChunkReader, about: BundleDisk, chunkSize: number): Disk {
  const { size, depth, root } = about;
  const chunkCount = Math.ceil(size / chunkSize);
  const look: NonNullable<ChunkReader['look']> = reader.look ?? (async (id, see) => see(await reader.chunk(id)));
  /** Where the last read ended. */
  let last = -1;

  const idAt = async (index: number): Promise<Id> => {
    let id = root;
    for (let level = depth - 1; level >= 0 && id !== null; level--) {
      const page = await reader.page(id);
      const entry = page[Math.floor(index / pageSize ** level) % pageSize];
      if (entry === undefined) throw new BaluchonError('vault', `damaged: a page of disk ${about.id} is too short`);
      id = entry;
    }
    return id;
  };
  const lengthAt = (index: number) => Math.min(chunkSize, size - index * chunkSize);
  /** The chunks that hold data under a page, and their numbers. */
  async function* walk(id: Id, level: number, first: number, within = { from: 0, to: Infinity }): AsyncGenerator<{ id: string; index: number }> {
    if (id === null) return;
    const span = pageSize ** level;
    for (const [at, entry] of (await reader.page(id)).entries()) {
      if (entry === null || first + (at + 1) * span <= within.from || first + at * span >= within.to) continue;
      if (level === 0) {
        if (first + at >= chunkCount) throw new BaluchonError('vault', `damaged: disk ${about.id} has pages beyond its end`);
        yield { id: entry, index: first + at };
      }
      else yield* walk(entry, level - 1, first + at * span, within);
    }
  }
  /** Some thousand chunks with data at a time, by the packs they are in, each with its numbers. */
  async function* stretches(where: (id: string) => Promise<string>): AsyncGenerator<Map<string, Map<string, number[]>>> {
    let packs = new Map<string, Map<string, number[]>>();
    let count = 0;
    for await (const { id, index } of walk(root, depth - 1, 0)) {
      const pack = await where(id);
      const chunks = packs.get(pack) ?? new Map<string, number[]>();
      packs.set(pack, chunks);
      const numbers = chunks.get(id);
      if (numbers) numbers.push(index);
      else chunks.set(id, [index]);
      if (++count % sorted > 0) continue;
      yield packs;
      packs = new Map();
    }
    if (packs.size > 0) yield packs;
  }
  return {
    size,
    async *extents(): AsyncGenerator<Extent> {
      let start = -1;
      let end = -1;
      for await (const { index } of walk(root, depth - 1, 0)) {
        if (index !== end) {
          if (end > start) yield { offset: start * chunkSize, length: (end - start) * chunkSize };
          start = index;
        }
        end = index + 1;
      }
      if (end > start) yield { offset: start * chunkSize, length: Math.min(end * chunkSize, size) - start * chunkSize };
    },
    async read(offset, into) {
      if (offset < 0 || offset + into.length > size) throw new BaluchonError('vault', `disk ${about.id}: read beyond its end`);
      const inOrder = offset >= last && offset - last < ahead * chunkSize;
      last = offset + into.length;
      const fill = async (index: number): Promise<void> => {
        const start = index * chunkSize;
        const from = Math.max(offset - start, 0);
        const length = lengthAt(index);
        const part = into.subarray(start + from - offset, start + length - offset);
        const id = await idAt(index);
        if (id === null) {
          part.fill(0);
          return;
        }
        await look(id, (plain) => {
          if (plain.length !== length) throw new BaluchonError('vault', `damaged: disk ${about.id} has a chunk of the wrong size`);
          part.set(plain.subarray(from, from + part.length));
        });
      };
      const end = Math.ceil(last / chunkSize);
      if (inOrder && reader.soon && end + ahead < chunkCount) {
        const id = await idAt(end + ahead);
        if (id !== null) reader.soon(id);
      }
      for (let index = Math.floor(offset / chunkSize); index < end; index += together) {
        const some = await Promise.allSettled(Array.from({ length: Math.min(together, end - index) }, (_, nth) => fill(index + nth)));
        for (const one of some) if (one.status === 'rejected') throw one.reason;
      }
    },
    ...(reader.where && {
      pieces: {
        piece: chunkSize,
        async *order() {
          for await (const packs of stretches(reader.where!)) yield Uint32Array.from([...packs.values()].flatMap((chunks) => [...chunks.values()].flat()));
        },
        async *read(pieces) {
          const ids = new Map<number, string>();
          const from = pieces.reduce((least, index) => Math.min(least, index), Infinity);
          const to = pieces.reduce((most, index) => Math.max(most, index), -1) + 1;
          for await (const { id, index } of walk(root, depth - 1, 0, { from, to })) ids.set(index, id);
          yield* ordered(pieces, together, async (index) => {
            const plain = await reader.chunk(ids.get(index)!);
            if (plain.length !== lengthAt(index)) throw new BaluchonError('vault', `damaged: disk ${about.id} has a chunk of the wrong size`);
            return plain;
          });
        },
      },
      async writeTo(fd, wrote) {
        for await (const packs of stretches(reader.where!)) {
          const places = [...packs].map(([pack, chunks]) => [pack, new Map([...chunks].map(([id, at]) => [id, at.map((index) => index * chunkSize)]))] as const);
          await reader.scatter!(new Map(places), { fd, size }, wrote);
        }
      },
    }),
    async close() {},
  };
}
