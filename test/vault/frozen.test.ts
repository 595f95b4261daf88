import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { memoryStore, openStore } from '../../src/store/index.ts';
import { documentYaml, openVault, type Key } from '../../src/vault/index.ts';
import { contents, disk, lineFile, recovered } from './kit.ts';
import { needs, run } from '../tools.ts';
import { bundles } from './vault-1.ts';

const root = fileURLToPath(new URL('../../fixtures/vault-1', import.meta.url));
const ownerFile = fileURLToPath(new URL('../../fixtures/vault-1.owner.asc', import.meta.url));
/** Oldest first. */
const frozenIds = ['e9598b36', 'b487bf54'];
const keys: [string, Key][] = [
  ['its passphrase', { passphrase: 'correct horse battery staple' }],
  ['an owner’s key', { identity: readFileSync(ownerFile, 'utf8'), passphrase: 'and its passphrase' }],
];

describe('a vault of format baluchon/1, written by version 0.1', () => {
  test.each(keys)('opens with %s, every byte as it was', async (_name, key) => {
    const vault = await openVault(await openStore(root), key);
    const list = await vault.list();
    expect(list.map(({ id }) => id.slice(0, 8))).toEqual(frozenIds);
    for (const [at, expected] of bundles.entries()) {
      const bundle = await vault.open(list[at]!.id);
      expect(bundle.source).toEqual(expected.source);
      expect(bundle.notes).toEqual(expected.notes);
      expect(bundle.documents).toHaveLength(expected.documents.length);
      for (const document of expected.documents) expect(bundle.documents).toContainEqual(document);
      expect(bundle.disks.map(({ id }) => id)).toEqual(expected.disks.map(({ about }) => about.id).sort());
      for (const { about, bytes } of expected.disks) {
        expect(bundle.disks).toContainEqual(expect.objectContaining(about));
        expect((await contents(await bundle.disk(about.id))).equals(bytes)).toBe(true);
      }
    }
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  describe('its own recover.sh', () => {
    needs('gpg', 'zstd', 'tar', 'awk');

    test('gives back the same', () => {
      const out = recovered(root, ['--identity', ownerFile, '--identity-passphrase-file', lineFile('and its passphrase'), '--bundle', frozenIds[0]!]);
      const [expected] = bundles;
      for (const { about, bytes } of expected!.disks) expect(readFileSync(join(out, 'disks', `${about.id}.raw`)).equals(bytes)).toBe(true);
      for (const document of expected!.documents) expect(readFileSync(join(out, 'documents', document.kind, `${document.id}.yaml`), 'utf8')).toBe(documentYaml(document));
    });
  });

  test('sha256sum finds its packs whole, without a key', () => {
    const { status, text } = run('sh', ['-c', 'cat bundles/*.packs | sha256sum --check --strict'], { cwd: root });
    expect(text).toMatch(/^packs\/.*: OK$/m);
    expect(status).toBe(0);
  });

  test('takes another bundle, which costs what has changed', async () => {
    const store = memoryStore('copy');
    const frozen = await openStore(root);
    for await (const { name } of frozen.list('')) await store.put(name, await frozen.get(name));
    const vault = await openVault(store, keys[0]![1]);
    const writer = await vault.begin();
    const last = bundles.at(-1)!;
    for (const { about, bytes } of last.disks) expect(await writer.addDisk(disk(bytes), about)).toMatchObject({ new_bytes: 0 });
    await writer.commit(last);
    expect(await vault.list()).toHaveLength(bundles.length + 1);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });
});
