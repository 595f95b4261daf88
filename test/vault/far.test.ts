import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { copyVault, createVault, openVault, verifyWithoutKeys } from '../../src/vault/index.ts';
import { about, disk, folder, noise, source } from './kit.ts';

let key: { identity: string };
let owners: string[];
beforeAll(async () => {
  const owner = await generateIdentity('owner');
  key = { identity: owner.armor() };
  owners = [owner.toPublic().armor()];
});

async function add(store: Store, name: string, bytes: Buffer): Promise<void> {
  const bundle = await (await openVault(store, key)).begin();
  await bundle.addDisk(disk(bytes), about(name, bytes.length));
  await bundle.commit({ source, documents: [] });
}

/** The store, some way off; `most` of each folder's files that were on their way at once. */
function distant(store: Store): { store: Store; most: Map<string, number> } {
  const most = new Map<string, number>();
  const now = new Map<string, number>();
  const get: Store['get'] = async (name, range, room) => {
    const [folder = ''] = name.split('/');
    now.set(folder, (now.get(folder) ?? 0) + 1);
    most.set(folder, Math.max(most.get(folder) ?? 0, now.get(folder)!));
    await new Promise((resolve) => setTimeout(resolve, 20));
    now.set(folder, now.get(folder)! - 1);
    return store.get(name, range, room);
  };
  return { store: { ...store, get }, most };
}

test('of a vault that is far away several files are on their way at once, and no more than there is memory for', async () => {
  const near = memoryStore('vault');
  await createVault(near, { owners });
  for (let nth = 0; nth < 20; nth++) await add(near, 'volume-1', noise(1000, nth));
  for (const look of [
    async (store: Store) => void (await (await openVault(store, key)).list()),
    async (store: Store) => expect((await (await openVault(store, key)).verify({})).problems).toEqual([]),
    async (store: Store) => expect((await verifyWithoutKeys(store)).problems).toEqual([]),
  ]) {
    const { store, most } = distant(near);
    await look(store);
    expect(most.get('bundles')).toBeGreaterThanOrEqual(12);
    expect(most.get('bundles')).toBeLessThanOrEqual(32);
    expect([undefined, 2, 3]).toContain(most.get('packs'));
  }
});

describe('packs of full size, whose memory is used again', () => {
  test('are checked and copied, several at once, each with its own bytes', async () => {
    const [here, there] = [folder(), folder()];
    const store = await openStore(here);
    await createVault(store, { owners });
    await add(store, 'volume-1', randomBytes(90 << 20));
    const copied = await copyVault(store, await openStore(there), { parallel: 4 });
    expect(copied.problems).toEqual([]);
    const target = await openStore(there);
    expect((await (await openVault(target, key)).verify({ readData: true })).problems).toEqual([]);
    const packs = [];
    for await (const { name, size } of target.list('packs/')) if (size > 16 << 20) packs.push(name);
    expect(packs.length).toBeGreaterThanOrEqual(5);
    const bytes = readFileSync(join(there, packs[2]!));
    bytes[9_000_000]! ^= 1;
    writeFileSync(join(there, packs[2]!), bytes);
    expect((await verifyWithoutKeys(target)).problems).toEqual([`damaged: ${packs[2]}`]);
    expect((await (await openVault(target, key)).verify({})).problems).toEqual([`damaged: ${packs[2]}`]);
  });
});
