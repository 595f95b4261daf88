import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import { writeTarFile } from '../store/write-tarfile.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { requireKept } from './doomed.ts';
import { readHeader } from './header.ts';
import { laterKeys } from './keyless.ts';
import { expandTime, layout, patterns } from './layout.ts';
import { chooseManifest, manifestFiles, type ManifestFile } from './manifest-files.ts';
import { readPacks } from './packs-list.ts';
import { ordered } from './queue.ts';
import { borrowFile, type Borrowed } from './rooms.ts';

/** Files fetched before they are asked for: a pack has up to 32 MiB. */
const ahead = 2;

/** The files of one bundle and what opens them, told without any key. Sizes are bytes. */
interface BundleFiles {
  vault: string;
  manifest: ManifestFile;
  /** Names with their sizes, those in clear first, packs last. */
  files: Map<string, number>;
  /** Manifests that were there before it. */
  previous: string[];
}

export interface Transferred {
  vault: string;
  bundle: { id: string; created: string };
  /** Files written, and their bytes. */
  files: number;
  bytes: number;
}

export interface Unpacked extends Transferred {
  /** Manifests that this one was written after and that are not in the vault: a check of the whole vault names them as missing. */
  absent: string[];
}

export interface TransferOptions {
  emit?: Emit;
  signal?: AbortSignal;
}

/**
 * Finds what a bundle needs. An index tells nothing of which bundle it serves: all of it counts.
 * @throws usage for a bundle that there is not; vault, naming the first and counting all, where files are missing.
 */
async function bundleFiles(store: Store, ref: string): Promise<BundleFiles> {
  const { vault } = await readHeader(store);
  const there = new Map<string, number>();
  for (const prefix of ['keys/', 'bundles/', 'lists/', 'index/', 'packs/']) for await (const { name, size } of store.list(prefix)) there.set(name, size);
  const missing: string[] = [];
  const manifests = await manifestFiles(store);
  // Such a file is made of one bundle: without it, it was cut off.
  if (store.readOnly && manifests.length === 0) throw incomplete(store, [[...there.keys()].find((name) => patterns.packs.test(name))?.replace(/packs$/, 'pgp') ?? 'bundles/*.pgp']);
  const manifest = chooseManifest(manifests, ref, store.name);
  const list = layout.packs(manifest.time, manifest.id);
  if (!there.has(list)) throw incomplete(store, [list]);
  const { packs, lists, previous } = await readPacks(store, list, (message) => missing.push(message.replace(/^.*: /, '')));
  const keys = [...there.keys()].filter((name) => name.startsWith('keys/')).sort();
  const clear = [layout.header, layout.howto, layout.script];
  for (const name of clear) {
    const found = await store.stat(name);
    if (found) there.set(name, found.size);
  }
  const names = [
    ...clear.filter((name) => there.has(name)),
    ...keys.filter((name) => /\.asc(\.sig)?$/.test(name)),
    list,
    ...lists.map(layout.list).sort(),
    ...keys.filter((name) => name.endsWith('.pgp')),
    ...[...there.keys()].filter((name) => name.startsWith('bundles/') && name.endsWith('.forgotten')).sort(),
    manifest.name,
    ...[...there.keys()].filter((name) => patterns.index.test(name)).sort(),
    ...packs.map(layout.pack).sort(),
  ];
  missing.push(...names.filter((name) => !there.has(name)));
  if (missing.length > 0) throw incomplete(store, [...new Set(missing)]);
  return { vault, manifest, files: new Map(names.map((name) => [name, there.get(name)!])), previous };
}

function incomplete(store: Store, names: string[]): BaluchonError {
  const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
  return new BaluchonError('vault', `${store.name} is not whole: missing or damaged: ${names[0]}${more}`, { hint: 'fetch it again, or take another copy' });
}

/** A file, checked against the digest in its name where it has one. @throws vault, naming it. */
async function fetchChecked(store: Store, name: string): Promise<Borrowed> {
  const file = await borrowFile(store, name);
  const wanted = patterns.manifest.exec(name)?.[2] ?? /([0-9a-f]{64})(\.tar)?\.(pgp|packs)$/.exec(name)?.[1];
  if (wanted !== undefined && !sha256(file.bytes).startsWith(wanted)) throw new BaluchonError('vault', `damaged: ${name}`, { hint: `${store.name} holds it; take another copy` });
  return file;
}

