import { createHash } from 'node:crypto';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import { copyVault } from '../../src/vault/copy.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { pruneVault } from '../../src/vault/prune.ts';
import type { Vault } from '../../src/vault/types.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';
import { about, chunk, contents, disk, documents, folder, noise, source } from './kit.ts';

vi.setConfig({ testTimeout: 90_000 });

type Files = Map<string, Uint8Array>;
let whole: Files;
let owner: { identity: string };
const shared = noise(chunk * 6, 'shared');
const bodies = ['a', 'b'].map((seed) => Buffer.concat([shared, Buffer.alloc(chunk), noise(chunk * 2, seed)]));
const ids: string[] = [];

beforeAll(async () => {
  const key = await generateIdentity('owner');
  owner = { identity: key.armor() };
  const store = memoryStore('vault');
  await createVault(store, { owners: [key.toPublic().armor()] });
  const vault = await openVault(store, owner);
  for (const body of bodies) ids.push(await add(vault, body));
  whole = new Map(store.files);
});

async function add(vault: Vault, body: Buffer): Promise<string> {
  const writer = await vault.begin();
  await writer.addDisk(disk(body), about('volume-1', body.length));
  return (await writer.commit({ source, documents: documents(2), tags: ['kept'] })).id;
}
function damaged(change: (files: Files) => void): ReturnType<typeof memoryStore> {
  const store = memoryStore('vault');
  for (const [name, body] of whole) store.files.set(name, Uint8Array.from(body));
  change(store.files);
  return store;
}
const packs = (files: Files) => [...files].filter(([name]) => name.startsWith('packs/')).sort(([, a], [, b]) => b.length - a.length).map(([name]) => name);
/** The largest pack holds what both bundles share, and the first's own. */
const largest = () => packs(whole)[0]!;
const flipAt = (files: Files, name: string, share: number) => {
  files.get(name)![Math.floor(files.get(name)!.length * share)]! ^= 1;
};
const problems = async (store: ReturnType<typeof memoryStore>) => [...(await (await openVault(store, owner)).verify({ readData: true })).problems, ...(await verifyWithoutKeys(store)).problems];
/** Deep equality of large buffers takes minutes. */
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const digests = (all: Buffer[]) => all.map(digest).sort();
const all = async (vault: Vault) => digests(await Promise.all((await vault.list()).map(async ({ id }) => contents(await (await vault.open(id)).disk('volume-1')))));

describe('a damaged bundle, opened to salvage', () => {
  test('one flipped bit in a pack costs one chunk: all else is as it was, and what is lost is told', async () => {
    const vault = await openVault(damaged((files) => flipAt(files, largest(), 0.3)), owner);
    await expect((await vault.open(ids[0]!)).disk('volume-1').then((one) => contents(one))).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(largest()) });
    const lost: object[] = [];
    const found = await contents(await (await vault.open(ids[0]!, { salvage: (what) => lost.push(what) })).disk('volume-1'));
    expect(lost).toEqual([{ disk: 'volume-1', offset: expect.any(Number), length: chunk }]);
    const { offset } = lost[0] as { offset: number };
    expect(found.subarray(offset, offset + chunk).equals(Buffer.alloc(chunk))).toBe(true);
    found.set(bodies[0]!.subarray(offset, offset + chunk), offset);
    expect(found.equals(bodies[0]!)).toBe(true);
  });

  test('a pack that was cut short gives what comes before the cut; one that is gone, nothing; extents leave out what no page tells of', async () => {
    for (const [change, lostChunks] of [[(files: Files) => files.set(largest(), whole.get(largest())!.subarray(0, whole.get(largest())!.length >> 1)), 4], [(files: Files) => files.delete(largest()), 8]] as const) {
      const vault = await openVault(damaged(change), owner);
      const lost: { offset: number }[] = [];
      const found = await contents(await (await vault.open(ids[0]!, { salvage: (what) => lost.push(what as { offset: number }) })).disk('volume-1'));
      expect(lost).toHaveLength(lostChunks);
      for (const { offset } of lost) found.set(bodies[0]!.subarray(offset, offset + chunk), offset);
      expect(found.equals(bodies[0]!)).toBe(true);
    }
    const pages = packs(whole).slice(-2);
    const vault = await openVault(damaged((files) => pages.forEach((name) => files.delete(name))), owner);
    const lost: object[] = [];
    const one = await (await vault.open(ids[0]!, { salvage: (what) => lost.push(what) })).disk('volume-1');
    const extents = [];
    for await (const extent of one.extents()) extents.push(extent);
    expect(extents).toEqual([]);
    expect(lost).toEqual([{ disk: 'volume-1', offset: 0, length: bodies[0]!.length }]);
  });

  test('of damaged manifests the newest that opens stands for the latest; one named by its id does not open', async () => {
    const manifest = [...whole.keys()].find((name) => name.endsWith(`${ids[1]}.pgp`))!;
    const vault = await openVault(damaged((files) => flipAt(files, manifest, 0.5)), owner);
    await expect(vault.open('latest')).rejects.toMatchObject({ code: 'vault' });
    const lost: object[] = [];
    expect((await vault.open('latest', { salvage: (what) => lost.push(what) })).info.id).toBe(ids[0]);
    expect(lost).toEqual([{ problem: `damaged: ${manifest}` }]);
    await expect(vault.open(ids[1]!, { salvage: () => {} })).rejects.toMatchObject({ code: 'vault' });
  });

  test('verify --read-data names disks, ranges of bytes, and the bundles that are still whole', async () => {
    const own = packs(whole)[1]!;
    const store = damaged((files) => files.delete(own));
    const { whole: good, lost, problems: said } = await (await openVault(store, owner)).verify({ readData: true });
    expect(good).toEqual([ids[0]]);
    expect(lost).toEqual([{ bundle: ids[1], disk: 'volume-1', ranges: [{ offset: 7 * chunk, length: 2 * chunk }] }]);
    expect(said).toContainEqual(expect.stringContaining(`disk volume-1: 2 chunks lost: bytes ${7 * chunk}-${9 * chunk - 1}`));
  });
});

