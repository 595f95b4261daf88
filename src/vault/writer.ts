import { readFileSync } from 'node:fs';
import { BaluchonError, isError } from '../errors.ts';
import { release } from '../keys/index.ts';
import type { Disk } from '../disk/disk.ts';
import { chunkId, sha256 } from './chunk.ts';
import { perform } from './crew.ts';
import { loadIndex, writeIndex, type PackContents } from './index-files.ts';
import { readDoomed, requireKept } from './doomed.ts';
import { each } from './keyless.ts';
import { compactTime, expandTime, layout, patterns, rfc3339 } from './layout.ts';
import { manifestFiles } from './manifest-files.ts';
import { sealManifest, type BundleDisk, type Manifest } from './manifest.ts';
import { packer, packLane } from './packer.ts';
import { packsText, parsePacks } from './packs-list.ts';
import { pageBuilder } from './pages.ts';
import { gate, ordered } from './queue.ts';
import type { Session } from './session.ts';
import type { Squeezed } from './tasks.ts';
import type { BundleInfo, BundleWriter, DiskResult } from './types.ts';

/** Bytes of chunks that are read and handed over together, such batches of one disk on their way at once, and of all disks. */
const batchBytes = 2 << 20;
const ahead = 3;
const batches = 4;
/** Packs after which an index file is written, so that what a broken run has stored is found again. */
const indexEvery = 64;
/** One compressed chunk in so many is decompressed again before it counts as stored. */
const sample = 64;

const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

/** Chunks one after the other in `memory`: their numbers on the disk, ascending, and their lengths. */
interface Batch {
  indices: number[];
  lengths: number[];
  memory: Buffer<ArrayBuffer>;
}

interface Piece {
  index: number;
  id: Buffer | null;
  /** As it is to be stored; missing where the vault has it. */
  body?: Body;
  length: number;
}

type Body = Squeezed['bodies'][number];

