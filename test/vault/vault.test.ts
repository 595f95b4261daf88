import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeRaws } from '../../src/disk/sparse.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { createVault, openVault, type Bundle, type Vault } from '../../src/vault/index.ts';
import { about, chunk, contents, disk, documents, noise, prose, source } from './kit.ts';

const passphrase = 'correct horse battery';
/** A key of its own opens much faster than a passphrase. */
const owner = await generateIdentity('owner');
const key = { identity: owner.armor() };
const owners = [owner.toPublic().armor()];

async function fresh(store: Store = memoryStore('vault')): Promise<Vault> {
  await createVault(store, { owners });
  return openVault(store, key);
}

async function bundle(vault: Vault, disks: Record<string, Buffer>, docs = documents(2)) {
  const writer = await vault.begin();
  const results = await Promise.all(Object.entries(disks).map(([id, bytes]) => writer.addDisk(disk(bytes), about(id, bytes.length))));
  return { info: await writer.commit({ source, documents: docs, notes: { seen: 'yes' } }), results };
}

describe('a bundle', () => {
  test('gives back documents, source, notes and disks as they were', async () => {
    const vault = await fresh();
    const bytes = Buffer.concat([prose(chunk * 3, 1), Buffer.alloc(chunk * 2), noise(777, 2)]);
    const odd = { kind: 'hologram', id: 'hologram-1', name: 'a kind of later days', params: { depth: { of: [1, 2.5, null, true] } }, refs: { '/depth': 'volume' }, info: {} };
    const { info } = await bundle(vault, { 'volume-1': bytes }, [...documents(4), odd]);
    const opened = await vault.open('latest');
    expect(opened.info).toEqual(info);
    expect(opened.info).toMatchObject({ counts: { volume: 2, network: 2, hologram: 1 }, disk_bytes: bytes.length, source });
    expect(opened.documents.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...documents(4), odd].toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    expect(opened.notes).toEqual({ seen: 'yes' });
    expect(opened.disks).toMatchObject([{ ...about('volume-1', bytes.length), data_bytes: chunk * 3 + 777 }]);
    expect((await contents(await opened.disk('volume-1'))).equals(bytes)).toBe(true);
    expect(await vault.list()).toEqual([info]);
  });

  test('any disk, read in any ranges, is the same bytes; its extents cover all that is not zero', async () => {
    const vault = await fresh();
    const piece = fc.tuple(fc.constantFrom('zero', 'noise', 'prose'), fc.integer({ min: 1, max: chunk + 5000 }), fc.integer({ min: 0, max: 9 }));
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 600_000 })), { minLength: 3, maxLength: 3 }), async (pieces, ranges) => {
        const bytes = Buffer.concat(pieces.map(([what, length, seed]) => (what === 'zero' ? Buffer.alloc(length) : what === 'noise' ? noise(length, seed) : prose(length, seed))));
        const id = `volume-${count++}`;
        await bundle(vault, { [id]: bytes });
        const of = await (await vault.open('latest')).disk(id);
        expect(of.size).toBe(bytes.length);
        await Promise.all(
          ranges.map(async ([place, length]) => {
            const offset = Math.floor(place * bytes.length);
            const into = Buffer.alloc(Math.min(length, bytes.length - offset), 0xee);
            await of.read(offset, into);
            expect(into.equals(bytes.subarray(offset, offset + into.length))).toBe(true);
          }),
        );
        let last = 0;
        for await (const { offset, length } of of.extents()) {
          expect(offset).toBeGreaterThanOrEqual(last);
          expect(length).toBeGreaterThan(0);
          expect(bytes.subarray(last, offset).every((byte) => byte === 0)).toBe(true);
          last = offset + length;
        }
        expect(last).toBeLessThanOrEqual(bytes.length);
        expect(bytes.subarray(last).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  test('is opened by latest, id, a prefix of it, or a date', async () => {
    const vault = await fresh();
    const one = (await bundle(vault, {})).info;
    const two = (await bundle(vault, {})).info;
    expect(Date.parse(two.created)).toBeGreaterThan(Date.parse(one.created));
    for (const ref of ['latest', two.id, two.id.slice(0, 6), two.created, '2999-01-01']) expect((await vault.open(ref)).info.id).toBe(two.id);
    for (const ref of [one.id, one.created, one.created.slice(0, -1)]) expect((await vault.open(ref)).info.id).toBe(one.id);
    await expect(vault.open('2001-01-01')).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('2001-01-01') });
    await expect(vault.open('dead0beef')).rejects.toMatchObject({ code: 'usage' });
    await expect(vault.open('nonsense')).rejects.toMatchObject({ code: 'usage' });
    await expect((await vault.open('latest')).disk('volume-9')).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('volume-9') });
  });

  test('of an empty vault: says that there is none', async () => {
    const vault = await fresh();
    expect(await vault.list()).toEqual([]);
    await expect(vault.open('latest')).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('no bundle yet') });
  });

  test('is verified file by file, each of them counted once', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    await bundle(vault, { 'volume-1': noise(chunk * 80, 1), 'volume-2': noise(chunk * 3, 2) });
    const names = await Array.fromAsync(store.names(''));
    for (const readData of [false, true]) expect(await vault.verify({ readData })).toMatchObject({ files: names.length, problems: [] });
  });

  test('exists only from commit on: one that was given up leaves none, and its data is found again', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const bytes = noise(chunk * 80, 1);
    const writer = await vault.begin();
    await writer.addDisk(disk(bytes), about('volume-1', bytes.length));
    expect(await vault.list()).toEqual([]);
    await writer.abort();
    expect(await vault.list()).toEqual([]);
    await expect(writer.commit({ source, documents: [] })).rejects.toMatchObject({ message: expect.stringContaining('aborted') });
    const { results } = await bundle(vault, { 'volume-1': bytes });
    // One pack of 17 MiB was full and stored, the other was not.
    expect(results[0]!.new_bytes).toBeLessThan(bytes.length / 2);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('stops at once when it is interrupted', async () => {
    const vault = await fresh();
    const writer = await vault.begin();
    const stop = new AbortController();
    const bytes = noise(chunk * 40, 1);
    const adding = writer.addDisk(disk(bytes), about('volume-1', bytes.length), { signal: stop.signal, onProgress: (done) => done > chunk * 3 && stop.abort() });
    await expect(adding).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('a disk that can not be read fails alone: the others, even with the same chunks, are whole', async () => {
    const vault = await fresh();
    const writer = await vault.begin();
    const bytes = prose(chunk * 20, 1);
    const bad = disk(bytes);
    const failing = { ...bad, read: async (offset: number, into: Uint8Array) => (offset > chunk * 10 ? Promise.reject(new Error('bad sector')) : bad.read(offset, into)) };
    const [failed, done] = await Promise.allSettled([writer.addDisk(failing, about('volume-1', bytes.length)), writer.addDisk(disk(bytes), about('volume-2', bytes.length))]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'bad sector' } });
    expect(done.status).toBe('fulfilled');
    await writer.commit({ source, documents: [] });
    expect((await contents(await (await vault.open('latest')).disk('volume-2'))).equals(bytes)).toBe(true);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('however many disks fail, the next ones find room to be read', async () => {
    const writer = await (await fresh()).begin();
    const bytes = prose(chunk * 30, 1);
    const bad = disk(bytes);
    const failing = { ...bad, read: async (offset: number, into: Uint8Array) => (offset > chunk * 20 ? Promise.reject(new Error('bad sector')) : bad.read(offset, into)) };
    for (let nth = 0; nth < 8; nth++) await expect(writer.addDisk(failing, about(`volume-${nth}`, bytes.length))).rejects.toThrow('bad sector');
    expect((await writer.addDisk(disk(bytes), about('volume-9', bytes.length))).data).toBe(bytes.length);
    await writer.abort();
  });

  test('disks taken at once that have the same chunks in other places are whole, while memory is used again and again', async () => {
    const vault = await fresh();
    const writer = await vault.begin();
    const common = Array.from({ length: 60 }, (_, nth) => (nth % 3 === 0 ? noise : prose)(chunk, nth));
    const disks = [0, 1, 7, 8].map((from) => Buffer.concat([...common.slice(from), ...common.slice(0, from)]));
    await Promise.all(disks.map((bytes, nth) => writer.addDisk(disk(bytes), about(`volume-${nth}`, bytes.length))));
    await writer.commit({ source, documents: [] });
    const bundle = await vault.open('latest');
    for (const [nth, bytes] of disks.entries()) expect((await contents(await bundle.disk(`volume-${nth}`))).equals(bytes)).toBe(true);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('progress ends at the size of the disk, zeros included', async () => {
    const vault = await fresh();
    const writer = await vault.begin();
    const seen: number[] = [];
    const bytes = Buffer.concat([Buffer.alloc(chunk * 3), noise(10, 1), Buffer.alloc(chunk * 3)]);
    await writer.addDisk(disk(bytes), about('volume-1', bytes.length), { onProgress: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(bytes.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('refuses documents whose names would lead out of the folder they are recovered into', async () => {
    const vault = await fresh();
    for (const id of ['../../etc/cron.d/x', 'a/b', '', '.', 'X'.repeat(200)]) {
      const writer = await vault.begin();
      await expect(writer.commit({ source, documents: [{ ...documents(1)[0]!, id }] })).rejects.toMatchObject({ code: 'vault' });
    }
    expect(await vault.list()).toEqual([]);
  });
});

describe('what is there already', () => {
  test('is not stored again: the same disks add some kilobytes', async () => {
    const store = memoryStore();
    const vault = await fresh(store);
    const bytes = noise(chunk * 30, 1);
    const first = await bundle(vault, { 'volume-1': bytes, 'volume-2': bytes });
    expect(first.info.added_bytes).toBeLessThan(bytes.length * 1.01);
    const files = (await Array.fromAsync(store.list(''))).filter(({ name }) => /^(packs|index|lists)\//.test(name));
    expect(first.info.added_bytes).toBe(files.reduce((sum, { size }) => sum + size, 0));
    const second = await bundle(vault, { 'volume-3': bytes });
    expect(second.results[0]).toMatchObject({ new_bytes: 0, stored_bytes: 0, data: bytes.length });
    expect(second.info.added_bytes).toBe(0);
  });

  test('a changed byte costs one chunk and one page', async () => {
    const vault = await fresh();
    const bytes = noise(chunk * 30, 1);
    await bundle(vault, { 'volume-1': bytes });
    bytes[chunk * 7 + 5]! ^= 1;
    const { results, info } = await bundle(vault, { 'volume-1': bytes });
    expect(results[0]).toMatchObject({ new_bytes: chunk });
    expect(info.added_bytes).toBeLessThan(chunk + 8000);
  });

  test('zeros are never stored, whether the disk says so or not', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const { results } = await bundle(vault, { 'volume-1': Buffer.alloc(chunk * 50) });
    expect(results[0]).toEqual({ size: chunk * 50, data: 0, new_bytes: 0, stored_bytes: 0 });
    expect([...store.files.keys()].filter((name) => name.startsWith('packs/'))).toEqual([]);
    // 1 TiB that says it is empty is not read at all.
    const writer = await vault.begin();
    const empty = { ...disk(Buffer.alloc(0)), size: 2 ** 40, read: () => Promise.reject(new Error('read')) };
    expect(await writer.addDisk(empty, about('volume-2', empty.size))).toMatchObject({ data: 0 });
  });

  test('two writers at once both commit, and both bundles are whole', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const other = await openVault(store, key);
    const a = noise(chunk * 5, 1);
    const b = Buffer.concat([a, noise(chunk, 2)]);
    const infos = await Promise.all([bundle(vault, { 'volume-1': a }), bundle(other, { 'volume-1': b })]);
    for (const [at, bytes] of [a, b].entries()) {
      expect((await contents(await (await vault.open(infos[at]!.info.id)).disk('volume-1'))).equals(bytes)).toBe(true);
    }
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });

  test('an index that tells of packs which are gone is not believed', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const bytes = noise(chunk * 3, 1);
    await bundle(vault, { 'volume-1': bytes });
    for (const name of store.files.keys()) if (/^(packs|bundles)\//.test(name)) store.files.delete(name);
    await bundle(vault, { 'volume-1': bytes });
    expect((await contents(await (await vault.open('latest')).disk('volume-1'))).equals(bytes)).toBe(true);
  });
});

describe('reading', () => {
  test('in order fetches no pack twice, and readers at the same time share what they fetch', async () => {
    const store = memoryStore('vault');
    const bytes = noise(chunk * 150, 1);
    await bundle(await fresh(store), { 'volume-1': bytes });
    const packs = [...store.files.keys()].filter((name) => name.startsWith('packs/'));
    expect(packs.length).toBeGreaterThan(3);
    for (const readers of [1, 3]) {
      const fetched: string[] = [];
      const counting = faultyStore(store, (operation, name) => {
        if (operation === 'get' && name.startsWith('packs/')) fetched.push(name);
        return undefined;
      });
      const of = await (await (await openVault(counting, key)).open('latest')).disk('volume-1');
      const all = await Promise.all(Array.from({ length: readers }, () => contents(of)));
      for (const one of all) expect(one.equals(bytes)).toBe(true);
      expect(fetched.sort()).toEqual(packs.sort());
    }
  });
});

describe('a disk that was changed here and there for many nights', () => {
  test('is read pack by pack, each of them once: into a file, and by whoever takes its pieces as they lie', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const bytes = noise(chunk * 300, 'base');
    await bundle(vault, { 'volume-1': bytes });
    for (let night = 0; night < 6; night++) {
      for (let at = night; at < 300; at += 9) bytes.set(noise(chunk, `night ${night} ${at}`), at * chunk);
      await bundle(vault, { 'volume-1': bytes });
    }
    let fetched: string[] = [];
    const counting = faultyStore(store, (operation, name) => {
      if (operation === 'get' && name.startsWith('packs/')) fetched.push(name);
      return undefined;
    });
    const open = async () => (await (await openVault(counting, key)).open('latest')).disk('volume-1');

    const pieces = (await open()).pieces!;
    const found = Buffer.alloc(bytes.length);
    for await (const list of pieces.order()) {
      let nth = 0;
      for await (const piece of pieces.read(list)) found.set(piece, list[nth++]! * pieces.piece);
      expect(nth).toBe(list.length);
    }
    expect(found.equals(bytes)).toBe(true);
    expect(new Set(fetched).size).toBeGreaterThan(10);
    expect(fetched).toHaveLength(new Set(fetched).size);

    fetched = [];
    expect((await written(await (await openVault(counting, key)).open('latest')))['volume-1']!.equals(bytes)).toBe(true);
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  test('disks that have much in common are written together, each pack once for all of them', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    const disks: { [id: string]: Buffer } = { 'volume-1': noise(chunk * 200, 'base'), 'volume-2': noise(chunk * 200, 'base').subarray(0, chunk * 150 + 77), 'volume-3': Buffer.alloc(chunk * 9) };
    for (let night = 0; night < 3; night++) {
      for (let at = night; at < 150; at += 7) disks[`volume-${(at % 2) + 1}`]!.set(noise(chunk, `night ${night} ${at}`), at * chunk);
      await bundle(vault, disks);
    }
    const fetched: string[] = [];
    const counting = faultyStore(store, (operation, name) => {
      if (operation === 'get' && name.startsWith('packs/')) fetched.push(name);
      return undefined;
    });
    const found = await written(await (await openVault(counting, key)).open('latest'));
    for (const [id, bytes] of Object.entries(disks)) expect(found[id]!.equals(bytes), id).toBe(true);
    expect(new Set(fetched).size).toBeGreaterThan(5);
    expect(fetched).toHaveLength(new Set(fetched).size);
  });

  /** The disks of a bundle, by id, as files hold them. */
  async function written({ disks, writeDisks }: Bundle): Promise<{ [id: string]: Buffer }> {
    const folder = await mkdtemp(join(tmpdir(), 'scattered-'));
    try {
      const raws = disks.map(({ id, size }) => ({ path: join(folder, id), size }));
      await writeRaws(raws, {}, (open) => writeDisks!(open.map((file, nth) => ({ id: disks[nth]!.id, ...file }))));
      return Object.fromEntries(await Promise.all(disks.map(async ({ id }) => [id, await readFile(join(folder, id))])));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
});

describe('a store that fails', () => {
  test('a bundle is committed whole or not at all, wherever the connection breaks', async () => {
    const bytes = noise(chunk * 3, 1);
    let committed = 0;
    for (let breakAt = 0; breakAt < 12; breakAt++) {
      const store = memoryStore('vault');
      await createVault(store, { owners });
      let puts = 0;
      const vault = await openVault(faultyStore(store, (operation) => (operation === 'put' && puts++ === breakAt ? (breakAt % 2 ? 'drop' : 'lost-answer') : undefined)), key);
      const failed = await bundle(vault, { 'volume-1': bytes }).then(
        () => undefined,
        (error: Error) => error,
      );
      if (!failed) committed += 1;
      const after = await openVault(store, key);
      const list = await after.list();
      for (const { id } of list) expect((await contents(await (await after.open(id)).disk('volume-1'))).equals(bytes)).toBe(true);
      expect((await after.verify({ readData: true })).problems).toEqual([]);
    }
    expect(committed).toBeGreaterThan(0);
    expect(committed).toBeLessThan(12);
  });

  test('a full disk: the error of the store, and the vault is as before', async () => {
    const store = memoryStore('vault');
    const vault = await fresh(store);
    await bundle(vault, { 'volume-1': noise(1000, 1) });
    const full = await openVault(faultyStore(store, (operation, name) => (operation === 'put' && name.startsWith('packs/') ? 'full' : undefined)), key);
    await expect(bundle(full, { 'volume-1': noise(chunk, 2) })).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('no space left') });
    expect(await vault.list()).toHaveLength(1);
    expect((await vault.verify({ readData: true })).problems).toEqual([]);
  });
});

describe('opening and making', () => {
  test('a wrong passphrase says that and nothing more', async () => {
    const store = memoryStore('vault');
    await createVault(store, { passphrases: [passphrase], owners });
    await expect(openVault(store, { passphrase })).resolves.toBeDefined();
    for (const wrong of ['', 'correct', `${passphrase}\n`]) await expect(openVault(store, { passphrase: wrong })).rejects.toMatchObject({ code: 'key', message: 'wrong passphrase or key', hint: undefined });
    await expect(openVault(store, { identity: 'nonsense' })).rejects.toMatchObject({ code: 'key', message: 'wrong passphrase or key' });
  });

  test('a place without a vault says so', async () => {
    await expect(openVault(memoryStore('nowhere'), key)).rejects.toMatchObject({ code: 'vault', message: 'there is no vault at nowhere: no baluchon.yaml' });
  });

  test('a vault of a later format says so', async () => {
    const store = memoryStore('vault');
    await fresh(store);
    const text = Buffer.from(store.files.get('baluchon.yaml')!).toString().replace('baluchon/1', 'baluchon/2');
    store.files.set('baluchon.yaml', Buffer.from(text));
    await expect(openVault(store, key)).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('baluchon/2') });
  });

  test('a vault of chunks or pages of another size than this program was tried with is refused', async () => {
    for (const [ours, other] of [['chunk_size: 262144', 'chunk_size: 65536'], ['page_size: 1024', 'page_size: 512']] as const) {
      const store = memoryStore('vault');
      await fresh(store);
      const text = Buffer.from(store.files.get('baluchon.yaml')!).toString();
      expect(text).toContain(ours);
      store.files.set('baluchon.yaml', Buffer.from(text.replace(ours, other)));
      await expect(openVault(store, key)).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining(ours.split(':')[0]!) });
    }
  });

  test('a vault is not made over another, nor without an owner, nor over its keys', async () => {
    const store = memoryStore('vault');
    await expect(createVault(store, {})).rejects.toMatchObject({ code: 'usage' });
    await expect(createVault(store, { passphrases: [''] })).rejects.toMatchObject({ code: 'usage' });
    await expect(createVault(store, { owners: ['not a key'] })).rejects.toMatchObject({ code: 'usage' });
    expect(store.files.size).toBe(0);
    await fresh(store);
    const before = new Map(store.files);
    await expect(createVault(store, { passphrases: ['x'] })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('vault already') });
    expect(store.files).toEqual(before);
    store.files.delete('baluchon.yaml');
    await expect(createVault(store, { passphrases: ['x'] })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('keys/') });
  });

  test('nothing of the contents is in clear: names, addresses, clouds, kinds, sizes of files apart', async () => {
    const store = memoryStore('vault');
    await createVault(store, { passphrases: [passphrase], owners });
    const vault = await openVault(store, key);
    await bundle(vault, { 'volume-secret': Buffer.from('PLAINTEXT of a disk') });
    const all = Buffer.concat([...store.files].flatMap(([name, body]) => [Buffer.from(name), Buffer.from(body)])).toString('latin1');
    for (const secret of ['PLAINTEXT', 'mysql', 'miop', 'alpha', 'volume-', 'RegionAlpha', passphrase]) expect(all, secret).not.toContain(secret);
  });
});
