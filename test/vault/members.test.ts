import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../src/errors.ts';
import { decipher, fingerprint, generateIdentity, openSessionKeys, readIdentity, splitMessage, unseal } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { createVault, memoryFile, openVault, type Vault } from '../../src/vault/index.ts';
import { chunkReader } from '../../src/vault/reader.ts';
import { openSession } from '../../src/vault/session.ts';
import { writeRoster } from '../../src/vault/roster.ts';
import { about, chunk, contents, disk, documents, folder, noise, prose, source } from './kit.ts';

let owner: { identity: string };
const big: Buffer = Buffer.concat([prose(chunk * 3, 'log'), noise(chunk * 2, 'noise')]);
let writerKey: string;
let otherKey: string;
let ownerFingerprint: string;
const publicOf = async (armored: string) => (await openpgp.readPrivateKey({ armoredKey: armored })).toPublic().armor();

beforeAll(async () => {
  writerKey = (await generateIdentity('backup host')).armor();
  owner = { identity: (await generateIdentity('owner')).armor() };
  otherKey = (await generateIdentity('other host')).armor();
  ownerFingerprint = fingerprint(await readIdentity(owner.identity));
});

async function vaultWith(options: { sealing?: 'rfc4880' | 'rfc9580' } = {}): Promise<Store> {
  const store = memoryStore('vault');
  await createVault(store, { owners: [await publicOf(owner.identity)], writers: [await publicOf(writerKey)], ...options });
  return store;
}

async function add(vault: Vault, bytes: Buffer = big): Promise<{ id: string; new_bytes: number }> {
  const writer = await vault.begin();
  const { new_bytes } = await writer.addDisk(disk(bytes), about('volume-a', bytes.length));
  return { ...(await writer.commit({ source, documents: documents(2) })), new_bytes };
}

async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore('vault');
  for await (const { name } of store.list('')) await copy.put(name, await store.get(name));
  return copy;
}

async function names(store: Store, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list(prefix)) found.push(name);
  return found.sort();
}

const readOwner = async (store: Store, id = 'latest', options = {}) => contents(await (await (await openVault(store, owner, options)).open(id)).disk('volume-a'));

describe.each(['rfc4880', 'rfc9580'] as const)('a writer, with profile %s', (sealing) => {
  test('adds bundles that owners read, and stores nothing twice, though it keeps nothing itself', async () => {
    const store = await vaultWith({ sealing });
    await add(await openVault(store, owner));
    expect(await add(await openVault(store, { identity: writerKey }))).toMatchObject({ new_bytes: 0 });
    const changed = Buffer.from(big);
    changed.write('changed', 17);
    const { id } = await add(await openVault(store, { identity: writerKey }), changed);
    expect(await add(await openVault(store, { identity: writerKey }), changed)).toMatchObject({ new_bytes: 0 });
    expect((await readOwner(store, id)).equals(changed)).toBe(true);
    const vault = await openVault(store, owner);
    expect(await vault.list()).toHaveLength(4);
    expect(await vault.verify({ readData: true })).toMatchObject({ problems: [] });
  });

  test('reads nothing: no list, no bundle, no disk, no verify, no key of anybody’s', async () => {
    const store = await vaultWith({ sealing });
    const { id } = await add(await openVault(store, { identity: writerKey }));
    const vault = await openVault(store, { identity: writerKey });
    expect(vault.role).toBe('writer');
    const tries: (() => Promise<unknown>)[] = [
      () => vault.list(),
      () => vault.open('latest'),
      () => vault.open(id),
      () => vault.verify({}),
      () => vault.verify({ readData: true }),
      () => vault.verify({ ref: 'latest' }),
      () => vault.forget([id]),
      () => vault.keys.add({ passphrases: ['mine'] }),
      () => vault.keys.remove([ownerFingerprint]),
      () => vault.keys.rotate(),
    ];
    const before = await names(store);
    for (const attempt of tries) await expect(attempt()).rejects.toMatchObject({ code: 'key', message: expect.stringContaining('a writer') });
    expect(await names(store)).toEqual(before);
  });

  test('opens no pack and no manifest by any means that its file gives it, those of its own included', async () => {
    const store = await vaultWith({ sealing });
    await add(await openVault(store, owner));
    await add(await openVault(store, { identity: writerKey }), noise(chunk * 2, 'own'));
    const session = await openSession(store, { identity: writerKey });
    expect(session.secrets.keys).toEqual([]);
    const key = await readIdentity(writerKey);
    const openers = [
      { keys: [key] },
      ...[...session.secrets.index, ...session.secrets.dedup.map((secret) => secret.toString('hex'))].flatMap((secret) => [{ secret }, { passphrase: secret }]),
    ];
    const sealed = [...(await names(store, 'packs/')), ...(await names(store, 'bundles/'))].filter((name) => name.endsWith('.pgp'));
    expect(sealed.filter((name) => name.startsWith('packs/')).length).toBeGreaterThanOrEqual(3);
    expect(sealed.filter((name) => name.startsWith('bundles/'))).toHaveLength(2);
    for (const name of [...sealed, ...(await names(store, 'keys/epoch-1/owner-'))]) {
      const bytes = await store.get(name);
      for (const opener of openers) expect(await unseal(bytes, opener), name).toBeUndefined();
      const { keyPackets, body } = splitMessage(bytes)!;
      for (const secret of [...session.secrets.dedup, ...session.secrets.index.map((hex) => Buffer.from(hex, 'hex'))]) expect(decipher(secret, body), name).toBeUndefined();
      expect(await openSessionKeys(keyPackets, { keys: [key] })).toEqual([]);
    }
    // Nor through the program's own insides.
    const reader = chunkReader(session, async () => []);
    const { readIndexFile } = await import('../../src/vault/index-files.ts');
    const [index] = await names(store, 'index/');
    const packs = await readIndexFile(session, index!, index!.slice(6, 70));
    await expect(reader.chunk(packs[0]!.ids[0]!.toString('hex'))).rejects.toSatisfy((error) => isError(error, 'key', 'vault'));
  });
});

