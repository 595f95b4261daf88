import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { forgetBundles } from '../../src/vault/forget.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { manifestFiles } from '../../src/vault/manifest-files.ts';
import { pruneVault } from '../../src/vault/prune.ts';
import { openSession } from '../../src/vault/session.ts';
import type { BundleWriter } from '../../src/vault/types.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';
import { beginBundle } from '../../src/vault/writer.ts';
import { about, contents, disk, noise, source } from './kit.ts';

let owner: { identity: string };
let certificate: string;
beforeAll(async () => {
  const key = await generateIdentity('owner');
  owner = { identity: key.armor() };
  certificate = key.toPublic().armor();
});

const begun = Date.parse('2026-11-21T12:00:00Z');
const day = 86_400_000;
const at = (days: number) => new Date(begun + days * day);

async function vaultOf(): Promise<ReturnType<typeof memoryStore>> {
  const store = memoryStore('vault');
  await createVault(store, { owners: [certificate] }, at(0));
  return store;
}
async function add(store: Store, seed: string, days: number): Promise<string> {
  const writer = await beginBundle(await openSession(store, owner), at(days));
  return commit(writer, seed);
}
async function commit(writer: BundleWriter, ...seeds: string[]): Promise<string> {
  for (const [number, seed] of seeds.entries()) {
    const bytes = noise(40_000, seed);
    await writer.addDisk(disk(bytes), about(`volume-${number}`, bytes.length));
  }
  return (await writer.commit({ source, documents: [], notes: { seeds } })).id;
}
async function forget(store: Store, id: string): Promise<void> {
  const session = await openSession(store, owner);
  await forgetBundles(session, (await manifestFiles(store)).filter((file) => file.id === id));
}
const packs = (store: ReturnType<typeof memoryStore>) => [...store.files.keys()].filter((name) => name.startsWith('packs/'));
const problems = async (store: Store) => [...(await (await openVault(store, owner)).verify({ readData: true })).problems, ...(await verifyWithoutKeys(store)).problems];

describe('prune', () => {
  test('marks what no bundle needs, removes it after the grace period, and needs no key', async () => {
    const store = await vaultOf();
    const first = await add(store, 'one', 0);
    await add(store, 'two', 0);
    expect(packs(store)).toHaveLength(4);
    await forget(store, first);
    expect(await problems(store)).toEqual([]);
    expect(await pruneVault(store, { now: at(1) })).toMatchObject({ removed: { files: 0 }, doomed: { files: 2 }, kept: { files: 2 }, due: '2026-11-29T12:00:00Z' });
    expect(await pruneVault(store, { now: at(7.9) })).toMatchObject({ removed: { files: 0 }, doomed: { files: 0 }, waiting: { files: 2 } });
    expect(packs(store)).toHaveLength(4);
    expect(await pruneVault(store, { now: at(8), dryRun: true })).toMatchObject({ removed: { files: 2 } });
    expect(packs(store)).toHaveLength(4);
    expect(await pruneVault(store, { now: at(8) })).toMatchObject({ removed: { files: 2 }, kept: { files: 2 } });
    expect(packs(store)).toHaveLength(2);
    expect([...store.files.keys()].filter((name) => name.startsWith('doomed/'))).toEqual([]);
    expect(await problems(store)).toEqual([]);
  });

  test('refuses, before it changes anything, where it can’t be told what a bundle needs', async () => {
    const store = await vaultOf();
    await forget(store, await add(store, 'gone', 0));
    await add(store, 'one', 0);
    const list = [...store.files.keys()].find((name) => name.endsWith('.packs'))!;
    const before = [...store.files.keys()];
    for (const damage of [() => store.files.set(list, store.files.get(list)!.subarray(1)), () => store.files.delete(list)]) {
      damage();
      await expect(pruneVault(store, { now: at(1), grace: 0 })).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(list), hint: expect.stringContaining('repair') });
      expect([...store.files.keys()].sort()).toEqual(before.filter((name) => store.files.has(name)).sort());
    }
  });

  test('what an export left that was cut short goes in the same way; its list only when it is old', async () => {
    const store = await vaultOf();
    await add(store, 'one', 0);
    const broken = faultyStore(store, (operation, name) => (operation === 'put' && /^bundles.*pgp$/.test(name) ? 'drop' : undefined));
    await expect(add(broken, 'two', 0)).rejects.toMatchObject({ code: 'network' });
    expect(packs(store)).toHaveLength(4);
    const now = new Date();
    expect(await pruneVault(store, { now })).toMatchObject({ doomed: { files: 0 }, removed: { files: 0 } });
    const later = new Date(now.getTime() + 8 * day);
    expect(await pruneVault(store, { now: later })).toMatchObject({ doomed: { files: 2 }, removed: { files: 1 } });
    expect(await pruneVault(store, { now: new Date(later.getTime() + 7 * day) })).toMatchObject({ removed: { files: 2 } });
    expect(await problems(store)).toEqual([]);
  });

  test('shared lists of packs go with the last bundle that refers to them', async () => {
    const store = await vaultOf();
    const names = Array.from({ length: 300 }, (_, seed) => noise(32, `pack ${seed}`).toString('hex'));
    const { packsText } = await import('../../src/vault/packs-list.ts');
    const vault = (await openVault(store, owner)).id;
    const { text, lists } = packsText(vault, [], names);
    for (const { name, body } of lists) await store.put(name, body);
    await store.put('bundles/20261121T120000Z-00000000000000000000000000000000.packs', text);
    const before = store.files.size;
    expect(await pruneVault(store, { now: new Date() })).toMatchObject({ kept: { files: lists.length } });
    expect(store.files.size).toBe(before);
    await store.remove('bundles/20261121T120000Z-00000000000000000000000000000000.packs');
    await pruneVault(store, { now: at(1) });
    expect(await pruneVault(store, { now: at(9) })).toMatchObject({ removed: { files: lists.length } });
    expect([...store.files.keys()].filter((name) => name.startsWith('lists/'))).toEqual([]);
  });

  test('an export does not rely on what is marked: it stores that anew', async () => {
    const store = await vaultOf();
    await forget(store, await add(store, 'one', 0));
    await pruneVault(store, { now: at(1) });
    const id = await add(store, 'one', 2);
    await pruneVault(store, { now: at(8) });
    expect(packs(store)).toHaveLength(2);
    expect(await contents(await (await (await openVault(store, owner)).open(id)).disk('volume-0'))).toEqual(noise(40_000, 'one'));
    expect(await problems(store)).toEqual([]);
  });

  test('what was marked while an export ran that needs it is spared', async () => {
    const store = await vaultOf();
    const gone = await add(store, 'one', 0);
    const writer = await beginBundle(await openSession(store, owner), at(2));
    await forget(store, gone);
    await pruneVault(store, { now: at(1) });
    await commit(writer, 'one');
    expect(await pruneVault(store, { now: at(8) })).toMatchObject({ removed: { files: 0 }, spared: { files: 2 } });
    expect(await problems(store)).toEqual([]);
  });

  test('an export that takes longer than half the grace period ends with an error, not with a bundle that may lose its data', async () => {
    const store = await vaultOf();
    const gone = await add(store, 'one', 0);
    for (const [end, pruned] of [[5, false], [9, true]] as const) {
      const writer = await beginBundle(await openSession(store, owner), at(end));
      if (!pruned) {
        await forget(store, gone);
        await pruneVault(store, { now: at(1) });
      } else await pruneVault(store, { now: at(8.5) });
      const bundles = (await manifestFiles(store)).length;
      if (!pruned) await expect(commit(writer, 'one')).rejects.toMatchObject({ code: 'store', hint: expect.stringContaining('again') });
      expect(await manifestFiles(store)).toHaveLength(bundles);
    }
    expect(await problems(store)).toEqual([]);
  });
});

