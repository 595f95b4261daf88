import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert, asyncProperty, nat, record } from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Disk } from '../../src/disk/disk.ts';
import { openRaw } from '../../src/disk/raw.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { pruneVault } from '../../src/vault/prune.ts';
import { chunkId } from '../../src/vault/chunk.ts';
import { addIndexed, emptyIndex } from '../../src/vault/chunk-index.ts';
import { intakes } from '../../src/vault/intake.ts';
import { perform } from '../../src/vault/crew.ts';
import { digestOf, markKey, markSecret, openMarks, recognise, recordBytes, writeRecord } from '../../src/vault/marks.ts';
import { openSession } from '../../src/vault/session.ts';
import { about, chunk, contents, disk, folder, noise, source } from './kit.ts';

let key: { identity: string };
let owners: string[];
beforeAll(async () => {
  const identity = await generateIdentity('owner');
  key = { identity: identity.armor() };
  owners = [identity.toPublic().armor()];
});

/** Chunks of which no two are alike, made faster than noise. */
function stamped(count: number, seed: string): Buffer {
  const bytes = Buffer.alloc(count * chunk, noise(chunk, seed));
  for (let at = 0; at < count; at++) bytes.writeUInt32LE(at, at * chunk);
  return bytes;
}

describe('a record', () => {
  const secret = randomBytes(48);
  const marking = markKey(secret);
  const plain = noise(chunk, 'plain');
  const id = chunkId(randomBytes(32), plain);
  const recorded = new Uint8Array(recordBytes);
  writeRecord(marking, recorded, digestOf(marking, plain), id);

  it('gives the id to these bytes and to no others, and holds for no other key, id or mark', () => {
    expect(recognise(marking, recorded, digestOf(marking, plain))).toEqual(new Uint8Array(id));
    for (const other of [noise(chunk, 'other'), plain.subarray(1), Buffer.concat([plain, Buffer.alloc(1)]), Buffer.alloc(0)]) expect(recognise(marking, recorded, digestOf(marking, other))).toBeUndefined();
    const flipped = Buffer.from(plain);
    flipped[chunk - 1]! ^= 1;
    expect(recognise(marking, recorded, digestOf(marking, flipped))).toBeUndefined();
    const another = markKey(randomBytes(48));
    expect(recognise(another, recorded, digestOf(another, plain))).toBeUndefined();
    for (let at = 0; at < recordBytes; at++) {
      const torn = recorded.slice();
      torn[at]! ^= 0x80;
      expect(recognise(marking, torn, digestOf(marking, plain)), `byte ${at}`).toBeUndefined();
    }
  });

  it('spares naming: what has one is believed, what has none or another is named and gets one', async () => {
    const dedup = randomBytes(32);
    const plains = ['known', 'changed', 'new'].map((seed) => noise(chunk, seed));
    const records = new Uint8Array(4 * recordBytes);
    // An id that naming would not give.
    const believed = randomBytes(32);
    writeRecord(marking, records.subarray(0, recordBytes), digestOf(marking, plains[0]!), believed);
    writeRecord(marking, records.subarray(recordBytes), digestOf(marking, noise(chunk, 'before')), believed);
    const lengths = [chunk, chunk, chunk, chunk];
    const memory = () => new Uint8Array(Buffer.concat([...plains, Buffer.alloc(chunk)]));
    const ids = [believed.toString('hex'), ...plains.slice(1).map((bytes) => chunkId(dedup, bytes).toString('hex')), null];

    const named = await perform({ task: 'name', memory: memory(), lengths, secret: dedup, marks: { secret, records } });
    expect(named.ids).toEqual(ids);
    const again = await perform({ task: 'name', memory: memory(), lengths, secret: randomBytes(32), marks: { secret, records: named.records! } });
    expect(again).toMatchObject({ ids });
    expect(again).not.toHaveProperty('records');
  });

  it('of a file only what is not known stays in memory', async () => {
    const path = join(folder(), 'file');
    const plains = ['a', 'b', 'c'].map((seed) => noise(chunk, seed));
    writeFileSync(path, Buffer.concat([plains[0]!, Buffer.alloc(chunk), plains[1]!, plains[2]!]));
    const file = await openRaw(path);
    const records = new Uint8Array(4 * recordBytes);
    writeRecord(marking, records.subarray(0, recordBytes), digestOf(marking, plains[0]!), randomBytes(32));
    const job = () => ({ task: 'name' as const, memory: new Uint8Array(4 * chunk), lengths: [chunk, chunk, chunk, chunk], secret, marks: { secret, records: records.slice() } });
    const { ids, at, memory } = await perform({ ...job(), file: { fd: file.fd!, offsets: [0, chunk, 2 * chunk, 3 * chunk] } });
    expect(ids![1]).toBeNull();
    for (const [nth, plain] of [[2, plains[1]!], [3, plains[2]!]] as const) expect(Buffer.from(memory.subarray(at[nth], at[nth]! + chunk)).equals(plain)).toBe(true);
    expect(at[3]).toBe(chunk);
    expect(await perform({ ...job(), file: { fd: file.fd!, offsets: [0, chunk, 2 * chunk, 3 * chunk + 1] } })).not.toHaveProperty('ids');
    await file.close();
  });
});