describe('trust', () => {
  test('a bundle by a writer of another vault, or by a key that nobody added, is refused by name, and looked at on demand', async () => {
    const store = await vaultWith();
    const session = await openSession(store, { identity: writerKey });
    const { beginBundle } = await import('../../src/vault/writer.ts');
    const stranger = await beginBundle({ ...session, signer: await readIdentity(otherKey) });
    await stranger.addDisk(disk(big), about('volume-a', big.length));
    const { id } = await stranger.commit({ source, documents: documents(1) });
    const vault = await openVault(store, owner);
    const keyId = (await openpgp.readPrivateKey({ armoredKey: otherKey })).getKeyID().toHex().toUpperCase();
    await expect(vault.open('latest')).rejects.toMatchObject({ code: 'vault', message: expect.stringMatching(new RegExp(`^bundles/.*-${id}\\.pgp: signed by key ${keyId}, which is not a key of this vault`)), hint: expect.stringContaining('--allow-unknown-writer') });
    const refused: string[] = [];
    expect(await vault.list((error) => refused.push(error.message))).toEqual([]);
    expect(refused).toEqual([expect.stringContaining(`${id}.pgp: signed by key ${keyId}`)]);
    expect((await vault.verify({})).problems).toContainEqual(expect.stringContaining(`${id}.pgp: signed by key ${keyId}`));
    expect((await readOwner(store, id, { allowUnknownWriter: true })).equals(big)).toBe(true);
  });

  test('a writer that was removed keeps its bundles and makes no more that count, though it dates them back and holds its old file', async () => {
    const store = await vaultWith();
    const old = await add(await openVault(store, { identity: writerKey }));
    const before = await copyOf(store);
    const vault = await openVault(store, owner);
    const [, gone] = vault.keys.list();
    await vault.keys.remove([gone!.fingerprint.slice(-16)]);
    await expect(openVault(store, { identity: writerKey })).rejects.toMatchObject({ code: 'key', message: 'wrong passphrase or key' });
    expect((await readOwner(store, old.id)).equals(big)).toBe(true);

    // With what it had kept it writes into the old state, and its files are carried over.
    const { beginBundle } = await import('../../src/vault/writer.ts');
    const session = await openSession(before, { identity: writerKey });
    const late = await beginBundle(session, new Date('2020-01-01T00:00:00Z'));
    await late.addDisk(disk(noise(chunk * 3, 'late')), about('volume-a', chunk * 3));
    const { id } = await late.commit({ source, documents: [] });
    for (const name of await names(before)) if (!name.startsWith('keys/') && !(await store.stat(name))) await store.put(name, await before.get(name));
    await expect((await openVault(store, owner)).open(id)).rejects.toMatchObject({ code: 'vault', message: expect.stringMatching(/signed by backup host \([0-9A-F]{40}\), who was removed as a writer at 20/) });
    const { problems } = await (await openVault(store, owner)).verify({});
    expect(problems.filter((line) => line.includes('was removed as a writer'))).toHaveLength(2);
    // Its index lies about nothing any more: it is not believed.
    expect(await add(await openVault(store, owner), noise(chunk * 3, 'late'))).toMatchObject({ new_bytes: chunk * 3 });
  });

  test('a writer’s file that no key of the vault signed is refused: it would say what to seal to', async () => {
    const store = await vaultWith();
    const evil = memoryStore('evil');
    await createVault(evil, { passphrases: ['evil'], writers: [await publicOf(writerKey)] });
    const file = (await names(evil, 'keys/epoch-1/writer-'))[0]!;
    for (const name of await names(store, 'keys/epoch-1/writer-')) await store.remove(name);
    await store.put(file, await evil.get(file));
    await expect(openVault(store, { identity: writerKey })).rejects.toMatchObject({ code: 'vault', message: `${file}: not signed by the vault's key` });
  });

  test('a certificate of the vault that was swapped is refused before anything is sealed to it', async () => {
    const store = await vaultWith();
    await (await openVault(store, owner)).keys.rotate();
    const name = 'keys/epoch-2.pub.asc';
    const evil = await copyOf(store);
    await evil.put(name, Buffer.from((await generateIdentity('evil')).toPublic().armor()));
    await expect(openVault(evil, { identity: writerKey })).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(name) });
    expect((await (await openVault(evil, owner)).verify({})).problems).toContain(`damaged: ${name}`);
  });

  test('an owner who was removed can’t write a roster that counts, with the keys of the epoch before', async () => {
    const store = await vaultWith();
    await (await openVault(store, owner)).keys.add({ passphrases: ['to go'] });
    const held = await openSession(store, { passphrase: 'to go' });
    await (await openVault(store, owner)).keys.remove(['passphrase-1']);
    if (!('roster' in held.roster)) throw held.roster;
    const digest = await writeRoster(store, { ...held.roster.roster, serial: 99 }, held.secrets.index[0]!, held.secrets.keys[0]!, 'rfc4880');
    const vault = await openVault(store, owner);
    expect(vault.keys.list().map(({ name }) => name)).toEqual([ownerFingerprint, expect.stringMatching(/^[0-9A-F]{40}$/)]);
    expect((await vault.verify({})).problems).toEqual(expect.arrayContaining([`keys/roster-000099.${digest}.pgp: signed with a key of the vault that was replaced`]));
    await add(vault);
    expect((await readOwner(store)).equals(big)).toBe(true);
  });
});

