import type { Target } from '../disk/scatter.ts';
import { BaluchonError, isError } from '../errors.ts';
import { release } from '../memory.ts';
import { chunkId } from './chunk.ts';
import { decompressor } from './codec.ts';
import { addPack, loadIndex, type Index } from './index-files.ts';
import { layout, patterns } from './layout.ts';
import { pageBytes, parsePage, type Id } from './pages.ts';
import { packBytes } from './packer.ts';
import { lookThrough, packCache } from './packs-reader.ts';
import type { Session } from './session.ts';
import type { Store } from '../store/store.ts';

/** Bytes of packs open for reading: three of the usual size, as many as disks are read at once. */
const cacheBytes = 3 * packBytes;
/** Chunks kept decompressed, and pages kept parsed. */
const hotChunks = 8;
const hotPages = 16;

/** Where a chunk belongs: on which of several disks, by their number, and its own number there. */
export interface Place {
  disk: number;
  index: number;
}

/** For each pack the places of its chunks, by id. */
export type ByPack = Map<string, Map<string, Place[]>>;

export interface ChunkReader {
  /** A chunk's plaintext, checked against its id. Callers must not change it. */
  chunk(id: string): Promise<Buffer>;
  /** The same, shown to `look`, which must be done with it when it returns. */
  look?<T>(id: string, look: (plain: Buffer) => T): Promise<T>;
  page(id: string): Promise<Id[]>;
  /** The chunk will be wanted soon: its pack may be fetched. */
  soon?(id: string): void;
  /** For each chunk the pack in which it is looked for. */
  where?(ids: readonly string[]): Promise<string[]>;
  /** Writes chunks, pack by pack, to their places in open files, one for each disk, of `size` bytes. `wrote` is told of each disk's bytes. */
  scatter?(packs: ByPack, files: (Target & { size: number })[], wrote: (disk: number, bytes: number) => void): Promise<void>;
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
  const known = (index: Index, id: string): string | undefined => {
    const number = index.chunks.get(Buffer.from(id, 'hex'));
    return number === undefined ? undefined : index.packs[number];
  };
  const find = async (id: string): Promise<string> => {
    const index = await (loading ??= load(false));
    const pack = known(index, id);
    if (pack !== undefined) return pack;
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
      if (known(index, id) !== undefined) return digest;
    }
    throw new BaluchonError('vault', `chunk ${id} is in no pack of this vault`);
  };
  const where: NonNullable<ChunkReader['where']> = async (ids) => {
    const index = await (loading ??= load(false));
    const found: string[] = [];
    for (const id of ids) found.push(known(index, id) ?? (await find(id)));
    return found;
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
  const scatter: NonNullable<ChunkReader['scatter']> = async (packs, files, wrote) => {
    const { chunk_size: chunkSize } = session.header.profile;
    for await (const { digest, ids } of lookThrough(session, packs.keys(), (digest) => ({ files, places: packs.get(digest)!, chunkSize }))) {
      const good = new Set((await ids).good);
      for (const [id, places] of packs.get(digest)!) {
        if (!good.has(id)) throw new BaluchonError('vault', `damaged: ${layout.pack(digest)}: chunk ${id}`);
        for (const { disk, index } of places) wrote(disk, Math.min(chunkSize, files[disk]!.size - index * chunkSize));
      }
    }
  };
  const pages = recent(hotPages, async (id) => parsePage(await chunk(id)));
  const soon = (id: string) => {
    find(id).then((digest) => cache.use(digest, () => {})).catch(() => {});
  };
  return { chunk, look: lookedAt(hotChunks, chunk), page: pages, soon, where, scatter };
}

function copy(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** Digests of the packs that are there. */
export async function presentPacks(store: Store): Promise<string[]> {
  const digests: string[] = [];
  for await (const name of store.names('packs/')) {
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