describe('exports, forgets and prunes in any order', () => {
  type Step = { what: 'begin' | 'commit' | 'forget' | 'prune'; which: number; days: number };
  const steps = fc.array(fc.record({ what: fc.constantFrom<Step['what'][]>('begin', 'commit', 'forget', 'prune', 'prune'), which: fc.nat(5), days: fc.constantFrom(0, 0, 1, 3, 4, 8) }), { minLength: 6, maxLength: 24 });

  test('every bundle that was committed and not forgotten is whole', async () => {
    let committed = 0;
    let removed = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const store = await vaultOf();
        let days = 0;
        let clock = at(0);
        const writers: { writer: BundleWriter; seeds: string[] }[] = [];
        const alive: string[] = [];
        for (const { what, which, days: passed } of all) {
          days += passed;
          clock = at(days);
          if (what === 'begin') {
            const session = await openSession(store, owner);
            // The clock of the writer is that of the moment at which it commits.
            const now = new Proxy(new Date(0), { get: (_, key) => { const value = Reflect.get(clock, key) as unknown; return typeof value === 'function' ? (value.bind(clock) as unknown) : value; } });
            writers.push({ writer: await beginBundle(session, now), seeds: [`seed ${which}`, `seed ${(which + 1) % 6}`] });
          } else if (what === 'commit' && writers.length > 0) {
            const [{ writer, seeds }] = writers.splice(which % writers.length, 1) as [(typeof writers)[number]];
            await commit(writer, ...seeds).then(
              (id) => alive.push(id),
              (error: BaluchonError) => expect(error.code).toBe('store'),
            );
          } else if (what === 'forget' && alive.length > 0) await forget(store, alive.splice(which % alive.length, 1)[0]!);
          else if (what === 'prune') removed += (await pruneVault(store, { now: clock })).removed.files;
        }
        for (const { writer, seeds } of writers) await commit(writer, ...seeds).then((id) => alive.push(id), (error: BaluchonError) => expect(error.code).toBe('store'));
        committed += alive.length;
        expect((await manifestFiles(store)).map(({ id }) => id).sort()).toEqual(alive.toSorted());
        expect((await verifyWithoutKeys(store)).problems).toEqual([]);
        if (alive.length > 0) expect((await (await openVault(store, owner)).verify({ readData: true })).problems).toEqual([]);
      }),
      // Two bundles, one of them forgotten: whatever else comes up, something is removed.
      { numRuns: 12, examples: [[[['begin', 0, 0], ['commit', 0, 0], ['begin', 3, 0], ['commit', 0, 0], ['forget', 0, 1], ['prune', 0, 1], ['prune', 0, 8]].map(([what, which, days]) => ({ what, which, days }) as Step)]] },
    );
    expect(committed).toBeGreaterThan(10);
    expect(removed).toBeGreaterThan(0);
  });
});