describe('a writer’s key that has expired', () => {
  test('writes nothing, nor does it once prolonged, until an owner lets the new certificate in', async () => {
    const day = 86_400_000;
    const made = new Date(Date.now() - 3 * day);
    const { privateKey } = await openpgp.generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'host' }], date: made, keyExpirationTime: 86_400, format: 'object' });
    const store = memoryStore('vault');
    await createVault(store, { owners: [await publicOf(owner.identity)], writers: [privateKey.toPublic().armor()] }, made);
    await expect(openVault(store, { identity: privateKey.armor() })).rejects.toMatchObject({ code: 'key', message: expect.stringContaining('has expired') });
    const longer = await openpgp.reformatKey({ privateKey, userIDs: [{ name: 'host' }], date: new Date(), keyExpirationTime: 0, format: 'object' });
    const identity = longer.privateKey.armor();
    await expect(openVault(store, { identity })).rejects.toMatchObject({ code: 'key', message: expect.stringContaining('the certificate that vault has of the writer'), hint: expect.stringContaining('keys add --writer') });
    const vault = await openVault(store, owner);
    await vault.keys.remove([fingerprint(privateKey)]);
    await vault.keys.add({ writers: [longer.publicKey.armor()] });
    await add(await openVault(store, { identity }));
    expect((await readOwner(store)).equals(big)).toBe(true);
  });
});