/** Begins a bundle: reads the index and what packs are there. */
export async function beginBundle(session: Session, now?: Date): Promise<BundleWriter> {
  const { roster, store, header } = session;
  if (roster instanceof BaluchonError) throw roster;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} can't be added to`, { hint: `make a vault of it first: baluchon unpack ${store.name} VAULT` });
  const chunkSize = header.profile.chunk_size;
  const batch = Math.max(1, Math.floor(batchBytes / chunkSize));
  const secret = session.secrets.dedup[0]!;
  // Packs that a prune has marked may vanish: nothing new may rely on them.
  const doomed = new Set((await readDoomed(store)).flatMap(({ packs }) => packs));
  const there = new Set<string>();
  for await (const { name } of store.list('packs/')) {
    const match = patterns.pack.exec(name);
    if (match && !doomed.has(match[2]!)) there.add(match[2]!);
  }
  const index = await loadIndex(session, there, { keep: true });

  const disks: BundleDisk[] = [];
  const used = new Set<number>();
  let added = 0;
  let unlisted: PackContents[] = [];
  let state: 'open' | 'committed' | 'aborted' = 'open';
  let busy = 0;
  const lane = packLane();
  const pool = gate(batches);
  const spare: Buffer<ArrayBuffer>[] = [];
  const squeezing = new Map<string, Promise<Body>>();
  let squeezed = 0;

  const stored = async (pack: PackContents & { bytes: number }) => {
    added += pack.bytes;
    unlisted.push(pack);
    if (unlisted.length >= indexEvery) await list();
  };
  const list = async () => {
    const packs = unlisted;
    unlisted = [];
    if (packs.length > 0) added += await writeIndex(session, packs);
  };
  const data = packer(session, index, lane, stored);
  // Pages have packs of their own, so that walking a disk does not fetch its data.
  const meta = packer(session, index, lane, stored);

  /** Chunks that several disks bring at the same moment are compressed once. Gives the memory back with the bodies, by id. */
  const squeeze = async (memory: Buffer<ArrayBuffer>, wanted: Map<string, { at: number; length: number }>): Promise<{ memory: Buffer<ArrayBuffer>; bodies: Map<string, Promise<Body>> }> => {
    const bodies = new Map([...wanted.keys()].flatMap((id) => (squeezing.has(id) ? [[id, squeezing.get(id)!] as const] : [])));
    const mine = [...wanted].filter(([id]) => !bodies.has(id));
    if (mine.length === 0) return { memory, bodies };
    const working = perform({ task: 'squeeze', memory, chunks: mine.map(([, chunk]) => ({ ...chunk, proof: squeezed++ % sample === 0 })) }).then((done) => {
      if (!done.proven) throw new BaluchonError('store', 'zstd does not give back what it was given', { hint: 'this machine may have faulty memory' });
      return done;
    });
    for (const [nth, [id]] of mine.entries()) {
      const body = working.then((done) => done.bodies[nth]!);
      bodies.set(id, body);
      squeezing.set(id, body);
      const done = () => squeezing.delete(id);
      body.then(done, done);
    }
    return { memory: Buffer.from((await working).memory.buffer), bodies };
  };
  /** True when the chunk was new. */
  const put = async (where: typeof data, id: Buffer, body: Body): Promise<boolean> => {
    const known = index.chunks.get(id);
    if (known === undefined) await where.add(id, body.bytes, body.packed);
    used.add(index.chunks.get(id)!);
    // Who brings the same at this moment finds that it is there, and does not look into it.
    release(body.bytes);
    return known === undefined;
  };
  const putPage = async (text: Buffer): Promise<string> => {
    const id = chunkId(secret, text);
    const hex = id.toString('hex');
    if (index.chunks.get(id) === undefined) {
      const { bodies } = await squeeze(Buffer.from(new Uint8Array(text).buffer), new Map([[hex, { at: 0, length: text.length }]]));
      await put(meta, id, await bodies.get(hex)!);
    } else used.add(index.chunks.get(id)!);
    return hex;
  };

  const take = async ({ indices, lengths, memory }: Batch): Promise<Piece[]> => {
    let back: Buffer<ArrayBuffer> | undefined;
    try {
      const named = await perform({ task: 'name', memory, lengths, secret });
      const { ids } = named;
      const wanted = new Map<string, { at: number; length: number }>();
      let at = 0;
      for (const [nth, length] of lengths.entries()) {
        const id = ids[nth];
        if (id && index.chunks.get(Buffer.from(id, 'hex')) === undefined) wanted.set(id, { at, length });
        at += length;
      }
      const done = await squeeze(Buffer.from(named.memory.buffer), wanted);
      back = done.memory;
      return await Promise.all(
        indices.map(async (at, nth): Promise<Piece> => {
          const id = ids[nth]!;
          const length = lengths[nth]!;
          const body = id ? await done.bodies.get(id) : undefined;
          return { index: at, id: id ? Buffer.from(id, 'hex') : null, length, ...(body && { body }) };
        }),
      );
    } finally {
      if (back) spare.push(back);
      pool.leave();
    }
  };

  const addDisk: BundleWriter['addDisk'] = async (disk, about, { signal, onProgress } = {}): Promise<DiskResult> => {
    requireOpen(state);
    if (disks.some((other) => other.id === about.id)) throw new BaluchonError('vault', `two disks with the id ${about.id}`);
    const chunks = Math.ceil(disk.size / chunkSize);
    const result: DiskResult = { size: disk.size, data: 0, new_bytes: 0, stored_bytes: 0 };
    const pages = pageBuilder(chunks, putPage);
    let next = 0;
    const lengthAt = (at: number) => Math.min(chunkSize, disk.size - at * chunkSize);
    async function* read(): AsyncGenerator<Batch> {
      for await (const indices of gathered(dataChunks(disk, chunkSize), batch)) {
        signal?.throwIfAborted();
        await pool.enter();
        const memory = spare.pop() ?? Buffer.allocUnsafeSlow(batch * chunkSize);
        try {
          let filled = 0;
          for (const run of runs(indices)) {
            const length = run.reduce((sum, at) => sum + lengthAt(at), 0);
            await disk.read(run[0]! * chunkSize, memory.subarray(filled, filled + length));
            filled += length;
          }
        } catch (error) {
          spare.push(memory);
          pool.leave();
          throw error;
        }
        yield { indices, lengths: indices.map(lengthAt), memory };
      }
    }
    busy += 1;
    try {
      for await (const pieces of ordered(read(), ahead, take)) {
        for (const { index: at, id, length, body } of pieces) {
          await pages.zeros(at - next);
          next = at + 1;
          if (id) {
            result.data += length;
            const stored = body?.bytes.length ?? 0;
            if (!body) used.add(index.chunks.get(id)!);
            else if (await put(data, id, body)) {
              result.new_bytes += length;
              result.stored_bytes += stored;
            }
          }
          await pages.add(id?.toString('hex') ?? null);
        }
        onProgress?.(Math.min(disk.size, next * chunkSize));
      }
      signal?.throwIfAborted();
      await pages.zeros(chunks - next);
      const { depth, root } = await pages.end();
      disks.push({ ...about, size: disk.size, data_bytes: result.data, depth, root });
      onProgress?.(disk.size);
      return result;
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw new BaluchonError('interrupted', 'interrupted', { cause: error });
      throw error;
    } finally {
      busy -= 1;
    }
  };

  const commit: BundleWriter['commit'] = async ({ source, documents, notes, tags }) => {
    requireOpen(state);
    if (busy > 0) throw new BaluchonError('vault', 'a disk is still being read');
    await data.flush();
    await meta.flush();
    await list();
    const packs = [...used].map((number) => index.packs[number]!);
    const previous = await heads(session);
    const { text, lists } = packsText(header.vault, previous, packs);
    for (const { name, body } of lists) {
      if (await store.stat(name)) continue;
      await store.put(name, body);
      added += body.length;
    }
    await requireKept(store, { packs, lists: lists.map(({ name }) => patterns.list.exec(name)![1]!) }, now);
    const counts: { [kind: string]: number } = {};
    for (const { kind } of documents) counts[kind] = (counts[kind] ?? 0) + 1;
    const created = rfc3339(await moment(session, now ?? new Date()));
    const manifest: Manifest = {
      format: 'baluchon-bundle/1',
      vault: header.vault,
      created,
      tool: `baluchon/${version}`,
      epoch: session.secrets.epoch,
      source,
      counts,
      disk_bytes: disks.reduce((sum, disk) => sum + disk.size, 0),
      added_bytes: added,
      disks: disks.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      packs: { sha256: sha256(text) },
      previous,
      roster: { serial: roster.roster.serial, sha256: roster.digest },
      notes: notes ?? {},
      ...(tags && tags.length > 0 && { tags: [...new Set(tags)].sort() }),
    };
    const { id, bytes } = await sealManifest(manifest, documents, session.certificate, session.signer, session.sealing);
    const time = compactTime(created);
    await store.put(layout.packs(time, id), text);
    await store.put(layout.manifest(time, id), bytes);
    state = 'committed';
    return bundleInfo(id, manifest);
  };

  return {
    addDisk,
    commit,
    async abort() {
      if (state !== 'open') return;
      state = 'aborted';
      // What is stored already is worth finding again; what is not, is dropped.
      await Promise.all([data.settle(), meta.settle()]);
      await list().catch(() => {});
    },
  };
}

