import { isError, BaluchonError } from '../errors.ts';
import { sha256 } from './chunk.ts';
import { readForgotten } from './forget.ts';
import { readIndexFile } from './index-files.ts';
import { hands } from './crew.ts';
import { getNamed } from './keyless.ts';
import { layout, patterns } from './layout.ts';
import { manifestFiles, readManifest, together, type ManifestFile } from './manifest-files.ts';
import type { Manifest, OpenedManifest } from './manifest.ts';
import { lookThrough } from './packs-reader.ts';
import { readPacks } from './packs-list.ts';
import { ordered, settled } from './queue.ts';
import { chunkReader } from './reader.ts';
import { withFile } from './rooms.ts';
import { leftovers } from './roster.ts';
import { joined, salvagePack, salvageReader, walkPages } from './salvage.ts';
import type { Session } from './session.ts';
import { chunkTable, type ChunkTable } from './table.ts';
import type { LostRanges, VerifyResult } from './types.ts';

interface Work {
  session: Session;
  result: VerifyResult;
  signal: AbortSignal | undefined;
  problem(message: string): void;
  /** Runs a check; what it finds damaged becomes a problem, what keeps it from looking is thrown. */
  attempt<T>(check: () => Promise<T>): Promise<T | undefined>;
}

/**
 * Is every byte there and as it was written? `files` and `bytes` count what was read.
 * @throws store, network, interrupted: what keeps it from looking; never for what it finds.
 */
