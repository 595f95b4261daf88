import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import type { Store } from '../store/store.ts';
import { checkNamed, clearNames, each, laterKeys, readClear, task, wholeList, type ClearVault } from './keyless.ts';
import { requireKept } from './doomed.ts';
import { layout, patterns } from './layout.ts';
import { withFile } from './rooms.ts';

export interface CopyOptions {
  /** Files under way at once; each is at most a pack, 32 MiB. */
  parallel?: number;
  /** Bundles that are not whole are copied too, with what is left of them. */
  salvage?: boolean;
  emit?: Emit;
  signal?: AbortSignal;
  now?: Date;
}

export interface CopyResult {
  vault: string;
  /** Files copied, and their bytes. */
  files: number;
  bytes: number;
  /** Bundles that the target did not have. */
  bundles: string[];
  /** What could not be copied and why, one line each. */
  problems: string[];
  /** Key files of the target, by name, that are not in a source whose keys are as new: they may let in who was put out there. */
  leftovers: string[];
}

/**
 * Brings everything that bundles need and `to` does not have from one vault to another of the same id, or to an empty place. Needs no
 * key. Each file is checked against its name before it is put; lists come first, so that a prune there spares what they name,
 * then data, then each manifest once all that it needs is there. Cut short at any moment, the target is a vault, and the same again goes on.
 * Bundles that the target was told to forget stay forgotten, and whom its later keys keep out stays out.
 * @throws usage where `to` is another vault, holds something else, or had its keys changed by itself; vault, store, network, interrupted.
 */
export async function copyVault(from: Store, to: Store, options: CopyOptions = {}): Promise<CopyResult> {
  const { parallel = 3, salvage = false, emit = silent, signal } = options;
  if (to.readOnly) throw new BaluchonError('usage', `${to.name} is only read`);
  const source = await readClear(from);
  const there = await openTarget(from, source, to);
  const { vault } = source.header;
  const result: CopyResult = { vault, files: 0, bytes: 0, bundles: [], problems: [], leftovers: [] };
  /** What keeps one file from being copied is named, and the others go on. */
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
    try {
      return await work();
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
      if (!result.problems.includes(error.message)) result.problems.push(error.message);
      return undefined;
    }
  };
  const absent = (name: string) => there.get(name) !== source.files.get(name)?.size;
  const copy = async (name: string): Promise<void> => {
    await attempt(() =>
      withFile(from, name, async (bytes) => {
        checkNamed(name, bytes);
        await to.put(name, bytes);
        there.set(name, bytes.length);
        result.files += 1;
        result.bytes += bytes.length;
      }),
    );
  };

  const all = [...source.files.keys()];
  const older = laterKeys({ name: to.name, files: there }, { name: from.name, files: source.files });
  if (!older) result.leftovers = [...there.keys()].filter((name) => admits(name) && !source.files.has(name)).sort();
  // Its certificate and keys first, then what says that this is a vault: a place with half of the keys would be none.
  await each(all.filter((name) => name.startsWith('keys/') && absent(name) && !(older && admits(name))), parallel, copy);
  for (const name of clearNames) if (!there.has(name)) await copy(name);

  const kept = source.bundles.filter((bundle) => bundle.manifest && !there.has(`${bundle.stem}.forgotten`));
  const needs = new Map<string, string[]>();
  const packs = new Set<string>();
  await each(kept, parallel, async (bundle) => {
    const list = await attempt(() => wholeList(from, vault, bundle));
    if (!list) return;
    for (const pack of list.packs) packs.add(layout.pack(pack));
    needs.set(bundle.stem, [...list.lists.map(layout.list), ...list.packs.map(layout.pack)]);
  });
  // Where a list is lost, nobody can tell which packs it named.
  if (salvage && needs.size < kept.length) for (const name of all) if (patterns.pack.test(name)) packs.add(name);
  const early = [...new Set([...needs.values()].flat())].filter((name) => patterns.list.test(name) && absent(name));
  await each(early, parallel, copy);
  await each(kept.filter(({ stem }) => needs.has(stem) && absent(`${stem}.packs`)), parallel, ({ stem }) => copy(`${stem}.packs`));

  const data = [...[...packs].sort(), ...all.filter((name) => patterns.index.test(name))].filter(absent);
  for (const name of data) if (!source.files.has(name)) result.problems.push(`${from.name}: file missing: ${name}`);
  const coming = data.filter((name) => source.files.has(name));
  const total = coming.reduce((sum, name) => sum + source.files.get(name)!.size, 0);
  await task(emit, { what: 'copying', total, unit: 'bytes' }, (done) =>
    each(coming, parallel, async (name) => {
      await copy(name);
      done(source.files.get(name)!.size);
    }),
  );

  await each(all.filter((name) => /^bundles\/.*\.forgotten$/.test(name) && absent(name)), parallel, copy);
  for (const { stem } of kept) {
    const manifest = `${stem}.pgp`;
    const needed = needs.get(stem);
    const lost = (needed ?? [`${stem}.packs`]).filter((name) => !there.has(name));
    if (!absent(manifest)) continue;
    if (lost.length > 0 && !salvage) {
      result.problems.push(`${manifest} was not copied: ${lost.length} files that it needs are lost, one is ${lost[0]}`);
      continue;
    }
    if (lost.length === 0) await requireKept(to, clearNeeds(needed!), options.now);
    await copy(manifest);
    if (there.has(manifest)) result.bundles.push(manifest);
  }
  return result;
}

const clearNeeds = (names: string[]) => ({ packs: names.flatMap((name) => patterns.pack.exec(name)?.[2] ?? []), lists: names.flatMap((name) => patterns.list.exec(name)?.[1] ?? []) });

/** What the target holds: names and sizes. Clear texts that are older there are taken to be missing. */
async function openTarget(from: Store, { header, files }: ClearVault, to: Store): Promise<Map<string, number>> {
  if (await to.stat(layout.header)) {
    const target = await readClear(to);
    if (target.header.vault !== header.vault || target.header.root !== header.root) {
      throw new BaluchonError('usage', `${to.name} is another vault (${target.header.vault.slice(0, 8)}) than ${from.name} (${header.vault.slice(0, 8)})`, { hint: 'choose a place where there is no vault yet' });
    }
    const there = new Map([...target.files].map(([name, { size }]) => [name, size]));
    if (laterKeys({ name: from.name, files }, { name: to.name, files: there })) for (const name of [layout.howto, layout.script]) there.delete(name);
    return there;
  }
  const there = new Map<string, number>();
  for await (const { name, size } of to.list('')) {
    // A copy that was cut short at its very beginning has left keys.
    if (!files.has(name)) throw new BaluchonError('usage', `${to.name} is not empty, and no vault: it holds ${name}`, { hint: 'choose an empty place' });
    there.set(name, size);
  }
  return there;
}

/** Key files that let somebody in. */
const admits = (name: string): boolean => patterns.member.test(name) || patterns.passphrase.test(name);