export function bundleInfo(id: string, { created, source, counts, disk_bytes, added_bytes, tags }: Manifest): BundleInfo {
  return { id, created, source, counts, disk_bytes, added_bytes, ...(tags && tags.length > 0 && { tags }) };
}

function requireOpen(state: string): void {
  if (state !== 'open') throw new BaluchonError('vault', `the bundle is ${state} already`);
}

/** Numbers of the chunks that may hold data, ascending. */
async function* dataChunks(disk: Disk, chunkSize: number): AsyncGenerator<number> {
  let next = 0;
  for await (const { offset, length } of disk.extents()) {
    const end = Math.ceil((offset + length) / chunkSize);
    for (next = Math.max(next, Math.floor(offset / chunkSize)); next < end; next++) yield next;
  }
}

/** Up to `most` at a time. */
async function* gathered(items: AsyncIterable<number>, most: number): AsyncGenerator<number[]> {
  let some: number[] = [];
  for await (const item of items) {
    some.push(item);
    if (some.length < most) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** Numbers that follow each other. */
function runs(numbers: number[]): number[][] {
  const all: number[][] = [];
  for (const number of numbers) {
    const last = all.at(-1);
    if (last && last.at(-1) === number - 1) last.push(number);
    else all.push([number]);
  }
  return all;
}

/** Now, in whole seconds; one more than the newest bundle's when that is of the same moment: names sort by time. */
async function moment({ store }: Session, now: Date): Promise<Date> {
  const newest = (await manifestFiles(store)).at(-1);
  const after = newest ? Date.parse(expandTime(newest.time)) + 1000 : 0;
  return after > now.getTime() && after < now.getTime() + 60_000 ? new Date(after) : now;
}

/** Manifests that no other bundle names as previous. */
async function heads({ store }: Session): Promise<string[]> {
  const manifests = new Set<string>();
  const lists: string[] = [];
  for await (const { name } of store.list('bundles/')) {
    if (patterns.manifest.test(name)) manifests.add(name);
    else if (patterns.packs.test(name)) lists.push(name);
  }
  const heads = new Set(manifests);
  // A vault of thousands of bundles may be far away: not one after the other.
  await each(lists.filter((name) => manifests.has(name.replace(/packs$/, 'pgp'))), 16, async (name) => {
    try {
      for (const previous of parsePacks(await store.get(name), name).previous) heads.delete(previous);
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
    }
  });
  return [...heads].sort();
}
