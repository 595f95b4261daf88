import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { bundleDisk, writeDisks } from './bundle-disk.ts';
import { cacheOf, readInfos, writeInfos } from './cache.ts';
import { addMembers, members, removeMembers, rotate } from './keyring.ts';
import { forgetBundles } from './forget.ts';
import { layout } from './layout.ts';
import { chooseManifest, manifestFiles, readManifest, readManifests, type ManifestFile } from './manifest-files.ts';
import type { BundleDisk, OpenedManifest } from './manifest.ts';
import { memoryFile, missed, remember, requireSame } from './memory.ts';
import { readPacks } from './packs-list.ts';
import { chunkReader } from './reader.ts';
import { repackVault, repairVault } from './repair.ts';
import { openSession, requireOwner, type Session } from './session.ts';
import { salvageDisk, salvageReader } from './salvage.ts';
import type { Bundle, BundleInfo, Key, OpenOptions, Vault } from './types.ts';
import { verifyVault } from './verify.ts';
import { beginBundle, bundleInfo } from './writer.ts';

/**
 * Opens a vault with an owner's or a writer's key; with a writer's only `begin` and `keys.list` do anything.
 * @param options.allowUnknownWriter looks also at bundles that nobody known has signed
 * @param options.cache folder in which this machine keeps what it would otherwise read again; see cache.ts
 * @param options.memory folder in which this machine keeps what it saw of vaults, to notice what vanishes
 * @throws key, vault, store.
 */
export async function openVault(store: Store, key: Key, options: { allowUnknownWriter?: boolean; memory?: string; cache?: string } = {}): Promise<Vault> {
  const session = await openSession(store, key, options);
  if (options.cache !== undefined) session.cache = cacheOf(options.cache, session.header.vault);
  // A file of one bundle may be written anew under the same name.
  const memory = options.memory === undefined || store.readOnly ? undefined : memoryFile(options.memory, store);
  if (memory) await requireSame(memory, session);
  const look = async (): Promise<string[]> => {
    if (!memory) return [];
    const lines = await missed(memory, session);
    await remember(memory, session);
    return lines;
  };
  return {
    id: session.header.vault,
    root: session.header.root,
    role: session.role,
    name: store.name,
    keys: {
      get epoch() {
        return session.secrets.epoch;
      },
      list: () => members(session),
      add: (newcomers) => addMembers(session, newcomers),
      remove: (who) => removeMembers(session, who),
      rotate: () => rotate(session),
    },
    missed: look,
    async list(refused) {
      requireOwner(session);
      // Of a bundle that only an exception lets in nothing is kept.
      const cache = options.allowUnknownWriter ? undefined : session.cache;
      const known = cache ? await readInfos(session, cache) : new Map<string, BundleInfo>();
      const files = await manifestFiles(store);
      const seen = new Map(files.flatMap(({ name }) => (known.has(name) ? [[name, known.get(name)!] as const] : [])));
      for await (const { file, manifest } of readManifests(session, files.filter(({ name }) => !known.has(name)), refused, 'no documents')) seen.set(file.name, bundleInfo(file.id, manifest));
      if (cache && (seen.size !== known.size || [...seen.keys()].some((name) => !known.has(name)))) await writeInfos(session, cache, seen);
      return files.flatMap(({ name }) => seen.get(name) ?? []);
    },
    async open(ref, { salvage } = {}) {
      requireOwner(session);
      let files = await manifestFiles(store);
      for (;;) {
        const file = chooseManifest(files, ref, store.name);
        try {
          return openBundle(session, file, await readManifest(session, file), salvage);
        } catch (error) {
          if (!salvage || !isError(error, 'vault') || file.id.startsWith(ref) || files.length === 1) throw error;
          salvage({ problem: error.message });
          files = files.filter((other) => other !== file);
        }
      }
    },
    async begin() {
      const gone = memory ? (await missed(memory, session)).find((line) => line.includes('keys/roster-')) : undefined;
      if (gone) throw new BaluchonError('vault', `${store.name}: ${gone}`, { hint: `nothing is written for people who may have been put out; if it is meant, remove ${memory}` });
      const writer = await beginBundle(session);
      return {
        ...writer,
        async commit(contents) {
          const info = await writer.commit(contents);
          if (memory) await remember(memory, session);
          return info;
        },
      };
    },
    async forget(ids) {
      const files = await manifestFiles(store);
      const chosen = ids.map((id) => files.find((file) => file.id === id) ?? Promise.reject(new BaluchonError('usage', `${store.name}: no bundle ${id}`)));
      await forgetBundles(session, await Promise.all(chosen));
    },
    repair: (options) => repairVault(session, options),
    repack: (options) => repackVault(session, options),
    async verify({ ref = store.readOnly ? 'latest' : undefined, ...options }) {
      requireOwner(session);
      const result = await verifyVault(session, { ...options, ...(ref === undefined ? {} : { ref: chooseManifest(await manifestFiles(store), ref, store.name) }) });
      // A .baluchon file is one bundle's, and no place where others would be.
      if (ref === undefined) result.problems.push(...(await look()));
      return result;
    },
    close: () => store.close(),
  };
}

export function openBundle(session: Session, file: ManifestFile, { manifest, documents }: OpenedManifest, salvage?: OpenOptions['salvage']): Bundle {
  const reader = salvage ? salvageReader(session) : chunkReader(session, async () => (await readPacks(session.store, layout.packs(file.time, file.id), () => {})).packs);
  const diskAbout = (id: string): BundleDisk => {
    const about = manifest.disks.find((disk) => disk.id === id);
    if (!about) throw new BaluchonError('usage', `bundle ${file.id.slice(0, 8)} has no disk ${id}`);
    return about;
  };
  const chunkSize = session.header.profile.chunk_size;
  return {
    info: bundleInfo(file.id, manifest),
    source: manifest.source,
    notes: manifest.notes,
    documents,
    disks: manifest.disks,
    pages: (id) => ({ ...diskAbout(id), chunkSize, page: (page) => reader.page(page) }),
    async disk(id) {
      const about = diskAbout(id);
      return salvage ? salvageDisk(reader, about, chunkSize, (range) => salvage({ disk: id, ...range })) : bundleDisk(reader, about, chunkSize);
    },
    ...(!salvage && { writeDisks: (files) => writeDisks(reader, files.map((file) => ({ about: diskAbout(file.id), file })), chunkSize) }),
  };
}
