import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import type { Store } from '../store/store.ts';
import { clearBundles, each, readClear, task, wholeList, type ClearBundle } from './keyless.ts';
import { graceDays, readDoomed, writeDoomed } from './doomed.ts';
import { layout, patterns } from './layout.ts';

export interface PruneOptions {
  /** Days between marking and removing; fewer than 7 only where nothing else writes to the vault. */
  grace?: number;
  dryRun?: boolean;
  now?: Date;
  emit?: Emit;
  signal?: AbortSignal;
}

interface Amount {
  files: number;
  bytes: number;
}

export interface PruneResult {
  /** Marked at least the grace period ago, needed by no bundle, and removed now. */
  removed: Amount;
  /** Marked before and needed again: kept. */
  spared: Amount;
  /** Marked now. */
  doomed: Amount;
  /** Marked before, and not yet to be removed. */
  waiting: Amount;
  kept: Amount;
  /** When what is marked may be removed at the earliest: UTC, RFC 3339. */
  due?: string;
}

const day = 86_400_000;

/**
 * Removes what no bundle needs, in two phases: what is found unneeded is marked in a `doomed/` file, and removed by a prune at
 * least the grace period later if still nothing needs it. Exports that run meanwhile rely on nothing that is marked. Needs no key.
 * @throws vault, before anything is changed, where a bundle's list of packs can't be read: it can't be told what that needs.
 */
export async function pruneVault(store: Store, options: PruneOptions = {}): Promise<PruneResult> {
  const { grace = graceDays, dryRun = false, now = new Date(), emit = silent, signal } = options;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} is only read`);
  const clear = await readClear(store);
  const { vault } = clear.header;
  const before = now.getTime() - grace * day;
  const marked = await readDoomed(store);
  const needs = needed(store, vault);
  // An export that was cut short between list and manifest left a list that nobody will ever need.
  const orphans = clear.bundles.filter(({ stem, list, manifest }) => list && !manifest && (clear.files.get(`${stem}.packs`)?.modified.getTime() ?? Infinity) <= before);
  const needing = clear.bundles.filter((bundle) => !orphans.includes(bundle));
  await needs.add(needing);

  const there = new Set<string>();
  for (const name of clear.files.keys()) if (patterns.pack.test(name) || patterns.list.test(name)) there.add(name);
  const waiting = new Set<string>();
  const due = new Set<string>();
  for (const doomed of marked) {
    for (const name of names(doomed)) if (there.has(name)) (doomed.time.getTime() <= before ? due : waiting).add(name);
  }
  // What is marked twice stays for the later mark's time.
  for (const name of waiting) due.delete(name);
  const amount = (all: Iterable<string>): Amount => {
    const sum = { files: 0, bytes: 0 };
    for (const name of all) {
      sum.files += 1;
      sum.bytes += clear.files.get(name)?.size ?? 0;
    }
    return sum;
  };
  const fresh = [...there].filter((name) => !needs.names.has(name) && !due.has(name) && !waiting.has(name));
  if (!dryRun && fresh.length > 0) {
    const packs = fresh.flatMap((name) => patterns.pack.exec(name)?.[2] ?? []);
    const lists = fresh.flatMap((name) => patterns.list.exec(name)?.[1] ?? []);
    await writeDoomed(store, vault, packs, lists, now);
  }
  if (grace === 0) for (const name of fresh) due.add(name);

  // Bundles that came while this one was looking are asked as well, last thing before the first removal.
  const seen = new Set(clear.bundles.map(({ stem }) => stem));
  for (;;) {
    const come: string[] = [];
    for await (const name of store.names('bundles/')) come.push(name);
    const added = clearBundles(come).filter(({ stem, list, manifest }) => (list || manifest) && !seen.has(stem));
    if (added.length === 0) break;
    await needs.add(added);
    for (const { stem } of added) seen.add(stem);
  }
  const gone = [...due].filter((name) => !needs.names.has(name));
  const removing = [...gone, ...orphans.map(({ stem }) => `${stem}.packs`)];
  if (!dryRun) {
    await task(emit, { what: 'removing', total: removing.length, unit: 'items' }, (done) =>
      each(removing, 4, async (name) => {
        if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
        await store.remove(name);
        done(1);
      }),
    );
    // A mark goes when all it names is gone or spared.
    for (const doomed of await readDoomed(store)) if (doomed.time.getTime() <= before) await store.remove(doomed.name);
  }
  const stillWaiting = [...waiting, ...fresh.filter((name) => !due.has(name))].filter((name) => !needs.names.has(name));
  const earliest = Math.min(...marked.filter(({ time }) => time.getTime() > before).map(({ time }) => time.getTime()), ...(fresh.length > 0 ? [now.getTime()] : []));
  return {
    removed: amount(removing),
    spared: amount([...due].filter((name) => needs.names.has(name))),
    doomed: amount(fresh.filter((name) => !due.has(name))),
    waiting: amount([...waiting].filter((name) => !needs.names.has(name))),
    kept: amount([...there].filter((name) => needs.names.has(name))),
    ...(stillWaiting.length > 0 && { due: new Date(earliest + grace * day).toISOString().replace(/\.[0-9]+Z$/, 'Z') }),
  };
}

const names = ({ packs, lists }: { packs: string[]; lists: string[] }): string[] => [...packs.map(layout.pack), ...lists.map(layout.list)];

/** Collects the packs and lists that bundles name. */
function needed(store: Store, vault: string): { names: Set<string>; add(bundles: ClearBundle[]): Promise<void> } {
  const found = new Set<string>();
  return {
    names: found,
    async add(bundles) {
      await each(bundles, 4, async (bundle) => {
        if (!bundle.list && !bundle.manifest) return;
        try {
          for (const name of names(await wholeList(store, vault, bundle))) found.add(name);
        } catch (error) {
          if (!isError(error, 'vault')) throw error;
          // It went between being listed and being read: somebody forgot the bundle.
          if (!(await store.stat(`${bundle.stem}.packs`)) && !(await store.stat(`${bundle.stem}.pgp`))) return;
          throw unknown(error);
        }
      });
    },
  };
}

function unknown(cause: BaluchonError): BaluchonError {
  return new BaluchonError('vault', `${cause.message}: what the bundle needs can't be told, so nothing is pruned`, { cause, hint: 'bring the file back from another vault with baluchon copy, mend it with baluchon repair, or forget the bundle' });
}
