import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parsePaperKey } from '../../src/keys/index.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { openVault, type Key } from '../../src/vault/index.ts';
import { contents, disk, recovered } from './kit.ts';
import { newSq } from '../sq.ts';
import { needs } from '../tools.ts';
import { bundles } from './vault-1.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const text = (name: string) => readFileSync(fixture(name), 'utf8');
const today = fileURLToPath(new URL('../../docs/recover/recover.sh', import.meta.url));
const passphrase = 'correct horse battery staple';

async function copyOf(name: string): Promise<Store> {
  const frozen = await openStore(fixture(name));
  const store = memoryStore(name);
  for await (const { name: file } of frozen.list('')) await store.put(file, await frozen.get(file));
  return store;
}

async function expectBundle(place: Store, key: Key, id: string, which: number): Promise<void> {
  const bundle = await (await openVault(place, key)).open(id);
  const expected = bundles[which]!;
  for (const document of expected.documents) expect(bundle.documents).toContainEqual(document);
  for (const { about, bytes } of expected.disks) expect((await contents(await bundle.disk(about.id))).equals(bytes)).toBe(true);
}

describe('a vault with writers, a paper key and two epochs, as frozen', () => {
  const paper = { passphrase: parsePaperKey(text('vault-2.paper.txt')) };
  const kept: [string, number][] = [['99f64fa1', 0], ['c4244996', 1], ['cffb78ca', 1]];

  test.each([['its passphrase', { passphrase }], ['its paper key', paper]])('opens with %s: the bundles of an owner, of a writer, and of one that was removed since', async (_, key) => {
    const store = await openStore(fixture('vault-2'));
    for (const [id, which] of kept) await expectBundle(store, key, id, which);
    const refused: string[] = [];
    const vault = await openVault(store, key);
    expect((await vault.list((error) => refused.push(error.message))).map(({ id }) => id.slice(0, 8))).toEqual(kept.map(([id]) => id));
    expect(refused).toEqual([expect.stringMatching(/^bundles\/.*-27b09791.*: signed by old host .*removed as a writer at 2026-11-21T13:05:00Z$/)]);
    expect(vault.keys.list().map(({ name, removed }) => [name.replace(/^[0-9A-F]{40}$/, 'key'), removed])).toEqual([['passphrase-1', undefined], ['paper-3', undefined], ['key', undefined], ['key', '2026-11-21T13:05:00Z']]);
  });

  test('its writer adds to it what is there already for nothing; the one removed gets nowhere', async () => {
    const store = await copyOf('vault-2');
    const writer = await (await openVault(store, { identity: text('vault-2.writer.asc') })).begin();
    for (const { about, bytes } of bundles[1]!.disks) expect(await writer.addDisk(disk(bytes), about)).toMatchObject({ new_bytes: 0 });
    const { id } = await writer.commit(bundles[1]!);
    await expectBundle(store, { passphrase }, id, 1);
    await expect(openVault(store, { identity: text('vault-2.removed-writer.asc') })).rejects.toMatchObject({ code: 'key' });
    await expect(openVault(store, { passphrase: 'of one who goes' })).rejects.toMatchObject({ code: 'key' });
  });

  describe('recover.sh', () => {
    needs('gpg', 'sq', 'openssl', 'zstd', 'tar', 'awk');

    // Its own knows sq before 1.0 only.
    test.each([['its own', '--gpg'], ...(newSq ? [] : [['its own', '--sq']]), ['today’s', '--gpg'], ['today’s', '--sq']])('%s gives back the same, with %s', (whose, tool) => {
      const out = recovered(fixture('vault-2'), [tool!, '--paper', fixture('vault-2.paper.txt'), '--bundle', 'cffb78ca'], whose === 'its own' ? 'recover.sh' : today);
      for (const { about, bytes } of bundles[1]!.disks) expect(readFileSync(join(out, 'disks', `${about.id}.raw`)).equals(bytes)).toBe(true);
    });
  });
});

describe('a vault of profile rfc9580, as frozen', () => {
  test.each<[string, Key]>([['its passphrase', { passphrase }], ['an owner’s key of version 6', { identity: text('vault-3.owner.asc') }]])('opens with %s, every byte as it was', async (_, key) => {
    const store = await openStore(fixture('vault-3'));
    await expectBundle(store, key, 'fc8250fd', 0);
    await expectBundle(store, key, '2fcce816', 1);
    expect((await (await openVault(store, key)).verify({ readData: true })).problems).toEqual([]);
  });
});
