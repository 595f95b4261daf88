import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import { indexWriter, readIndexFile } from './index-files.ts';
import { task } from './keyless.ts';
import { layout, patterns } from './layout.ts';
import { readPacks } from './packs-list.ts';
import { openPack } from './packs-reader.ts';
import { currentBundles, rewriteBundles } from './rewrite.ts';
import { packBeginning, proven, salvageReader, walkPages } from './salvage.ts';
import { requireOwner, type Session } from './session.ts';
import { chunkTable } from './table.ts';
import type { RepairResult, Rewritten } from './types.ts';

interface Options {
  /** Writes bundles anew even where something of them is lost for good. */
  acceptLoss?: boolean;
  emit?: Emit;
  signal?: AbortSignal;
}

/**
 * Makes a damaged vault usable: reads every pack, writes the index anew for those that none knows, brings what damaged packs still
 * hold into new ones, and writes the bundles anew that relied on these. A damaged pack is set aside (`aside/`) as long as a bundle that is not
 * whole names it, so that no export relies on it and `copy` can bring a whole one; else it is removed.
 * @throws key with a writer's key; store, network, interrupted.
 */
export async function repairVault(session: Session, { acceptLoss = false, emit = silent, signal }: Options = {}): Promise<RepairResult> {
  requireOwner(session);
  const { store } = session;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} is only read`);
  const result: RepairResult = { bundles: [], lists: [], lost: [], damaged: [], indexed: 0, unreadable: [] };
  const indexed = new Set<string>();
  const badIndex: string[] = [];
  const tolerant = async <T>(work: () => Promise<T>, otherwise: (error: BaluchonError) => void): Promise<T | undefined> => {
    if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
    try {
      return await work();
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
      otherwise(error);
      return undefined;
    }
  };
  for await (const name of store.names('index/')) {
    const match = patterns.index.exec(name);
    if (!match) continue;
    for (const { sha256 } of (await tolerant(() => readIndexFile(session, name, match[1]!), () => badIndex.push(name))) ?? []) indexed.add(sha256);
  }
  const there: string[] = [];
  let total = 0;
  for await (const { name, size } of store.list('packs/')) {
    const match = patterns.pack.exec(name);
    if (!match) continue;
    there.push(match[2]!);
    total += size;
  }
  const avoid = new Set<string>();
  const written = indexWriter(session);
  await task(emit, { what: 'reading packs', total, unit: 'bytes' }, async (done) => {
    for (const digest of there.sort()) {
      const pack = await tolerant(() => openPack(session, digest), () => {});
      let good = pack !== undefined;
      for (const [id, entry] of pack?.entries ?? []) good &&= (await proven(session, id, entry)) !== undefined;
      if (!good) avoid.add(digest);
      else if (!indexed.has(digest)) {
        await written.add({ sha256: digest, ids: [...pack!.entries.keys()].map((id) => Buffer.from(id, 'hex')) });
        result.indexed += 1;
      }
      done(total / there.length);
    }
  });
  await written.flush();
  for (const name of badIndex) await store.remove(name);

  const bundles = await currentBundles(session, (error) => result.unreadable.push(error.message));
  const names = new Set(there);
  const listed = async ({ file }: { file: { time: string; id: string } }) => (await tolerant(() => readPacks(store, layout.packs(file.time, file.id), () => {}), () => {}))?.packs ?? [];
  for (const bundle of bundles) for (const pack of await listed(bundle)) if (!names.has(pack)) avoid.add(pack);
  result.damaged.push(...[...avoid].map(layout.pack), ...badIndex);
  Object.assign(result, await rewriteBundles(session, bundles, avoid, { acceptLoss }));

  // Whoever could not be written anew may still want what is left of a damaged pack.
  const wanted = new Set<string>();
  for await (const name of store.names('bundles/')) {
    if (patterns.packs.test(name)) for (const pack of (await tolerant(() => readPacks(store, name, () => {}), () => {}))?.packs ?? []) wanted.add(pack);
  }
  for (const digest of avoid) {
    if (!names.has(digest)) continue;
    if (wanted.has(digest) || result.unreadable.length > 0) {
      const kept = await packBeginning(store, layout.pack(digest));
      // Nothing is removed of which something may be left.
      if (!kept) continue;
      await store.put(layout.aside(digest), kept);
    }
    await store.remove(layout.pack(digest));
  }
  return result;
}

/**
 * Writes bundles anew that rely on packs of which less than `threshold` (a share) is needed by any bundle: these can then be pruned.
 * @throws vault, before anything is changed, where a manifest can't be read.
 */
export async function repackVault(session: Session, { threshold = 0.5, dryRun = false, emit = silent }: { threshold?: number; dryRun?: boolean; emit?: Emit } = {}): Promise<Rewritten & { packs: number }> {
  requireOwner(session);
  const { store, header } = session;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} is only read`);
  const bundles = await currentBundles(session, (error) => {
    throw error;
  });
  const live = chunkTable();
  const named = new Set<string>();
  const reader = salvageReader(session);
  await task(emit, { what: 'looking for what is needed', total: bundles.length, unit: 'items' }, async (done) => {
    for (const { file, manifest } of bundles) {
      for (const pack of (await readPacks(store, layout.packs(file.time, file.id), () => {})).packs) named.add(pack);
      for (const disk of manifest.disks) {
        await walkPages(reader.page, disk, header.profile.chunk_size, {
          page: (id) => live.set(Buffer.from(id, 'hex'), 0),
          chunk: (id) => live.set(Buffer.from(id, 'hex'), 0),
          lost(_range, error) {
            throw new BaluchonError('vault', `${file.name}: disk ${disk.id}: ${error.message}`, { hint: 'mend the vault first: baluchon repair' });
          },
        });
      }
      done(1);
    }
  });
  const avoid = new Set<string>();
  for await (const name of store.names('index/')) {
    const match = patterns.index.exec(name);
    if (!match) continue;
    const packs = await readIndexFile(session, name, match[1]!).catch((error: unknown) => {
      if (isError(error, 'vault')) return [];
      throw error;
    });
    for (const { sha256, ids } of packs) {
      const needed = ids.filter((id) => live.get(id) !== undefined).length;
      if (named.has(sha256) && needed < ids.length * threshold) avoid.add(sha256);
    }
  }
  if (dryRun || avoid.size === 0) return { bundles: [], lists: [], lost: [], packs: avoid.size };
  return { ...(await rewriteBundles(session, bundles, avoid)), packs: avoid.size };
}