export async function verifyVault(session: Session, options: { ref?: ManifestFile; readData?: boolean; signal?: AbortSignal }): Promise<VerifyResult> {
  const result: VerifyResult = { files: 0, bytes: 0, problems: [] };
  const seen = new Set<string>();
  const problem = (message: string) => {
    if (seen.has(message)) return;
    seen.add(message);
    result.problems.push(message);
  };
  const work: Work = {
    session: counting(session, result),
    result,
    signal: options.signal,
    problem,
    async attempt(check) {
      if (options.signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
      try {
        return await check();
      } catch (error) {
        if (!isError(error, 'vault', 'key')) throw error;
        problem(error.message.startsWith(`${session.store.name}: `) ? error.message.slice(session.store.name.length + 2) : error.message);
        return undefined;
      }
    },
  };
  await verifyKeys(work);
  const all = await manifestFiles(session.store);
  const packs = new Set<string>();
  const manifests: { file: ManifestFile; manifest: Manifest }[] = [];
  const names = new Set(all.map(({ name }) => name));
  for await (const bundle of ordered(options.ref ? [options.ref] : all, together, (file) => readBundle(work, file))) {
    // The chain is the vault's: one bundle is whole without those before it.
    const manifest = await verifyBundle(work, bundle, options.ref ? undefined : names, packs);
    if (manifest) manifests.push({ file: bundle.file, manifest });
  }
  if (!options.ref) await verifyForgotten(work, names);
  const needed = [...packs];
  if (!options.ref) {
    for await (const name of session.store.names('packs/')) {
      const match = patterns.pack.exec(name);
      if (match) packs.add(match[2]!);
    }
  }
  const indexed = new Set<string>();
  const readIndex = async (name: string) => {
    const match = patterns.index.exec(name);
    return match ? settled(() => readIndexFile(work.session, name, match[1]!)) : async () => [];
  };
  for await (const index of ordered(session.store.names('index/'), hands + 1, readIndex)) {
    for (const pack of (await work.attempt(index)) ?? []) indexed.add(pack.sha256);
  }
  for (const pack of needed) if (!indexed.has(pack)) problem(`in no index: ${layout.pack(pack)}`);
  const good = chunkTable();
  const damaged: string[] = [];
  const sorted = [...packs].sort();
  if (!options.readData) {
    for await (const check of ordered(sorted, hands + 1, (pack) => settled(() => named(work, layout.pack(pack), pack)))) await work.attempt(check);
  } else {
    for await (const { digest, ids } of lookThrough(work.session, sorted)) {
      const looked = await work.attempt(() => ids);
      if (!looked) damaged.push(digest);
      for (const id of looked?.good ?? []) good.set(Buffer.from(id, 'hex'), 0);
      for (const id of looked?.bad ?? []) problem(`damaged: ${layout.pack(digest)}: chunk ${id}`);
    }
    for (const pack of damaged) await verifyRemains(work, pack, good);
    Object.assign(result, { whole: [], lost: [] });
    for (const { file, manifest } of manifests) if (await verifyDisks(work, file, manifest, good)) result.whole?.push(file.id);
  }
  return result;
}

/** The same session, counting what is read: each file once, though a pack with pages of disks is read for these again. */
function counting(session: Session, result: VerifyResult): Session {
  const { store } = session;
  const counted = new Set<string>();
  const get: typeof store.get = async (name, range, room) => {
    const bytes = await store.get(name, range, room);
    if (counted.has(name)) return bytes;
    counted.add(name);
    result.files += 1;
    result.bytes += bytes.length;
    return bytes;
  };
  return { ...session, store: { ...store, get } };
}

const named = ({ session }: Work, name: string, digest: string): Promise<void> =>
  withFile(session.store, name, (bytes) => {
    if (sha256(bytes) !== digest) throw new BaluchonError('vault', `damaged: ${name}`);
  });

/** Rosters, files in clear, key files. */
async function verifyKeys(work: Work): Promise<void> {
  const { roster, header } = work.session;
  if (roster instanceof BaluchonError) work.problem(roster.message);
  else {
    for (const name of roster.superseded) work.problem(`${name}: signed with a key of the vault that was replaced`);
    if (roster.roster.vault !== header.vault) work.problem('the roster is of another vault');
    for (const [name, digest] of Object.entries(roster.roster.clear)) await work.attempt(() => named(work, name, digest));
    // A key file that is gone keeps somebody out: the roster says who there is.
    const there: string[] = [];
    for await (const name of work.session.store.names('keys/')) there.push(name);
    const epoch = work.session.secrets.epoch;
    for (const owner of roster.roster.owners) {
      if (!there.some((name) => name.startsWith(`keys/epoch-${epoch}/owner-${owner.fingerprint}.`))) work.problem(`missing: keys/epoch-${epoch}/owner-${owner.fingerprint}.*.pgp`);
      if (owner.slot !== undefined && !there.some((name) => name.startsWith(`keys/pass-${owner.slot}.`))) work.problem(`missing: keys/pass-${owner.slot}.*.pgp`);
    }
    for (const writer of roster.roster.writers) {
      const file = `keys/epoch-${epoch}/writer-${writer.fingerprint}.`;
      if (writer.removed === undefined && !there.some((name) => name.startsWith(file))) work.problem(`missing: ${file}*.pgp`);
    }
    for (const name of leftovers(roster.roster, there)) work.problem(`${name}: lets in who is no owner or writer any more: baluchon keys remove takes it away`);
    for (let serial = 1; serial < roster.roster.serial; serial++) {
      if (!there.some((name) => Number(patterns.roster.exec(name)?.[1]) === serial)) work.problem(`missing: keys/roster-${String(serial).padStart(6, '0')}.*.pgp`);
    }
  }
  for await (const name of work.session.store.names('keys/')) {
    const digest = /\.([0-9a-f]{64})\.pgp$/.exec(name)?.[1];
    if (digest) await work.attempt(() => named(work, name, digest));
  }
}

interface ReadBundle {
  file: ManifestFile;
  opened: () => Promise<OpenedManifest>;
  list: () => ReturnType<typeof readPacks>;
}

async function readBundle({ session, problem }: Work, file: ManifestFile): Promise<ReadBundle> {
  return {
    file,
    opened: await settled(() => readManifest(session, file)),
    list: await settled(() => readPacks(session.store, layout.packs(file.time, file.id), problem)),
  };
}

/** Manifest, its place in the chain, its list of packs. */
async function verifyBundle(work: Work, bundle: ReadBundle, all: Set<string> | undefined, packs: Set<string>): Promise<Manifest | undefined> {
  const { session, problem } = work;
  const { file } = bundle;
  const opened = await work.attempt(bundle.opened);
  const name = layout.packs(file.time, file.id);
  const list = await work.attempt(bundle.list);
  for (const pack of list?.packs ?? []) packs.add(pack);
  if (!opened) return undefined;
  const { manifest } = opened;
  if (list && list.sha256 !== manifest.packs.sha256) problem(`damaged: ${name}: not the list that ${file.name} was written with`);
  for (const previous of manifest.previous) {
    if (all && !all.has(previous) && !(await readForgotten(session, previous))) problem(`missing: ${previous}: ${file.name} was written after it`);
  }
  const { roster } = session;
  if (!(roster instanceof BaluchonError)) {
    const { serial, sha256: digest } = manifest.roster;
    if (serial > roster.roster.serial) problem(`missing: keys/roster-${String(serial).padStart(6, '0')}.*.pgp: ${file.name} was written after it`);
    if (serial === roster.roster.serial && digest !== roster.digest) problem(`keys/roster-${String(serial).padStart(6, '0')} is not the one that ${file.name} was written with`);
  }
  return manifest;
}

/** What an owner's word that a bundle was removed on purpose says of the chain: what came before that bundle is still looked for. */
async function verifyForgotten(work: Work, all: Set<string>): Promise<void> {
  for await (const name of work.session.store.names('bundles/')) {
    if (!name.endsWith('.forgotten')) continue;
    const word = await work.attempt(() => readForgotten(work.session, name.replace(/forgotten$/, 'pgp')));
    if (!word) work.problem(`damaged: ${name}: no owner's word`);
    for (const previous of word?.previous ?? []) {
      if (!all.has(previous) && !(await readForgotten(work.session, previous))) work.problem(`missing: ${previous}: ${word!.bundle} was written after it`);
    }
  }
  for await (const name of work.session.store.names('doomed/')) await work.attempt(() => getNamed(work.session.store, name));
}

/** What a damaged pack still holds counts as there. */
async function verifyRemains({ session }: Work, digest: string, good: ChunkTable): Promise<void> {
  for (const id of (await salvagePack(session, digest)).entries.keys()) good.set(Buffer.from(id, 'hex'), 0);
}

/** Every page and chunk of every disk must be among the good ones; what is not is named as ranges of bytes. */
async function verifyDisks(work: Work, file: ManifestFile, manifest: Manifest, good: ChunkTable): Promise<boolean> {
  const { session, result } = work;
  const { chunk_size: chunkSize } = session.header.profile;
  const has = (id: string) => good.get(Buffer.from(id, 'hex')) !== undefined;
  const list = async () => (await readPacks(session.store, layout.packs(file.time, file.id), () => {})).packs;
  const reader = result.problems.length > 0 ? salvageReader(session) : chunkReader(session, list);
  let whole = true;
  for (const disk of manifest.disks) {
    const ranges: LostRanges['ranges'] = [];
    const lost = { chunks: 0, pages: 0 };
    const page = async (id: string) => (has(id) ? reader.page(id) : Promise.reject(new BaluchonError('vault', `page ${id} is lost`)));
    await walkPages(page, disk, chunkSize, {
      chunk(id, index) {
        if (has(id)) return;
        lost.chunks += 1;
        ranges.push({ offset: index * chunkSize, length: Math.min(chunkSize, disk.size - index * chunkSize) });
      },
      lost(range) {
        lost.pages += 1;
        ranges.push(range);
      },
    });
    if (ranges.length === 0) continue;
    whole = false;
    const all = joined(ranges);
    result.lost?.push({ bundle: file.id, disk: disk.id, ranges: all });
    const what = (['chunk', 'page'] as const).map((one) => [one, lost[`${one}s`]] as const).filter(([, many]) => many > 0).map(([one, many]) => `${many} ${one}${many === 1 ? '' : 's'}`).join(' and ');
    const shown = all.slice(0, 8).map(({ offset, length }) => `${offset}-${offset + length - 1}`);
    work.problem(`${file.name}: disk ${disk.id}: ${what} lost: bytes ${shown.join(', ')}${all.length > shown.length ? ` and ${all.length - shown.length} more ranges` : ''}`);
  }
  return whole;
}
