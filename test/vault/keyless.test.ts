import { beforeAll, describe, expect, test } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore } from '../../src/store/index.ts';
import { copyVault } from '../../src/vault/copy.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';
import { about, chunk, contents, disk, noise, prose, source } from './kit.ts';

type Files = Map<string, Uint8Array>;
let whole: Files;
let owner: { identity: string };
const bytes = Buffer.concat([prose(chunk * 2, 1), Buffer.alloc(chunk), noise(1000, 2)]);

beforeAll(async () => {
  const store = memoryStore('vault');
  const key = await generateIdentity('owner');
  owner = { identity: key.armor() };
  await createVault(store, { owners: [key.toPublic().armor()] });
  const vault = await openVault(store, owner);
  for (const seed of [1, 2]) {
    const writer = await vault.begin();
    const body = Buffer.concat([bytes, noise(5000, seed)]);
    await writer.addDisk(disk(body), about('volume-1', body.length));
    await writer.commit({ source, documents: [] });
  }
  whole = new Map(store.files);
});

function like(files: Files, name = 'vault'): ReturnType<typeof memoryStore> {
  const store = memoryStore(name);
  for (const [file, body] of files) store.files.set(file, Uint8Array.from(body));
  return store;
}
const flip = (body: Uint8Array) => {
  const copy = Uint8Array.from(body);
  copy[body.length >> 1]! ^= 1;
  return copy;
};

describe('verify without keys', () => {
  test('a whole vault has no problems, and every file of it was looked at', async () => {
    const { problems, files } = await verifyWithoutKeys(like(whole));
    expect(problems).toEqual([]);
    expect(files).toBe(whole.size);
  });

  test('every file that is named by a digest, changed or cut short: named', async () => {
    let looked = 0;
    for (const [name, body] of whole) {
      // The texts in clear are in the signed roster, which takes a key.
      if (!name.includes('/') || name.endsWith('.asc')) continue;
      looked += 1;
      for (const damaged of [flip(body), body.subarray(0, body.length - 1), new Uint8Array()]) {
        const store = like(whole);
        store.files.set(name, damaged);
        expect((await verifyWithoutKeys(store)).problems, name).toContainEqual(expect.stringContaining(name));
      }
    }
    expect(looked).toBeGreaterThan(8);
  });

  test('every file gone but the newest bundle’s manifest, a key file or an index: named', async () => {
    const newest = [...whole.keys()].filter((name) => /^bundles.*pgp$/.test(name)).sort().at(-1)!;
    for (const name of whole.keys()) {
      if (name === newest || name === 'baluchon.yaml' || name.startsWith('index/')) continue;
      const store = like(whole);
      store.files.delete(name);
      const said = name.startsWith('keys/epoch-1/owner') ? 'keys/epoch-1/owner-' : name.startsWith('keys/roster') ? 'keys/epoch-1' : name;
      const { problems } = await verifyWithoutKeys(store);
      // The only roster gone leaves nothing in clear that tells of it.
      if (!name.startsWith('keys/roster')) expect(problems, name).toContainEqual(expect.stringContaining(said));
    }
  });

  test('a certificate of somebody else in the place of the root: named', async () => {
    const store = like(whole);
    store.files.set('keys/epoch-1.pub.asc', Buffer.from((await generateIdentity('mallory')).toPublic().armor()));
    expect((await verifyWithoutKeys(store)).problems).toEqual([expect.stringContaining('keys/epoch-1.pub.asc: not the vault\'s root')]);
  });

  test('a list that an export left without its manifest is no problem', async () => {
    const store = like(whole);
    const [name] = [...whole.keys()].filter((file) => /^bundles.*pgp$/.test(file)).sort().slice(-1);
    store.files.delete(name!);
    expect((await verifyWithoutKeys(store)).problems).toEqual([]);
  });
});

