import { readFileSync } from 'node:fs';
import { BaluchonError, isError } from '../errors.ts';
import type { Memory } from '../memory.ts';
import { chunkId, sha256 } from './chunk.ts';
import { perform } from './crew.ts';
import { indexWriter, loadIndex, type PackContents } from './index-files.ts';
import { readDoomed, requireKept } from './doomed.ts';
import { intakes, type Batch, type Intake } from './intake.ts';
import { each } from './keyless.ts';
import { compactTime, expandTime, layout, patterns, rfc3339 } from './layout.ts';
import { manifestFiles } from './manifest-files.ts';
import { sealManifest, type BundleDisk, type Manifest } from './manifest.ts';
import { sweepMarks } from './marks.ts';
import { packer, packLane, pagesBegin } from './packer.ts';
import { packsText, parsePacks } from './packs-list.ts';
import { pageBuilder } from './pages.ts';
import { ordered } from './queue.ts';
import type { Session } from './session.ts';
import type { BundleInfo, BundleWriter, DiskResult } from './types.ts';

/** Batches of one disk that are on their way at once, from reading to their place in a pack: not of all disks together, as one would wait for another then. */
const ahead = 2;
/** One compressed chunk in so many is decompressed again before it counts as stored. */
const sample = 64;

const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

interface Piece {
  index: number;
  id: Buffer | null;
  /** As it is to be stored; missing where the vault has it. */
  body?: Body;
  length: number;
}

interface Body {
  bytes: Memory;
  packed: boolean;
}