/** Files in order, some fetched ahead, told to `emit` as they go. Whoever is done with one gives its memory back. */
async function* fetched(store: Store, files: ReadonlyMap<string, number>, what: string, { emit = silent, signal }: TransferOptions): AsyncGenerator<{ name: string; body: Uint8Array; giveBack(): void }> {
  const total = [...files.values()].reduce((sum, size) => sum + size, 0);
  emit({ type: 'start', id: what, what, total, unit: 'bytes' });
  async function* names(): AsyncGenerator<string> {
    yield* files.keys();
  }
  let done = 0;
  let outcome: 'done' | 'failed' = 'failed';
  try {
    for await (const { name, bytes, giveBack } of ordered(names(), ahead, async (name) => ({ name, ...(await fetchChecked(store, name)) }))) {
      if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
      done += bytes.length;
      yield { name, body: bytes, giveBack };
      emit({ type: 'progress', id: what, done });
    }
    outcome = 'done';
  } finally {
    emit({ type: 'end', id: what, what, outcome });
  }
}

/**
 * One bundle of a vault as one file, a tar of the same tree, whose first entries are those in clear. Needs no key. The
 * same bundle gives the same bytes as long as the vault's keys and index are the same.
 * @throws usage, vault, store, interrupted. Nothing is left of a file that was not finished.
 */
export async function packBundle(store: Store, ref: string, path: string, options: TransferOptions = {}): Promise<Transferred> {
  const { vault, manifest, files } = await bundleFiles(store, ref);
  const written = await writeTarFile(path, fetched(store, files, `packing ${manifest.id.slice(0, 8)}`, options), options.signal);
  return { vault, bundle: { id: manifest.id, created: expandTime(manifest.time) }, ...written };
}

/**
 * Brings one bundle into an empty place, which becomes a vault, or into a vault of the same id, of which nothing is
 * changed. Needs no key; what is there already is not sent again; the manifest comes last (and `baluchon.yaml` after it).
 * Keys come along where the vault does not know the roster that they belong to: to an owner's removal they can't be added again.
 * @throws usage where `to` is another vault, or its keys were changed by themselves; vault, before anything is written, where files are missing.
 */
export async function unpackBundle(from: Store, ref: string, to: Store, options: TransferOptions = {}): Promise<Unpacked> {
  const { vault, manifest, files, previous } = await bundleFiles(from, ref);
  const target = await readHeader(to).catch((error: unknown) => {
    if (isError(error, 'vault')) return undefined;
    throw error;
  });
  if (!target && (await to.stat(layout.header))) await readHeader(to);
  if (target && target.vault !== vault) {
    throw new BaluchonError('usage', `${to.name} is another vault (${target.vault.slice(0, 8)}) than that of ${from.name} (${vault.slice(0, 8)})`, { hint: 'choose a place where there is no vault yet' });
  }
  const there = new Map<string, number>();
  for await (const { name, size } of to.list('')) there.set(name, size);
  if (there.has(layout.forgotten(manifest.time, manifest.id))) {
    throw new BaluchonError('usage', `${to.name}: bundle ${manifest.id.slice(0, 8)} was forgotten there on purpose`, { hint: 'unpack it into another place' });
  }
  const withKeys = !target || laterKeys({ name: from.name, files }, { name: to.name, files: there });
  const last = [manifest.name, layout.header];
  const list = layout.packs(manifest.time, manifest.id);
  const wanted = [...files].filter(([name, size]) => {
    if (there.get(name) === size || (target && !name.includes('/'))) return false;
    return withKeys || !name.startsWith('keys/');
  });
  // From its list of packs on, a prune knows that they are needed.
  const rank = (name: string): number => (last.includes(name) ? 3 + last.indexOf(name) : name.startsWith('lists/') ? 0 : name === list ? 1 : 2);
  const sorted = wanted.sort(([a], [b]) => rank(a) - rank(b));
  const matched = (pattern: RegExp, group: number) => [...files.keys()].flatMap((name) => pattern.exec(name)?.[group] ?? []);
  const [packs, lists] = [matched(patterns.pack, 2), matched(patterns.list, 1)];
  const put = { files: 0, bytes: 0 };
  for await (const { name, body, giveBack } of fetched(from, new Map(sorted), `unpacking ${manifest.id.slice(0, 8)}`, options)) {
    if (name === manifest.name) await requireKept(to, { packs, lists });
    await to.put(name, body);
    put.files += 1;
    put.bytes += body.length;
    giveBack();
  }
  const absent = previous.filter((name) => !there.has(name) && !files.has(name.replace(/pgp$/, 'forgotten')));
  return { vault, bundle: { id: manifest.id, created: expandTime(manifest.time) }, ...put, absent };
}