describe('copy', () => {
  const same = async (store: ReturnType<typeof memoryStore>) => {
    const vault = await openVault(store, owner);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
    return vault;
  };

  test('brings all of a vault to an empty place, and a second time nothing', async () => {
    const to = memoryStore('copy');
    const first = await copyVault(like(whole), to);
    expect(first).toMatchObject({ files: whole.size, problems: [] });
    expect(first.bundles).toHaveLength(2);
    expect([...to.files.keys()].sort()).toEqual([...whole.keys()].sort());
    expect(await contents(await (await (await same(to)).open('latest')).disk('volume-1'))).toHaveLength(bytes.length + 5000);
    expect(await copyVault(like(whole), to)).toMatchObject({ files: 0, bytes: 0, bundles: [], problems: [] });
  });

  test('leaves out what somebody who changes the keys at this moment has put', async () => {
    const [from, to] = [like(whole), memoryStore('copy')];
    await from.put('claims/another', Buffer.from('keys\n'));
    await copyVault(from, to);
    expect(await Array.fromAsync(to.names('claims/'))).toEqual([]);
    expect((await Array.fromAsync(to.names('keys/'))).length).toBe((await Array.fromAsync(from.names('keys/'))).length);
  });

  test('cut off at any operation, the target is whole as far as it goes, and the same again completes it', async () => {
    const operations = await (async () => {
      let most = 0;
      await copyVault(like(whole), faultyStore(memoryStore('count'), (_operation, _name, count) => void (most = count)));
      return most;
    })();
    expect(operations).toBeGreaterThan(whole.size);
    for (let at = 0; at <= operations; at += 1) {
      const to = memoryStore('copy');
      await expect(copyVault(like(whole), faultyStore(to, (_operation, _name, count) => (count >= at ? 'drop' : undefined)))).rejects.toMatchObject({ code: 'network' });
      if (to.files.has('baluchon.yaml')) expect((await verifyWithoutKeys(to)).problems, `cut at ${at}`).toEqual([]);
      await copyVault(like(whole), to);
      expect([...to.files.keys()].sort()).toEqual([...whole.keys()].sort());
    }
  });

  test('refuses a place that is another vault, or holds something else', async () => {
    const other = memoryStore('other');
    await createVault(other, { owners: [(await generateIdentity('x')).toPublic().armor()] });
    const before = [...other.files.keys()];
    await expect(copyVault(like(whole), other)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('other is another vault') });
    expect([...other.files.keys()]).toEqual(before);
    const full = memoryStore('full');
    await full.put('holiday.jpg', Buffer.from('x'));
    await expect(copyVault(like(whole), full)).rejects.toMatchObject({ code: 'usage' });
    expect([...full.files.keys()]).toEqual(['holiday.jpg']);
  });

  test('never puts a damaged file: it is named, the bundles that need it are not copied, the others are; with salvage they are too', async () => {
    const only = [...whole.keys()].filter((name) => name.startsWith('packs/'));
    const lists = [...whole].filter(([name]) => name.endsWith('.packs')).map(([name, body]) => [name, Buffer.from(body).toString()] as const);
    const pack = only.find((name) => lists.filter(([, text]) => text.includes(name)).length === 1)!;
    const [list] = lists.find(([, text]) => text.includes(pack))!;
    const from = like(whole);
    from.files.set(pack, flip(whole.get(pack)!));
    const to = memoryStore('copy');
    const { problems, bundles } = await copyVault(from, to);
    const manifest = list.replace(/packs$/, 'pgp');
    expect(problems).toEqual([`damaged: ${pack}`, expect.stringMatching(`^${manifest} was not copied: 1 files`)]);
    expect(bundles).toHaveLength(1);
    expect(to.files.has(pack)).toBe(false);
    expect(to.files.has(manifest)).toBe(false);
    await copyVault(from, to, { salvage: true });
    expect(to.files.has(manifest)).toBe(true);
    // And a whole vault mends it.
    await copyVault(like(whole), to);
    await same(to);
  });

  const admits = (store: ReturnType<typeof memoryStore>) => [...store.files.keys()].filter((name) => /^keys\/(pass-|.*\/owner-)/.test(name)).sort();

  /** A vault and a copy of it, both of which open with a passphrase as well. */
  async function withPassphrase() {
    const [from, to] = [like(whole), memoryStore('copy')];
    await (await openVault(from, owner)).keys.add({ passphrases: ['to go'] });
    await copyVault(from, to);
    return { from, to };
  }

  test('of a vault with older keys brings nobody back who was put out of the target since', async () => {
    const { from, to } = await withPassphrase();
    await (await openVault(to, owner)).keys.remove(['passphrase-1']);
    const kept = admits(to);
    const writer = await (await openVault(from, owner)).begin();
    await writer.commit({ source, documents: [] });
    expect(await copyVault(from, to)).toMatchObject({ problems: [], leftovers: [], bundles: [expect.stringContaining('bundles/')] });
    expect(admits(to)).toEqual(kept);
    await expect(openVault(to, { passphrase: 'to go' })).rejects.toMatchObject({ code: 'key' });
    expect(await (await same(to)).list()).toHaveLength(3);
  });

  test('of a vault with later keys names what still lets in who was put out there; removing them there begins no epoch', async () => {
    const { from, to } = await withPassphrase();
    await (await openVault(from, owner)).keys.remove(['passphrase-1']);
    for (const time of ['first', 'second']) {
      const { leftovers, problems } = await copyVault(from, to);
      expect(leftovers, time).toEqual([expect.stringMatching(/^keys\/epoch-1\/owner-/), expect.stringMatching(/^keys\/pass-1\./)]);
      expect(problems).toEqual([]);
    }
    const vault = await openVault(to, owner);
    expect(await vault.keys.remove(['passphrase-1'])).toMatchObject({ members: [], leftovers: [expect.any(String), expect.any(String)] });
    expect(vault.keys.epoch).toBe(2);
    expect([...to.files.keys()].sort()).toEqual([...from.files.keys()].sort());
    expect(await copyVault(from, to)).toMatchObject({ files: 0, leftovers: [] });
  });

  test('refuses a target whose keys were changed by itself, and writes nothing there', async () => {
    const [from, to] = [like(whole), like(whole, 'copy')];
    for (const store of [from, to]) await (await openVault(store, owner)).keys.rotate();
    const before = [...to.files.keys()];
    await expect(copyVault(from, to)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(/^the keys of vault and of copy were changed each by itself: keys\/roster-000002\./) });
    expect([...to.files.keys()]).toEqual(before);
  });

  test('what was truncated at the target is copied again', async () => {
    const to = like(whole, 'copy');
    const pack = [...whole.keys()].find((name) => name.startsWith('packs/'))!;
    to.files.set(pack, whole.get(pack)!.subarray(10));
    expect(await copyVault(like(whole), to)).toMatchObject({ files: 1, problems: [] });
    await same(to);
  });
});