describe('a disk that is backed up night after night', () => {
  async function nightly() {
    const [store, cache] = [memoryStore('vault'), folder()];
    await createVault(store, { owners });
    const path = join(folder(), 'disk');
    return {
      store,
      cache,
      async take(bytes: Buffer, as: 'file' | 'stream', id = 'volume-1') {
        const vault = await openVault(store, key, { cache });
        const writer = await vault.begin();
        writeFileSync(path, bytes);
        const opened = as === 'file' ? await openRaw(path) : disk(bytes);
        const result = await writer.addDisk(opened, about(id, bytes.length));
        await opened.close();
        await writer.commit({ source, documents: [] });
        const back = await contents(await (await vault.open('latest')).disk(id));
        expect(back.equals(bytes)).toBe(true);
        return result;
      },
      marks: () => readdirSync(join(cache, readdirSync(cache)[0]!, 'disks')).map((name) => join(cache, readdirSync(cache)[0]!, 'disks', name)),
    };
  }

  it('is always what it was that night, whatever changed and however it is read', async () => {
    await assert(
      asyncProperty(array(record({ at: nat(11), what: nat(3), size: nat(3), file: nat(1) }), { minLength: 1, maxLength: 5 }), async (nights) => {
        const { store, take } = await nightly();
        let bytes = noise(chunk * 12 + 77, 'base');
        await take(bytes, 'file');
        for (const [night, { at, what, size, file }] of nights.entries()) {
          bytes = Buffer.from(bytes.subarray(0, bytes.length - size * 1000));
          const place = bytes.subarray(at * chunk, (at + 1) * chunk);
          if (what === 0) place.fill(0);
          else if (what === 1) place.set(noise(place.length, night));
          else if (what === 2) place[place.length - 1]! ^= 1;
          else bytes.copyWithin(at * chunk, 0, place.length);
          const { new_bytes } = await take(bytes, file === 1 ? 'file' : 'stream');
          expect(new_bytes).toBeLessThanOrEqual(2 * chunk);
        }
        expect((await (await openVault(store, key)).verify({ readData: true })).problems).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('is taken in longer stretches where it is known, and in short ones where it is new', async () => {
    const { store, cache } = await nightly();
    const session = { ...(await openSession(store, key)), cache };
    const index = emptyIndex();
    index.packs.push('0'.repeat(64));
    const path = join(folder(), 'disk');
    /** Chunks of each batch. */
    const taken = async (bytes: Buffer) => {
      writeFileSync(path, bytes);
      const opened = await openRaw(path);
      const taking = intakes(session, index)(opened, 'volume-1');
      const counts: number[] = [];
      for await (const batch of taking.read()) {
        const { ids, memory } = await taking.name(batch);
        counts.push(batch.indices.length);
        for (const id of ids) if (index.chunks.get(Buffer.from(id!, 'hex')) === undefined) addIndexed(index, Buffer.from(id!, 'hex'), 0);
        taking.passed(batch.indices.at(-1)! + 1, memory);
      }
      taking.close();
      await opened.close();
      return counts;
    };
    const bytes = stamped(104, 'a');
    expect(await taken(bytes)).toEqual(Array(13).fill(8));
    expect(await taken(bytes)).toEqual([8, 32, 32, 32]);
    bytes.set(stamped(40, 'new'), 40 * chunk);
    expect(await taken(bytes)).toEqual([8, 32, 32, 8, 8, 16]);
  });

  it('is not named again where its records fit', async () => {
    const { take, marks, store, cache } = await nightly();
    const bytes = noise(chunk * 2, 'base');
    await take(bytes, 'file');
    const session = await openSession(store, key);
    const secret = markKey(markSecret(session));
    const [path] = marks() as [string];
    const records = new Uint8Array(readFileSync(path));
    // A lie that only who has the vault's secret can tell: the first chunk is what the second one is.
    writeRecord(secret, records.subarray(0, recordBytes), digestOf(secret, bytes.subarray(0, chunk)), records.slice(recordBytes, recordBytes + 32));
    writeFileSync(path, records);
    const vault = await openVault(store, key, { cache });
    const writer = await vault.begin();
    await writer.addDisk(disk(bytes), about('volume-1', bytes.length));
    await writer.commit({ source, documents: [] });
    const back = await contents(await (await vault.open('latest')).disk('volume-1'));
    expect(back.subarray(0, chunk).equals(bytes.subarray(chunk))).toBe(true);
  });

  it('whatever becomes of what is remembered of it', async () => {
    const { take, marks, store } = await nightly();
    const bytes = noise(chunk * 9, 'base');
    await take(bytes, 'file');
    const [path] = marks() as [string];
    const good = readFileSync(path);
    expect(good).toHaveLength(9 * recordBytes);
    const swapped = Buffer.concat([good.subarray(recordBytes), good.subarray(0, recordBytes)]);
    const crossed = Buffer.from(good);
    crossed.copy(crossed, 0, recordBytes, recordBytes + 32);
    for (const bad of [swapped, crossed, Buffer.alloc(0), good.subarray(0, 100), randomBytes(5000), Buffer.alloc(good.length)]) {
      writeFileSync(path, bad);
      expect(await take(bytes, 'file')).toMatchObject({ new_bytes: 0 });
      expect(readFileSync(path).subarray(0, good.length).equals(good)).toBe(true);
    }
    expect((await (await openVault(store, key)).verify({ readData: true })).problems).toEqual([]);
  });

  it('whatever the vault has lost meanwhile', async () => {
    const { take, store } = await nightly();
    const bytes = noise(chunk * 5, 'base');
    await take(bytes, 'file');
    const vault = await openVault(store, key);
    await vault.forget((await vault.list()).map(({ id }) => id));
    await pruneVault(store, { now: new Date() });
    await pruneVault(store, { now: new Date(Date.now() + 30 * 86_400_000) });
    expect([...store.files.keys()].filter((name) => name.startsWith('packs/'))).toEqual([]);
    expect(await take(bytes, 'file')).toMatchObject({ new_bytes: bytes.length });
    expect((await (await openVault(store, key)).verify({ readData: true })).problems).toEqual([]);
  });

  it('with keys that change, and where nothing can be kept', async () => {
    const { take, store, cache } = await nightly();
    const bytes = noise(chunk * 4, 'base');
    await take(bytes, 'file');
    await (await openVault(store, key)).keys.rotate();
    expect(await take(bytes, 'file')).toMatchObject({ new_bytes: 0 });
    const disks = join(cache, readdirSync(cache)[0]!, 'disks');
    rmSync(disks, { recursive: true });
    writeFileSync(disks, 'in the way');
    expect(await take(bytes, 'file')).toMatchObject({ new_bytes: 0 });
    expect(readFileSync(disks, 'utf8')).toBe('in the way');
  });

  it('readable by nobody else, and forgotten when it was not seen for long', async () => {
    const { take, marks } = await nightly();
    const bytes = noise(chunk * 2, 'base');
    await take(bytes, 'file', 'volume-1');
    await take(bytes, 'file', 'volume-2');
    const [one, two] = marks() as [string, string];
    expect(statSync(one).mode & 0o777).toBe(0o600);
    const long = new Date(Date.now() - 91 * 86_400_000);
    utimesSync(one, long, long);
    await take(bytes, 'stream', 'volume-3');
    expect(marks()).not.toContain(one);
    expect(marks()).toContain(two);
  });

  it('a file that is shortened while it is read is named, with the place', async () => {
    const store = memoryStore('vault');
    await createVault(store, { owners });
    const path = join(folder(), 'disk');
    writeFileSync(path, noise(chunk * 3, 1));
    const short = await openRaw(path);
    truncateSync(path, chunk + 100);
    const writer = await (await openVault(store, key)).begin();
    await expect(writer.addDisk(short, about('volume-1', short.size))).rejects.toMatchObject({ code: 'cloud', message: `damaged disk image ${path}: it ended at byte ${chunk + 100} of ${chunk * 3}` });
    await writer.abort();
    await short.close();
  });
});

describe('disks of one run', () => {
  async function vaultWithCache() {
    const [store, cache] = [memoryStore('vault'), folder()];
    await createVault(store, { owners });
    const begin = async () => (await openVault(store, key, { cache })).begin();
    return { store, begin, remembered: () => openMarksOf(store, cache) };
  }

  /** A file with these bytes, as it is read. */
  async function file(bytes: Buffer) {
    const path = join(folder(), 'disk');
    writeFileSync(path, bytes);
    return closedAfterwards(await openRaw(path));
  }
  const disks: Disk[] = [];
  const closedAfterwards = (disk: Disk): Disk => {
    disks.push(disk);
    return disk;
  };
  afterEach(async () => {
    await Promise.all(disks.splice(0).map((one) => one.close()));
  });

  async function openMarksOf(store: ReturnType<typeof memoryStore>, cache: string) {
    const session = await openSession(store, key);
    const secret = markSecret(session);
    const one = openMarks({ ...session, cache: join(cache, readdirSync(cache)[0]!) }, secret, 'volume-1')!;
    return {
      /** A lie that only who has the vault's secret can tell: chunk `at`, which is `plain`, is what chunk `as` is. Whoever takes it has not named that chunk. */
      lie(at: number, plain: Buffer, as: number) {
        const record = new Uint8Array(recordBytes);
        writeRecord(markKey(secret), record, digestOf(markKey(secret), plain.subarray(0, chunk)), one.read([as]).slice(0, 32));
        one.write([at], record);
      },
      close: () => one.close(),
    };
  }

  it('are what they are, whatever they have in common and however they are read', async () => {
    await assert(
      asyncProperty(array(record({ at: nat(39), of: nat(2), what: nat(2) }), { maxLength: 12 }), array(nat(1), { minLength: 3, maxLength: 3 }), async (changes, files) => {
        const { store, begin } = await vaultWithCache();
        const base = noise(chunk * 40 + 77, 'base');
        const all = [Buffer.from(base), Buffer.from(base), Buffer.from(base.subarray(0, chunk * 30))];
        for (const [nth, { at, of, what }] of changes.entries()) {
          const place = all[of]!.subarray(at * chunk, (at + 1) * chunk);
          if (what === 0) place.fill(0);
          else if (what === 1) place.set(noise(place.length, nth));
          else place.set(base.subarray(0, place.length));
        }
        for (let night = 0; night < 2; night++) {
          const writer = await begin();
          const opened = await Promise.all(all.map((bytes, nth) => (files[nth] === 1 ? file(bytes) : disk(bytes))));
          await Promise.all(opened.map((one, nth) => writer.addDisk(one, about(`volume-${nth}`, one.size))));
          await Promise.all(opened.map((one) => one.close()));
          await writer.commit({ source, documents: [] });
          const bundle = await (await openVault(store, key)).open('latest');
          for (const [nth, bytes] of all.entries()) expect((await contents(await bundle.disk(`volume-${nth}`))).equals(bytes)).toBe(true);
        }
        expect((await (await openVault(store, key)).verify({ readData: true })).problems).toEqual([]);
      }),
      { numRuns: 6 },
    );
  });

  it.each(['one after the other', 'at once'])('are known by what another has at the same place, read %s', async (how) => {
    const { store, begin, remembered } = await vaultWithCache();
    const bytes = noise(chunk * 40, 'base');
    const first = await begin();
    await first.addDisk(await file(bytes), about('volume-1', bytes.length));
    await first.commit({ source, documents: [] });
    const records = await remembered();
    records.lie(39, bytes.subarray(39 * chunk), 38);
    records.close();
    const writer = await begin();
    const take = async (id: string) => writer.addDisk(await file(bytes), about(id, bytes.length));
    if (how === 'at once') await Promise.all([take('volume-1'), take('volume-2')]);
    else for (const id of ['volume-1', 'volume-2']) await take(id);
    await writer.commit({ source, documents: [] });
    const back = await contents(await (await (await openVault(store, key)).open('latest')).disk('volume-2'));
    expect(back.subarray(0, 39 * chunk).equals(bytes.subarray(0, 39 * chunk))).toBe(true);
    expect(back.subarray(39 * chunk).equals(bytes.subarray(38 * chunk, 39 * chunk))).toBe(true);
  });

  it('are looked for among those before, until one is found that is alike', async () => {
    const { store, begin, remembered } = await vaultWithCache();
    // 32 batches of 8 chunks without anything in common, and those that were on their way by then.
    const count = (32 + 4) * 8;
    const [bytes, unlike] = ['base', 'unlike'].map((seed) => stamped(count, seed)) as [Buffer, Buffer];
    const first = await begin();
    await first.addDisk(await file(bytes), about('volume-1', bytes.length));
    await first.commit({ source, documents: [] });
    const records = await remembered();
    records.lie(0, bytes, 1);
    records.lie(count - 1, bytes.subarray((count - 1) * chunk), 1);
    records.close();
    const writer = await begin();
    for (const [id, content] of [['volume-1', bytes], ['volume-2', unlike], ['volume-3', bytes]] as const) await writer.addDisk(await file(content), about(id, content.length));
    await writer.commit({ source, documents: [] });
    const back = await contents(await (await (await openVault(store, key)).open('latest')).disk('volume-3'), 8 << 20);
    expect(back.subarray(0, -chunk).equals(bytes.subarray(0, -chunk))).toBe(true);
    expect(back.subarray(-chunk).equals(bytes.subarray(chunk, 2 * chunk))).toBe(true);
  });

  it('do not wait for one that can not be read', async () => {
    const { begin } = await vaultWithCache();
    const bytes = noise(chunk * 40, 'base');
    const path = join(folder(), 'disk');
    writeFileSync(path, bytes);
    const short = closedAfterwards(await openRaw(path));
    truncateSync(path, 20 * chunk + 100);
    const writer = await begin();
    const [failed, taken] = await Promise.allSettled([writer.addDisk(short, about('volume-1', short.size)), writer.addDisk(await file(bytes), about('volume-2', bytes.length))]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'cloud' } });
    expect(taken).toMatchObject({ status: 'fulfilled', value: { data: bytes.length } });
    await writer.abort();
  });
});