describe('rotation', () => {
  test('seals what comes to a new key, rewrites nothing, and lets all in with the keys they have', async () => {
    const store = await vaultWith();
    const alice = await generateIdentity('alice');
    await (await openVault(store, owner)).keys.add({ owners: [alice.toPublic().armor()], papers: ['a paper key'] });
    const first = await add(await openVault(store, owner));
    const before = new Map(await Promise.all((await names(store)).map(async (name) => [name, await store.get(name)] as const)));
    const vault = await openVault(store, owner);
    await vault.keys.rotate();
    expect(vault.keys.epoch).toBe(2);
    for (const [name, bytes] of before) expect(Buffer.from(await store.get(name)).equals(bytes), name).toBe(true);
    const second = await add(await openVault(store, { identity: writerKey }), noise(chunk, 'second'));
    expect(await add(vault)).toMatchObject({ new_bytes: 0 });
    for (const key of [owner, { passphrase: 'a paper key' }, { identity: alice.armor() }]) {
      const opened = await openVault(store, key);
      for (const { id } of [first, second]) await contents(await (await opened.open(id)).disk('volume-a'));
      expect(await opened.verify({ readData: true })).toMatchObject({ problems: [] });
    }
    // The key of epoch 1 alone opens what was, and nothing of what came.
    const old = (await openSession(store, owner)).secrets.keys.at(-1)!;
    const opens = async (id: string) => (await unseal(await store.get((await names(store, 'bundles/')).find((name) => name.endsWith(`${id}.pgp`))!), { keys: [old] })) !== undefined;
    expect([await opens(first.id), await opens(second.id)]).toEqual([true, false]);
  });

  test('an owner who is removed reads what was, given a copy, and nothing that comes', async () => {
    const store = await vaultWith();
    await (await openVault(store, owner)).keys.add({ passphrases: ['to go'] });
    await add(await openVault(store, owner));
    const copy = await copyOf(store);
    await (await openVault(store, owner)).keys.remove(['passphrase-1']);
    await expect(openVault(store, { passphrase: 'to go' })).rejects.toMatchObject({ code: 'key' });
    const { id } = await add(await openVault(store, owner), noise(chunk, 'new'));
    for (const name of await names(store, 'bundles/')) await copy.put(name, await store.get(name));
    const held = await openVault(copy, { passphrase: 'to go' });
    await expect(held.open(id)).rejects.toMatchObject({ code: 'vault' });
    const session = await openSession(copy, { passphrase: 'to go' });
    for (const name of await names(store, 'packs/')) if (!(await copy.stat(name))) expect(await unseal(await store.get(name), { keys: session.secrets.keys }), name).toBeUndefined();
  });

  test('cut short anywhere, it leaves a vault that all can use, and can be run again', async () => {
    const whole = await vaultWith();
    await add(await openVault(whole, owner));
    for (let limit = 0; ; limit++) {
      const store = await copyOf(whole);
      let puts = 0;
      const breaking: Store = { ...store, put: async (name, body) => (puts++ < limit ? store.put(name, body) : Promise.reject(new Error('power cut'))) };
      const done = await (await openVault(breaking, owner)).keys.rotate().then(
        () => true,
        () => false,
      );
      await add(await openVault(store, { identity: writerKey }), noise(chunk, 'after'));
      expect((await readOwner(store)).equals(noise(chunk, 'after')), `after ${limit} puts`).toBe(true);
      if (done) break;
      const vault = await openVault(store, owner);
      await vault.keys.rotate();
      expect(await (await openVault(store, owner)).verify({ readData: true }), `after ${limit} puts`).toMatchObject({ problems: [] });
      await add(await openVault(store, { identity: writerKey }));
      expect((await readOwner(store)).equals(big)).toBe(true);
    }
  });
});

