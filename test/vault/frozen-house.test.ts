import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { readIdentity } from '../../src/keys/index.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import { openVault } from '../../src/vault/index.ts';
import { pruneVault } from '../../src/vault/prune.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';
import { chunk, contents, lineFile, recovered } from './kit.ts';
import { needs } from '../tools.ts';

vi.setConfig({ testTimeout: 90_000 });

const root = fileURLToPath(new URL('../../fixtures/vault-4', import.meta.url));
const ownerFile = fileURLToPath(new URL('../../fixtures/vault-1.owner.asc', import.meta.url));
/** Opened once: the key's own passphrase costs a second each time. */
let owner: { identity: string };
const bytes = Buffer.alloc(chunk, 'one ');

let whole: Map<string, Uint8Array>;
beforeAll(async () => {
  owner = { identity: (await readIdentity(readFileSync(ownerFile, 'utf8'), 'and its passphrase')).armor() };
  whole = new Map();
  const store = await openStore(root);
  for await (const { name } of store.list('')) whole.set(name, await store.get(name));
});
function copy(change: (files: Map<string, Uint8Array>) => void = () => {}): ReturnType<typeof memoryStore> {
  const store = memoryStore('vault');
  for (const [name, body] of whole) store.files.set(name, Uint8Array.from(body));
  change(store.files);
  return store;
}
const problems = async (store: ReturnType<typeof memoryStore>) => {
  const keyed = await openVault(store, owner).then(
    async (vault) => (await vault.verify({ readData: true })).problems,
    (error: BaluchonError) => [error.message],
  );
  const keyless = await verifyWithoutKeys(store).then(({ problems: all }) => all, (error: BaluchonError) => [error.message]);
  return [...keyed, ...keyless].join('\n');
};

describe('a frozen vault with tags, a forgotten bundle, one written anew, and packs that are doomed', () => {
  test('opens, and is whole with keys and without', async () => {
    const vault = await openVault(copy(), owner);
    expect(await vault.list()).toEqual([expect.objectContaining({ id: 'ee9e6a3467c14c323a246e646f867d38', tags: ['kept', 'release'] })]);
    expect((await contents(await (await vault.open('latest')).disk('volume-1'))).equals(bytes)).toBe(true);
    expect(await problems(copy())).toBe('');
  });

  test('a prune after its time removes what is doomed, and all is whole', async () => {
    const store = copy();
    expect(await pruneVault(store, { now: new Date('2026-11-28T14:10:31Z') })).toMatchObject({ removed: { files: 0 }, waiting: { files: 2 } });
    expect(await pruneVault(store, { now: new Date('2026-11-28T14:10:32Z') })).toMatchObject({ removed: { files: 2 }, kept: { files: 2 } });
    expect([...store.files.keys()].filter((name) => name.startsWith('doomed/'))).toEqual([]);
    expect(await problems(store)).toBe('');
  });

  describe('its own recover.sh', () => {
    needs('gpg', 'zstd', 'tar', 'awk');

    test('gives the disk back', () => {
      const out = recovered(root, ['--identity', ownerFile, '--identity-passphrase-file', lineFile('and its passphrase')]);
      expect(readFileSync(join(out, 'disks', 'volume-1.raw')).equals(bytes)).toBe(true);
    });
  });

  test.each<[string, (body: Uint8Array) => Uint8Array]>([
    ['a bit flipped near its beginning', (body) => body.map((byte, at) => (at === Math.min(20, body.length >> 2) ? byte ^ 1 : byte))],
    ['a bit flipped in its middle', (body) => body.map((byte, at) => (at === body.length >> 1 ? byte ^ 1 : byte))],
    ['its end cut off', (body) => body.subarray(0, body.length - 3)],
    ['nothing in it', () => new Uint8Array()],
  ])('every file with %s is named', async (_what, change) => {
    for (const [name, body] of whole) expect(await problems(copy((files) => files.set(name, change(body)))), name).toContain(name.replace(/\.[0-9a-f]{64}\.pgp$/, '.').replace(/-[0-9A-F]{40}\.$/, '-'));
  });

  test('an owner’s word that is gone, or stands for another bundle: the bundle it spoke of is named as missing', async () => {
    const words = [...whole.keys()].filter((name) => name.endsWith('.forgotten'));
    expect(words).toHaveLength(2);
    const [first, second] = words as [string, string];
    // The one that nothing names any more: its own word was all there was of it.
    expect(await problems(copy((files) => files.delete(first)))).toContain(first.replace('forgotten', 'pgp'));
    expect(await problems(copy((files) => files.set(first, whole.get(second)!).set(second, whole.get(first)!)))).toContain(first);
  });
});