/** Begins a bundle: reads the index and what packs are there. */
export async function beginBundle(session: Session, now?: Date): Promise<BundleWriter> {
  const { roster, store, header } = session;
  if (roster instanceof BaluchonError) throw roster;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} can't be added to`, { hint: `make a vault of it first: baluchon unpack ${store.name} VAULT` });
  const chunkSize = header.profile.chunk_size;
  const secret = session.secrets.dedup[0]!;
  // Packs that a prune has marked may vanish: nothing new may rely on them.
  const doomed = new Set((await readDoomed(store)).flatMap(({ packs }) => packs));
  const there = new Set<string>();
  for await (const name of store.names('packs/')) {
    const match = patterns.pack.exec(name);
    if (match && !doomed.has(match[2]!)) there.add(match[2]!);
  }
  const index = await loadIndex(session, there, { keep: true });
  sweepMarks(session);

  const disks: BundleDisk[] = [];
  const used = new Set<number>();
  let added = 0;
  const written = indexWriter(session);
  let state: 'open' | 'committed' | 'aborted' = 'open';
  let busy = 0;
  const lane = packLane();
  const intake = intakes(session, index);
  const squeezing = new Map<string, Promise<Body>>();
  let squeezed = 0;

  const stored = async (pack: PackContents & { bytes: number }) => {
    added += pack.bytes;
    await written.add(pack);
  };
  const data = packer(session, index, lane, stored);
  // Pages have packs of their own, so that walking a disk does not fetch its data; they seldom fill one.
  const meta = packer(session, index, lane, stored, pagesBegin);

  /** Chunks that several disks bring at the same moment are compressed once. Gives the memory back, in which the bodies lie that are its own, and all bodies by id. */
  const squeeze = async (memory: Memory, wanted: Map<string, { at: number; length: number }>): Promise<{ memory: Memory; bodies: Map<string, Promise<Body>> }> => {
    const bodies = new Map([...wanted.keys()].flatMap((id) => (squeezing.has(id) ? [[id, squeezing.get(id)!] as const] : [])));
    const mine = [...wanted].filter(([id]) => !bodies.has(id));
    if (mine.length === 0) return { memory, bodies };
    const working = perform({ task: 'squeeze', memory, chunks: mine.map(([, chunk]) => ({ ...chunk, proof: squeezed++ % sample === 0 })) }).then((done) => {
      if (!done.proven) throw new BaluchonError('store', 'zstd does not give back what it was given', { hint: 'this machine may have faulty memory' });
      return done;
    });
    for (const [nth, [id]] of mine.entries()) {
      const body = working.then(({ memory, bodies }) => {
        const { at, length, packed } = bodies[nth]!;
        return { bytes: memory.subarray(at, at + length), packed };
      });
      bodies.set(id, body);
      squeezing.set(id, body);
      const done = () => squeezing.delete(id);
      body.then(done, done);
    }
    return { memory: (await working).memory, bodies };
  };
  /** True when the chunk was new. */
  const put = async (where: typeof data, id: Buffer, body: Body): Promise<boolean> => {
    const known = index.chunks.get(id);
    if (known === undefined) await where.add(id, body.bytes, body.packed);
    used.add(index.chunks.get(id)!);
    return known === undefined;
  };
  const putPage = async (text: Buffer): Promise<string> => {
    const id = chunkId(secret, text);
    const hex = id.toString('hex');
    if (index.chunks.get(id) === undefined) {
      const { bodies } = await squeeze(new Uint8Array(text), new Map([[hex, { at: 0, length: text.length }]]));
      await put(meta, id, await bodies.get(hex)!);
    } else used.add(index.chunks.get(id)!);
    return hex;
  };

  const take = async ({ name }: Intake, batch: Batch): Promise<{ pieces: Piece[]; memory: Memory }> => {
    const { indices, lengths, ids, at, memory: named } = await name(batch);
    const wanted = new Map<string, { at: number; length: number }>();
    for (const [nth, id] of ids.entries()) {
      if (id && index.chunks.get(Buffer.from(id, 'hex')) === undefined) wanted.set(id, { at: at[nth]!, length: lengths[nth]! });
    }
    const { memory, bodies } = await squeeze(named, wanted);
    const pieces = indices.map(async (at, nth): Promise<Piece> => {
      const id = ids[nth]!;
      const body = id ? await bodies.get(id) : undefined;
      return { index: at, id: id ? Buffer.from(id, 'hex') : null, length: lengths[nth]!, ...(body && { body }) };
    });
    return { pieces: await Promise.all(pieces), memory };
  };

  const addDisk: BundleWriter['addDisk'] = async (disk, about, { signal, onProgress } = {}): Promise<DiskResult> => {
    requireOpen(state);
    if (disks.some((other) => other.id === about.id)) throw new BaluchonError('vault', `two disks with the id ${about.id}`);
    const chunks = Math.ceil(disk.size / chunkSize);
    const result: DiskResult = { size: disk.size, data: 0, new_bytes: 0, stored_bytes: 0 };
    const pages = pageBuilder(chunks, putPage);
    let next = 0;
    const taking = intake(disk, about.id, signal);
    busy += 1;
    try {
      for await (const { pieces, memory } of ordered(taking.read(), ahead, (batch) => take(taking, batch))) {
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
        // Who brings the same chunks at this moment finds that they are there, and does not look into it.
        taking.passed(next, memory);
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
      taking.close();
      busy -= 1;
    }
  };

  const commit: BundleWriter['commit'] = async ({ source, documents, notes, tags }) => {
    requireOpen(state);
    if (busy > 0) throw new BaluchonError('vault', 'a disk is still being read');
    await data.flush();
    await meta.flush();
    await written.flush();
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
      added_bytes: added + written.bytes,
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
      await written.flush().catch(() => {});
    },
  };
}

export function bundleInfo(id: string, { created, source, counts, disk_bytes, added_bytes, tags }: Manifest): BundleInfo {
  return { id, created, source, counts, disk_bytes, added_bytes, ...(tags && tags.length > 0 && { tags }) };
}

function requireOpen(state: string): void {
  if (state !== 'open') throw new BaluchonError('vault', `the bundle is ${state} already`);
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
  for await (const name of store.names('bundles/')) {
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