describe('members', () => {
  test('are listed, added and removed by name; the last owner stays', async () => {
    const store = await vaultWith();
    const vault = await openVault(store, owner);
    expect(await vault.keys.add({ passphrases: ['second'], papers: ['third'] })).toMatchObject([{ name: 'passphrase-1', role: 'owner' }, { name: 'paper-2', kind: 'paper' }]);
    await expect(vault.keys.add({ writers: [await publicOf(writerKey)] })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('a writer already') });
    await expect(vault.keys.remove(['nobody'])).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('paper-2') });
    await expect(vault.keys.remove([ownerFingerprint, 'passphrase-1', 'paper-2'])).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('no owner would be left') });
    expect(vault.keys.epoch).toBe(1);
    await vault.keys.remove([ownerFingerprint]);
    await expect(openVault(store, owner)).rejects.toMatchObject({ code: 'key' });
    expect((await (await openVault(store, { passphrase: 'third' })).verify({})).problems).toEqual([]);
  });

  test('a removal that was cut short leaves files that verify names, and the same again takes away', async () => {
    const store = await vaultWith();
    await (await openVault(store, owner)).keys.add({ passphrases: ['to go'] });
    const breaking = faultyStore(store, (operation, name) => (operation === 'remove' && name.startsWith('keys/') ? 'drop' : undefined));
    await expect((await openVault(breaking, owner)).keys.remove(['passphrase-1'])).rejects.toMatchObject({ code: 'network' });
    const vault = await openVault(store, owner);
    expect(vault.keys.list().map(({ name }) => name)).not.toContain('passphrase-1');
    const { problems } = await vault.verify({});
    expect(problems).toEqual([expect.stringMatching(/^keys\/epoch-1\/owner-.* lets in who is no owner or writer any more/), expect.stringMatching(/^keys\/pass-1\..* lets in who/)]);
    await expect(vault.keys.remove(['passphrase-9'])).rejects.toMatchObject({ code: 'usage' });
    expect((await vault.keys.remove(['passphrase-1'])).leftovers).toHaveLength(2);
    expect(vault.keys.epoch).toBe(2);
    expect(await names(store, 'keys/pass-')).toEqual([]);
    await expect(openVault(store, { passphrase: 'to go' })).rejects.toMatchObject({ code: 'key' });
    expect(await (await openVault(store, owner)).verify({})).toMatchObject({ problems: [] });
    await expect(vault.keys.remove(['passphrase-1'])).rejects.toMatchObject({ code: 'usage' });
  });

  test('a writer that comes back counts again', async () => {
    const store = await vaultWith();
    const vault = await openVault(store, owner);
    await vault.keys.remove([vault.keys.list()[1]!.fingerprint]);
    await vault.keys.add({ writers: [await publicOf(writerKey)] });
    await add(await openVault(store, { identity: writerKey }));
    expect((await readOwner(store)).equals(big)).toBe(true);
  });

  test('two who change the keys at the same moment don’t both get it', async () => {
    const store = await vaultWith();
    const [one, two] = [await openVault(store, owner), await openVault(store, owner)];
    const results = await Promise.allSettled([one.keys.add({ passphrases: ['a'] }), two.keys.add({ passphrases: ['b'] })]);
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    expect((await (await openVault(store, owner)).verify({})).problems).toEqual([]);
    expect(await names(store, 'claims/')).toEqual([]);
  });

  test.each(['rotate', 'remove', 'add'] as const)('%s by who opened the vault before somebody else changed the keys is refused, and writes nothing', async (what) => {
    const store = await vaultWith();
    const [early, late] = [await openVault(store, owner), await openVault(store, owner)];
    await early.keys.rotate();
    await add(await openVault(store, owner));
    const before = await copyOf(store);
    const work = { rotate: () => late.keys.rotate(), remove: () => late.keys.remove([late.keys.list()[1]!.name]), add: () => late.keys.add({ passphrases: ['late'] }) }[what];
    await expect(work()).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('meanwhile: keys/roster-000002'), hint: expect.stringContaining('nothing was changed') });
    expect(await names(store)).toEqual(await names(before));
    expect((await readOwner(store)).equals(big)).toBe(true);
  });

  test('whoever changes the keys at this moment goes first, for five minutes at most', async () => {
    const store = await vaultWith();
    await store.put('claims/another', Buffer.from('keys\n'));
    const aged = (minutes: number): Store => ({
      ...store,
      async *list(prefix) {
        for await (const file of store.list(prefix)) yield file.name === 'claims/another' ? { ...file, modified: new Date(file.modified.getTime() - minutes * 60_000) } : file;
      },
    });
    const before = await names(store);
    await expect((await openVault(aged(4), owner)).keys.rotate()).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('claims/another') });
    expect(await names(store)).toEqual(before);
    await (await openVault(aged(6), owner)).keys.rotate();
    expect(await names(store, 'claims/')).toEqual([]);
    expect((await openVault(store, owner)).keys.epoch).toBe(2);
  });
});

