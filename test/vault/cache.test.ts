import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { pruneVault } from '../../src/vault/prune.ts';
import { about, contents, disk, folder, noise, source } from './kit.ts';

let owner: { identity: string };
let writer: { identity: string };
let certificates: { owners: string[]; writers: string[] };
beforeAll(async () => {
  const [one, other] = [await generateIdentity('owner'), await generateIdentity('writer')];
  owner = { identity: one.armor() };
  writer = { identity: other.armor() };
  certificates = { owners: [one.toPublic().armor()], writers: [other.toPublic().armor()] };
});

const bytes = noise(1_000_000, 'all');
async function vaultOf(): Promise<ReturnType<typeof memoryStore>> {
  const store = memoryStore('vault');
  await createVault(store, certificates);
  return store;
}
async function add(store: Parameters<typeof openVault>[0], cache: string, body = bytes, key = owner) {
  const vault = await openVault(store, key, { cache });
  const bundle = await vault.begin();
  const result = await bundle.addDisk(disk(body), about('volume-1', body.length));
  await bundle.commit({ source, documents: [] });
  return result;
}
/** The store, and the names that were got from it. */
function watched(store: ReturnType<typeof memoryStore>) {
  const got: string[] = [];
  return { got, store: faultyStore(store, (operation, name) => void (operation === 'get' && got.push(name))) };
}
const cached = (cache: string, name: string) => {
  const [vault] = readdirSync(cache);
  return join(cache, vault!, name);
};

describe('the cache of the index', () => {
  test('spares an export reading index files again, and knows the chunks all the same', async () => {
    const store = await vaultOf();
    const cache = folder();
    await add(store, cache);
    await add(store, cache);
    const { got, store: seen } = watched(store);
    expect(await add(seen, cache)).toMatchObject({ new_bytes: 0 });
    expect(got.filter((name) => name.startsWith('index/'))).toEqual([]);
    const bundle = await (await openVault(store, owner, { cache })).open('latest');
    expect((await contents(await bundle.disk('volume-1'))).equals(bytes)).toBe(true);
  });

  test('damaged anywhere, cut short, or of another vault: as good as not there', async () => {
    const store = await vaultOf();
    const cache = folder();
    await add(store, cache);
    await add(store, cache);
    const path = cached(cache, 'index');
    const whole = readFileSync(path);
    const other = await vaultOf();
    const elsewhere = folder();
    await add(other, elsewhere, noise(1_000_000, 'other'));
    await add(other, elsewhere, noise(1_000_000, 'other'));
    const variants = [...[0, 0.05, 0.5, 0.9, 0.999].map((share) => Buffer.from(whole.map((byte, at) => (at === Math.floor(whole.length * share) ? byte ^ 1 : byte)))), whole.subarray(0, whole.length - 1), whole.subarray(0, 40), Buffer.alloc(0), readFileSync(cached(elsewhere, 'index'))];
    for (const variant of variants) {
      writeFileSync(path, variant);
      const { got, store: seen } = watched(store);
      expect(await add(seen, cache)).toMatchObject({ new_bytes: 0 });
      expect(got.some((name) => name.startsWith('index/'))).toBe(true);
    }
    expect((await (await openVault(store, owner)).verify({ readData: true })).problems).toEqual([]);
  });

  test('what it knows of packs that a prune has taken counts for nothing', async () => {
    const store = await vaultOf();
    const cache = folder();
    await add(store, cache);
    await add(store, cache);
    const vault = await openVault(store, owner);
    await vault.forget((await vault.list()).map(({ id }) => id));
    await pruneVault(store, { grace: 0 });
    expect(await add(store, cache)).toMatchObject({ new_bytes: bytes.length });
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('a folder that can’t be written is no error', async () => {
    const store = await vaultOf();
    const cache = join(folder(), 'file');
    writeFileSync(cache, 'in the way');
    await add(store, cache);
    expect(await add(store, cache)).toMatchObject({ new_bytes: 0 });
  });
});

describe('the cache of bundles', () => {
  test('a second list reads no manifest, and is the same; one more is read when there is one more', async () => {
    const store = await vaultOf();
    const cache = folder();
    for (const seed of ['a', 'b']) await add(store, cache, noise(1000, seed));
    const first = await (await openVault(store, owner, { cache })).list();
    const { got, store: seen } = watched(store);
    expect(await (await openVault(seen, owner, { cache })).list()).toEqual(first);
    expect(got.filter((name) => name.startsWith('bundles/'))).toEqual([]);
    await add(store, cache, noise(1000, 'c'));
    const again = watched(store);
    expect(await (await openVault(again.store, owner, { cache })).list()).toHaveLength(3);
    expect(again.got.filter((name) => name.startsWith('bundles/'))).toHaveLength(1);
    await (await openVault(store, owner)).forget([first[0]!.id]);
    expect(await (await openVault(store, owner, { cache })).list()).toHaveLength(2);
  });

  test('is private, has nothing of a bundle in clear, and does not open for a writer, nor when changed', async () => {
    const store = await vaultOf();
    const cache = folder();
    await add(store, cache);
    await (await openVault(store, owner, { cache })).list();
    const path = cached(cache, 'bundles');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const held = readFileSync(path);
    for (const word of ['miop', 'alpha', 'bundles/', '2026']) expect(held.includes(word)).toBe(false);
    const { readInfos } = await import('../../src/vault/cache.ts');
    const { openSession } = await import('../../src/vault/session.ts');
    const [vault] = readdirSync(cache);
    const at = join(cache, vault!);
    expect((await readInfos(await openSession(store, owner), at)).size).toBe(1);
    // A writer has no key of the vault's to derive the cache's from.
    expect((await readInfos(await openSession(store, writer), at)).size).toBe(0);
    held[held.length >> 1]! ^= 1;
    writeFileSync(path, held);
    expect((await readInfos(await openSession(store, owner), at)).size).toBe(0);
    expect(await (await openVault(store, owner, { cache })).list()).toHaveLength(1);
  });

  test('a change of who may write makes every signature count anew', async () => {
    const store = await vaultOf();
    const cache = folder();
    await add(store, cache, noise(1000, 1), writer);
    const vault = await openVault(store, owner, { cache });
    await vault.list();
    await vault.keys.rotate();
    const { got, store: seen } = watched(store);
    expect(await (await openVault(seen, owner, { cache })).list()).toHaveLength(1);
    expect(got.filter((name) => name.startsWith('bundles/'))).toHaveLength(1);
  });
});
