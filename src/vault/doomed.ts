import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { getNamed } from './keyless.ts';
import { compactTime, expandTime, layout, patterns, rfc3339 } from './layout.ts';
import { parsePacks } from './packs-list.ts';

/** Days that what a prune has marked stays: longer than any export takes. */
export const graceDays = 7;
const day = 86_400_000;

/** A `doomed/` file. */
export interface Doomed {
  name: string;
  /** When it was marked. */
  time: Date;
  packs: string[];
  /** Lists of packs, by digest. */
  lists: string[];
}

/** Marks packs and lists of packs that no bundle needs; gives the file's name. */
export async function writeDoomed(store: Store, vault: string, packs: string[], lists: string[], now: Date): Promise<string> {
  // Lists are named in a comment: as a line of their own they would stand for the packs in them.
  const head = [`# baluchon-packs/1 ${vault}\n`, ...lists.toSorted().map((list) => `# list ${layout.list(list)}\n`)];
  const lines = Buffer.from([...head, ...packs.toSorted().map((pack) => `${pack}  ${layout.pack(pack)}\n`)].join(''), 'latin1');
  const text = Buffer.concat([lines, Buffer.from(`# end ${sha256(lines)}\n`, 'latin1')]);
  const name = `doomed/${compactTime(rfc3339(now))}-${sha256(text)}.packs`;
  await store.put(name, text);
  return name;
}

/** What is marked. A damaged mark marks nothing: no prune acts on it either. */
export async function readDoomed(store: Store): Promise<Doomed[]> {
  const found: Doomed[] = [];
  for await (const name of store.names('doomed/')) {
    const match = patterns.doomed.exec(name);
    if (!match) continue;
    const doomed: Doomed = { name, time: new Date(expandTime(match[1]!)), packs: [], lists: [] };
    try {
      const bytes = await getNamed(store, name);
      doomed.packs = parsePacks(bytes, name).packs;
      doomed.lists = [...Buffer.from(bytes).toString('latin1').matchAll(/^# list lists\/([0-9a-f]{64})\.packs$/gm)].map((list) => list[1]!);
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
    }
    found.push(doomed);
  }
  return found;
}

/**
 * The last look before a manifest is put: all packs and lists that it relies on are there, and none was marked so long ago that
 * a prune may take it at any moment.
 * @throws store
 */
export async function requireKept(store: Store, needs: { packs: Iterable<string>; lists?: Iterable<string> }, now = new Date()): Promise<void> {
  const { packs, lists } = { packs: new Set(needs.packs), lists: new Set(needs.lists ?? []) };
  const hint = 'another program pruned the vault: run the same command again';
  for (const doomed of await readDoomed(store)) {
    if (now.getTime() - doomed.time.getTime() < (graceDays / 2) * day) continue;
    const name = doomed.packs.filter((pack) => packs.has(pack)).map(layout.pack)[0] ?? doomed.lists.filter((list) => lists.has(list)).map(layout.list)[0];
    if (name !== undefined) throw new BaluchonError('store', `${store.name}: about to be pruned: ${name}`, { hint });
  }
  const gone = new Set([...packs].map(layout.pack));
  for await (const name of store.names('packs/')) gone.delete(name);
  for (const list of lists) if (!(await store.stat(layout.list(list)))) gone.add(layout.list(list));
  const [first] = gone;
  if (first !== undefined) throw new BaluchonError('store', `${store.name}: ${gone.size} packs vanished meanwhile, one is ${first}`, { hint });
}
