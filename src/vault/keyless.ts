import { BaluchonError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { readHeader, type Header } from './header.ts';
import { layout, patterns } from './layout.ts';
import { readPacks, type PacksList } from './packs-list.ts';

/** A bundle as a host without keys sees it. */
export interface ClearBundle {
  /** `bundles/<time>-<id>`, what its files are called without their endings. */
  stem: string;
  time: string;
  id: string;
  manifest: boolean;
  list: boolean;
  forgotten: boolean;
}

/** What can be told of a vault from names alone. */
export interface ClearVault {
  header: Header;
  files: Map<string, { size: number; modified: Date }>;
  /** Oldest first. */
  bundles: ClearBundle[];
}

/** Lists a vault. @throws vault where there is none. */
export async function readClear(store: Store): Promise<ClearVault> {
  const header = await readHeader(store);
  const files: ClearVault['files'] = new Map();
  for await (const { name, size, modified } of store.list('')) files.set(name, { size, modified });
  return { header, files, bundles: clearBundles(files.keys()) };
}

/** The bundles that these names tell of, oldest first. */
export function clearBundles(names: Iterable<string>): ClearBundle[] {
  const found = new Map<string, ClearBundle>();
  for (const name of names) {
    const match = /^(bundles\/([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{32}))\.(pgp|packs|forgotten)$/.exec(name);
    if (!match) continue;
    const stem = match[1]!;
    const bundle = found.get(stem) ?? { stem, time: match[2]!, id: match[3]!, manifest: false, list: false, forgotten: false };
    bundle[match[4] === 'pgp' ? 'manifest' : match[4] === 'packs' ? 'list' : 'forgotten'] = true;
    found.set(stem, bundle);
  }
  return [...found.values()].sort((a, b) => (a.stem < b.stem ? -1 : 1));
}

/** The digest, or its beginning, that a name says its bytes have; undefined for names that hold none. */
export function digestInName(name: string): string | undefined {
  const match = patterns.pack.exec(name) ?? patterns.manifest.exec(name) ?? patterns.doomed.exec(name);
  return match ? match[2] : (patterns.index.exec(name) ?? patterns.list.exec(name) ?? /^keys\/.*\.([0-9a-f]{64})\.pgp$/.exec(name))?.[1];
}

/** A file, checked against its name. @throws vault, naming it. */
export async function getNamed(store: Store, name: string): Promise<Uint8Array> {
  const bytes = await store.get(name);
  checkNamed(name, bytes);
  return bytes;
}

/** @throws vault, where the name says another digest. */
export function checkNamed(name: string, bytes: Uint8Array): void {
  const digest = digestInName(name);
  if (digest !== undefined && !sha256(bytes).startsWith(digest)) throw new BaluchonError('vault', `damaged: ${name}`);
}

/** A bundle's list of packs, the lists it refers to included: all of it or an error. @throws vault, naming the file. */
export async function wholeList(store: Store, vault: string, bundle: ClearBundle): Promise<PacksList & { sha256: string }> {
  const name = `${bundle.stem}.packs`;
  const list = await readPacks(store, name, (message) => {
    throw new BaluchonError('vault', `${message}: ${name} refers to it`);
  });
  if (list.vault !== vault) throw new BaluchonError('vault', `${name}: belongs to another vault`);
  return list;
}

/** Applies `work` to all, so many at once; the first failure stops what has not begun. */
export async function each<T extends string | object>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = Array.from(items).toReversed();
  const run = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      await work(next).catch((error: unknown) => {
        queue.length = 0;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}

/** Tells `emit` of one piece of work from its beginning to its end; `work` says how much more is done. */
export async function task<T>(emit: Emit, about: { what: string; total: number; unit: 'bytes' | 'items' }, work: (done: (more: number) => void) => Promise<T>): Promise<T> {
  const id = about.what;
  let done = 0;
  let outcome: 'done' | 'failed' = 'failed';
  emit({ type: 'start', id, ...about });
  try {
    const result = await work((more) => emit({ type: 'progress', id, done: (done += more) }));
    outcome = 'done';
    return result;
  } finally {
    emit({ type: 'end', id, what: about.what, outcome });
  }
}

/** A vault's name, for messages, and its files by name. */
export interface NamedFiles {
  name: string;
  files: ReadonlyMap<string, unknown>;
}

const serial = (name: string): number => Number(patterns.roster.exec(name)?.[1] ?? 0);

/**
 * Whether one vault's keys were changed later than another's of the same id, as names of rosters tell: each change adds one, and none goes.
 * @throws usage where each has one that the other has not.
 */
export function laterKeys(one: NamedFiles, other: NamedFiles): boolean {
  const newest = ({ files }: NamedFiles) => [...files.keys()].filter(serial).sort((a, b) => serial(a) - serial(b)).at(-1);
  const [mine, theirs] = [newest(one), newest(other)];
  if (mine === undefined || other.files.has(mine)) return false;
  if (theirs === undefined || one.files.has(theirs)) return true;
  throw new BaluchonError('usage', `the keys of ${one.name} and of ${other.name} were changed each by itself: ${mine}, ${theirs}`, { hint: 'choose an empty place; keys are changed in one vault, and copied from there' });
}

/** Names in clear that hold no digest; the last makes a place a vault. */
export const clearNames: readonly string[] = [layout.howto, layout.script, layout.header];