describe('repair', () => {
  test('nothing to mend: nothing is changed', async () => {
    const store = damaged(() => {});
    expect(await (await openVault(store, owner)).repair()).toEqual({ bundles: [], lists: [], lost: [], damaged: [], indexed: 0, unreadable: [] });
    expect([...store.files.keys()]).toEqual([...whole.keys()]);
  });

  test('the index, lost or damaged, is written anew from the packs', async () => {
    const store = damaged((files) => {
      const [one, other] = [...files.keys()].filter((name) => name.startsWith('index/'));
      files.delete(one!);
      flipAt(files, other!, 0.5);
    });
    const result = await (await openVault(store, owner)).repair();
    expect(result).toMatchObject({ indexed: 4, lost: [], bundles: [] });
    expect(await problems(store)).toEqual([]);
    const writer = await (await openVault(store, owner)).begin();
    expect(await writer.addDisk(disk(bodies[0]!), about('volume-1', bodies[0]!.length))).toMatchObject({ new_bytes: 0 });
  });

  test('a lost list of packs comes back as it was', async () => {
    const list = [...whole.keys()].find((name) => name.endsWith('.packs'))!;
    for (const change of [(files: Files) => void files.delete(list), (files: Files) => flipAt(files, list, 0.9)]) {
      const store = damaged(change);
      expect(await (await openVault(store, owner)).repair()).toMatchObject({ lists: [list], bundles: [], lost: [] });
      expect(Buffer.from(store.files.get(list)!).equals(whole.get(list)!)).toBe(true);
      expect(await problems(store)).toEqual([]);
    }
  });

  test('a pack that was made larger than memory: named, its chunks are salvaged, and repair brings them into a new one', async () => {
    const root = folder();
    for (const [name, body] of whole) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), body);
    }
    truncateSync(join(root, largest()), 3 * 2 ** 30);
    const open = async () => openVault(await openStore(root), owner);
    for (const { problems: said } of [await (await open()).verify({ readData: true }), await verifyWithoutKeys(await openStore(root))]) expect(said).toContainEqual(expect.stringContaining(largest()));
    await expect((await (await open()).open(ids[0]!)).disk('volume-1').then((one) => contents(one))).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(largest()) });
    const lost: object[] = [];
    const found = await contents(await (await (await open()).open(ids[0]!, { salvage: (what) => lost.push(what) })).disk('volume-1'));
    expect(found.equals(bodies[0]!)).toBe(true);
    expect(lost).toEqual([]);
    expect(await (await open()).repair()).toMatchObject({ lost: [], damaged: [largest()], bundles: [expect.anything(), expect.anything()] });
    expect((await (await open()).verify({ readData: true })).problems).toEqual([]);
    expect(await all(await open())).toEqual(digests(bodies));
  });

  test('a damaged pack that can not be read to be set aside stays where it is', async () => {
    const store = damaged((files) => files.set(largest(), whole.get(largest())!.subarray(0, whole.get(largest())!.length >> 1)));
    const { get } = store;
    store.get = (name, range) => (name === largest() && range ? Promise.reject(new BaluchonError('vault', 'shorter')) : get(name, range));
    expect(await (await openVault(store, owner)).repair()).toMatchObject({ damaged: [largest()] });
    expect(store.files.has(largest())).toBe(true);
    expect([...store.files.keys()].filter((name) => name.startsWith('aside/'))).toEqual([]);
  });

  test('damage to a pack that costs no chunk: all is moved, both bundles are written anew, and the vault is whole', async () => {
    // The end of a pack is its message's check sum.
    const store = damaged((files) => flipAt(files, largest(), 0.9999999));
    const vault = await openVault(store, owner);
    const result = await vault.repair();
    expect(result).toMatchObject({ damaged: [largest()], lost: [] });
    expect(result.bundles.map(({ from }) => from).sort()).toEqual(ids.toSorted());
    expect(store.files.has(largest())).toBe(false);
    expect(await problems(store)).toEqual([]);
    expect(await all(vault)).toEqual(digests(bodies));
    expect((await vault.list()).map(({ tags }) => tags)).toEqual([['kept'], ['kept']]);
    expect((await vault.open('latest')).documents).toHaveLength(2);
    expect((await (await openVault(store, owner)).repair()).bundles).toEqual([]);
  });

  test('what is lost is named; the damaged pack is set aside, no export relies on it, and a whole one from a copy mends all', async () => {
    const store = damaged((files) => flipAt(files, largest(), 0.3));
    const vault = await openVault(store, owner);
    const { lost, bundles } = await vault.repair();
    expect(bundles).toEqual([]);
    expect(lost.map(({ bundle }) => bundle).sort()).toEqual(ids.toSorted());
    expect(lost[0]!.ranges).toEqual([{ offset: expect.any(Number), length: chunk }]);
    expect(store.files.has(largest())).toBe(false);
    // What is left of it can still be read.
    const told: object[] = [];
    await contents(await (await vault.open(ids[0]!, { salvage: (what) => told.push(what) })).disk('volume-1'));
    expect(told).toHaveLength(1);
    const fresh = await add(vault, bodies[0]!);
    expect((await contents(await (await vault.open(fresh)).disk('volume-1'))).equals(bodies[0]!)).toBe(true);
    await copyVault(damaged(() => {}), store);
    expect(await all(await openVault(store, owner))).toEqual(digests([...bodies, bodies[0]!]));
    expect(await problems(store)).toEqual([]);
  });

  test('after a new export of the same data, repair finds there what was lost', async () => {
    const store = damaged((files) => files.delete(packs(whole)[1]!));
    const vault = await openVault(store, owner);
    await add(vault, bodies[1]!);
    expect((await vault.repair()).lost).toEqual([]);
    expect(await problems(store)).toEqual([]);
    expect(await all(vault)).toEqual(digests([...bodies, bodies[1]!]));
  });

  test('with the loss accepted the bundle says what it has lost, and the rest of it reads without more ado', async () => {
    const store = damaged((files) => flipAt(files, largest(), 0.3));
    const vault = await openVault(store, owner);
    const { bundles, lost } = await vault.repair({ acceptLoss: true });
    expect(bundles).toHaveLength(2);
    const { offset } = lost.find(({ bundle }) => bundle === ids[0])!.ranges[0]!;
    const one = await (await vault.open(bundles.find(({ from }) => from === ids[0])!.to)).disk('volume-1');
    const at = offset === 0 ? chunk : 0;
    const piece = Buffer.alloc(chunk);
    await one.read(at, piece);
    expect(piece.equals(bodies[0]!.subarray(at, at + chunk))).toBe(true);
    await expect(one.read(offset, piece)).rejects.toMatchObject({ code: 'vault' });
    expect((await verifyWithoutKeys(store)).problems).toEqual([]);
  });

  test('cut short at any moment and run again, it ends the same', async () => {
    let most = 0;
    const change = (files: Files) => flipAt(files, largest(), 0.9999999);
    await (await openVault(faultyStore(damaged(change), (_operation, _name, count) => void (most = count)), owner)).repair();
    let cut = 0;
    for (let at = 12; at <= most; at += 19) {
      const store = damaged(change);
      const broken = await openVault(faultyStore(store, (_operation, _name, count) => (count >= at ? 'drop' : undefined)), owner).catch(() => undefined);
      if (!broken) continue;
      await expect(broken.repair()).rejects.toMatchObject({ code: 'network' });
      cut += 1;
      const vault = await openVault(store, owner);
      await vault.repair();
      expect(await problems(store), `cut at ${at}`).toEqual([]);
      expect(await all(vault)).toEqual(digests(bodies));
    }
    expect(cut).toBeGreaterThan(1);
  });
});

describe('repack', () => {
  test('of packs that are mostly unneeded the rest moves into new ones; a prune then removes them', async () => {
    const store = damaged(() => {});
    const vault = await openVault(store, owner);
    const tail = Buffer.concat([noise(chunk * 2, 'a'), noise(5000, 'tail')]);
    const kept = await add(vault, tail);
    await vault.forget(ids);
    expect(await vault.repack({ dryRun: true })).toMatchObject({ packs: 1, bundles: [] });
    const { bundles, packs: count } = await vault.repack();
    expect(count).toBe(1);
    expect(bundles.map(({ from }) => from)).toEqual([kept]);
    const before = [...store.files.values()].reduce((sum, body) => sum + body.length, 0);
    await pruneVault(store, { grace: 0 });
    const after = [...store.files.values()].reduce((sum, body) => sum + body.length, 0);
    expect(before - after).toBeGreaterThan(chunk * 7);
    expect(await problems(store)).toEqual([]);
    expect(await all(vault)).toEqual(digests([tail]));
    expect(await vault.repack()).toMatchObject({ packs: 0, bundles: [] });
  });
});
