import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { memoryStore, openStore, type Store } from '../../src/store/index.ts';
import { openVault, packBundle, unpackBundle, verifyWithoutKeys } from '../../src/vault/index.ts';
import { contents, folder, lineFile, recovered } from './kit.ts';
import { needs, run } from '../tools.ts';
import { bundles } from './vault-1.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const frozen = path('vault-1.baluchon');
const key = { passphrase: 'correct horse battery staple' };
const [first, last] = ['e9598b36', 'b487bf54'];
const stores: Store[] = [];
const opened = async (place: string): Promise<Store> => {
  stores.push(await openStore(place));
  return stores.at(-1)!;
};
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
const file = (): string => join(folder(), 'one.baluchon');

async function expectLast(place: Store): Promise<void> {
  const bundle = await (await openVault(place, key)).open('latest');
  const expected = bundles.at(-1)!;
  expect(bundle.info.id.slice(0, 8)).toBe(last);
  expect(bundle.documents).toHaveLength(expected.documents.length);
  for (const { about, bytes } of expected.disks) expect((await contents(await bundle.disk(about.id))).equals(bytes)).toBe(true);
}

describe('one bundle as a file', () => {
  test('a file written by version 0.1 opens like a vault, and one bundle of it verifies whole', async () => {
    const store = await opened(frozen);
    await expectLast(store);
    const vault = await openVault(store, key);
    expect(await vault.list()).toHaveLength(1);
    const { problems, files } = await vault.verify({ readData: true });
    expect(problems).toEqual([]);
    expect(files).toBeGreaterThan(10);
    expect((await verifyWithoutKeys(store)).problems).toEqual([]);
    await expect(vault.begin()).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('unpack') });
  });

  test('a file that another takes the place of is no vault that was set back', async () => {
    const memory = folder();
    const [older, place] = [file(), file()];
    await packBundle(await opened(path('vault-1')), first, older);
    for (const each of [frozen, older]) {
      writeFileSync(place, readFileSync(each));
      const vault = await openVault(await opened(place), key, { memory });
      expect((await vault.verify({})).problems).toEqual([]);
      expect(await vault.list()).toHaveLength(1);
    }
    expect(readdirSync(memory)).toEqual([]);
  });

  test('packing takes no key and gives the same bytes again', async () => {
    const made = file();
    const packed = await packBundle(await opened(path('vault-1')), 'latest', made);
    expect(packed).toMatchObject({ files: 16, bundle: { created: '2026-11-21T12:54:55Z' } });
    expect(readFileSync(made).equals(readFileSync(frozen))).toBe(true);
  });

  test('what is in clear comes first', () => {
    const listing = run('tar', ['-tf', frozen]).stdout.toString().trim().split('\n');
    expect(listing.slice(0, 3)).toEqual(['baluchon.yaml', 'HOWTO-RECOVER.md', 'recover.sh']);
    expect(listing.findIndex((name) => name.endsWith('.pgp'))).toBeGreaterThan(listing.findIndex((name) => name.endsWith('.packs')));
  });

  describe('without this program', () => {
    needs('gpg', 'tar', 'zstd', 'awk');

    test('tar and recover.sh are enough', () => {
      const place = folder();
      expect(run('tar', ['-xf', frozen, '-C', place]).status).toBe(0);
      const out = recovered(place, ['--passphrase-file', lineFile(key.passphrase)]);
      for (const { about, bytes } of bundles.at(-1)!.disks) expect(readFileSync(join(out, 'disks', `${about.id}.raw`)).equals(bytes)).toBe(true);
    });
  });

  test('unpacked into a new place it is a vault that takes further bundles; unpacked again nothing is written', async () => {
    const to = memoryStore('new');
    const unpacked = await unpackBundle(await opened(frozen), 'latest', to);
    expect(unpacked).toMatchObject({ files: 16, absent: [expect.stringContaining(`-${first}`)] });
    await expectLast(to);
    const vault = await openVault(to, key);
    await (await vault.begin()).commit(bundles.at(-1)!);
    expect(await vault.list()).toHaveLength(2);
    expect(await unpackBundle(await opened(frozen), 'latest', to)).toMatchObject({ files: 0 });
  });

  test('the vault it came from takes a bundle back, and the whole chain is good again', async () => {
    const older = file();
    await packBundle(await opened(path('vault-1')), first, older);
    const to = memoryStore('again');
    await unpackBundle(await opened(older), 'latest', to);
    const keysBefore = [...to.files.keys()].filter((name) => name.startsWith('keys/'));
    const { files, absent } = await unpackBundle(await opened(frozen), 'latest', to);
    expect(files).toBeGreaterThan(0);
    expect(absent).toEqual([]);
    expect([...to.files.keys()].filter((name) => name.startsWith('keys/'))).toEqual(keysBefore);
    const vault = await openVault(to, key);
    expect((await vault.list()).map(({ id }) => id.slice(0, 8))).toEqual([first, last]);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('a vault that knows a later roster keeps its keys as they are: a removed owner does not come back', async () => {
    const to = memoryStore('later');
    await unpackBundle(await opened(frozen), 'latest', to);
    const owner = [...to.files.keys()].find((name) => name.includes('/owner-'))!;
    await to.remove(owner);
    await unpackBundle(await opened(frozen), 'latest', to);
    expect(to.files.has(owner)).toBe(false);
  });

  test('what was forgotten in a vault on purpose does not come back into it', async () => {
    const to = memoryStore('tidy');
    await unpackBundle(await opened(frozen), 'latest', to);
    const vault = await openVault(to, key);
    const [bundle] = await vault.list();
    await vault.forget([bundle!.id]);
    await expect(unpackBundle(await opened(frozen), 'latest', to)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('on purpose') });
    expect(await vault.list()).toEqual([]);
  });

  test('another vault is not mixed with', async () => {
    const to = memoryStore('other');
    await to.put('baluchon.yaml', Buffer.from(readFileSync(path('vault-1/baluchon.yaml'), 'utf8').replace(/^vault: ..../m, 'vault: ffff')));
    await expect(unpackBundle(await opened(frozen), 'latest', to)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('another vault') });
    expect([...to.files.keys()]).toEqual(['baluchon.yaml']);
  });

  test('a file that was cut off is named with what is missing, before anything is written', async () => {
    const names = run('tar', ['-tf', frozen]).stdout.toString().trim().split('\n');
    const bytes = readFileSync(frozen);
    for (const missing of [names.at(-1)!, names.at(-2)!, names[9]!]) {
      const cut = file();
      writeFileSync(cut, bytes);
      truncateSync(cut, bytes.lastIndexOf(missing) + 700);
      const to = memoryStore('none');
      await expect(unpackBundle(await opened(cut), 'latest', to)).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(missing) });
      expect(to.files.size).toBe(0);
    }
    const stump = file();
    writeFileSync(stump, bytes.subarray(0, 5000));
    await expect(unpackBundle(await opened(stump), 'latest', memoryStore())).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('bundles/') });
  });

  test('a byte changed in a pack is found while packing and unpacking, and nothing half-made is left', async () => {
    const bytes = readFileSync(frozen);
    bytes[bytes.lastIndexOf('packs/ca/') + 5000]! ^= 1;
    const bad = file();
    writeFileSync(bad, bytes);
    const to = memoryStore('half');
    await expect(unpackBundle(await opened(bad), 'latest', to)).rejects.toMatchObject({ code: 'vault', message: expect.stringMatching(/^damaged: packs\//) });
    expect(to.files.has('baluchon.yaml')).toBe(false);
    const place = folder();
    await expect(packBundle(await opened(bad), 'latest', join(place, 'x'))).rejects.toMatchObject({ code: 'vault' });
    expect(readdirSync(place)).toEqual([]);
  });
});