describe('what this machine remembers', () => {
  test('a bundle that vanished, newest or not, is named until it is back; one that an owner forgot is not missed', async () => {
    const store = await vaultWith();
    const memory = folder();
    const open = () => openVault(store, owner, { memory });
    await add(await open());
    const { id } = await add(await openVault(store, { identity: writerKey }, { memory }));
    const newest = (await names(store, 'bundles/')).filter((name) => name.includes(id));
    const kept = await Promise.all(newest.map(async (name) => [name, await store.get(name)] as const));
    for (const name of newest) await store.remove(name);
    for (let time = 0; time < 2; time++) {
      expect((await (await open()).verify({})).problems).toEqual([expect.stringMatching(new RegExp(`^missing: bundles/.*${id}\\.pgp: it was here at 20`))]);
      expect(await (await open()).missed()).toHaveLength(1);
    }
    for (const [name, bytes] of kept) await store.put(name, bytes);
    expect(await (await open()).missed()).toEqual([]);
    await (await open()).forget([id]);
    expect(await (await open()).missed()).toEqual([]);
    expect((await (await open()).verify({})).problems).toEqual([]);
  });

  test('is kept by place: two clouds may have containers of one name', async () => {
    const [one, other, again] = await Promise.all(['http://127.0.0.1:1/AUTH_a', 'http://127.0.0.1:1/AUTH_b', 'http://127.0.0.1:1/AUTH_a'].map((url) => openStore('swift://backups', { swift: async () => ({ url, token: async () => 't' }) })));
    expect(memoryFile('m', other!)).not.toBe(memoryFile('m', one!));
    expect(memoryFile('m', again!)).toBe(memoryFile('m', one!));
  });

  test('a vault set back to before a change of keys is named, and nothing is written to it', async () => {
    const store = await vaultWith();
    const memory = folder();
    const before = await copyOf(store);
    await (await openVault(store, owner)).keys.rotate();
    expect(await (await openVault(store, owner, { memory })).missed()).toEqual([]);
    for (const key of [owner, { identity: writerKey }]) {
      const back = await openVault(before, key, { memory });
      await expect(back.begin()).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('the vault was set back') });
      expect(await back.missed()).toEqual([expect.stringMatching(/^missing: keys\/roster-000002\..*set back$/)]);
    }
  });

  test('another vault in its place is refused, though it opens with the same key', async () => {
    const store = await vaultWith();
    const memory = folder();
    await (await openVault(store, { identity: writerKey }, { memory })).missed();
    const evil = await vaultWith();
    await expect(openVault(evil, { identity: writerKey }, { memory })).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('not the vault that was here before'), hint: expect.stringContaining(memory) });
    rmSync(join(memory, readdirSync(memory)[0]!));
    await openVault(evil, { identity: writerKey }, { memory });
  });

  test('is readable for its user alone, and holds no secret', async () => {
    const store = await vaultWith();
    const memory = folder();
    await add(await openVault(store, owner, { memory }));
    const text = readFileSync(join(memory, readdirSync(memory)[0]!), 'utf8');
    const { secrets } = await openSession(store, owner);
    for (const secret of [...secrets.index, secrets.dedup[0]!.toString('hex'), 'PRIVATE KEY']) expect(text).not.toContain(secret);
  });
});
