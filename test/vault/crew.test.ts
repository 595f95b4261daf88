import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { array, assert, asyncProperty, boolean, integer, nat, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decipher, splitMessage } from '../../src/keys/index.ts';
import { chunkId } from '../../src/vault/chunk.ts';
import { decompressor } from '../../src/vault/codec.ts';
import { perform } from '../../src/vault/crew.ts';
import { tar } from '../../src/vault/tar.ts';
import { chunk, noise, prose } from './kit.ts';

const margin = 4096;
const sealed = async (plain: Buffer, sealing: 'rfc4880' | 'rfc9580', keyPackets = 100) => {
  const key = randomBytes(32);
  const memory = Buffer.allocUnsafeSlow(margin + plain.length + margin);
  memory.set(plain, margin);
  const done = await perform({ task: 'seal', memory, from: margin, used: plain.length, key, keyPackets: skesk(keyPackets), sealing });
  const parts = splitMessage(done.file)!;
  return { key, ...done, body: done.file.length - parts.body.length };
};
/** A packet for a recipient, of so many bytes. */
const skesk = (length: number) => Buffer.concat([Buffer.from([0xc3, 0xff, 0, 0, length >> 8, length & 0xff]), Buffer.alloc(length)]);
const text = (length: number): Buffer<ArrayBuffer> => Buffer.allocUnsafeSlow(length).fill('a pack of chunks, ');
const own = (bytes: Uint8Array) => new Uint8Array(bytes);
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.each(['rfc4880', 'rfc9580'] as const)('a pack sealed in a thread of its own, profile %s', (sealing) => {
  it.each([0, 100, 5000])('is the message that is opened elsewhere, named by its digest, with %i bytes of key packets; the memory comes back', async (keyPackets) => {
    const { key, file, digest, memory, body } = await sealed(text(700_001), sealing, keyPackets);
    expect(digest).toBe(digestOf(file));
    expect(memory.length).toBe(memory.buffer.byteLength);
    expect(memory.length).toBe(margin + 700_001 + margin);
    expect(file.buffer === memory.buffer).toBe(keyPackets < 4000);
    expect(decipher(key, file.subarray(body))?.literal?.equals(text(700_001))).toBe(true);
  });

  it('is opened there too, with the key that fits, under its name, and with no byte changed', async () => {
    const { key, file, digest, body } = await sealed(text(500_000), sealing);
    const opened = await perform({ task: 'open', file: own(file), digest, body, keys: [randomBytes(32), key] });
    expect(Buffer.from(opened.literal!).equals(text(500_000))).toBe(true);
    expect(opened.literal!.buffer).toBe(opened.memory.buffer);
    expect((await perform({ task: 'open', file: own(file), digest, body, keys: [randomBytes(32)] })).literal).toBeUndefined();
    expect((await perform({ task: 'open', file: own(file), digest: digestOf(Buffer.from('another')), body, keys: [key] })).literal).toBeUndefined();
    const changed = own(file);
    changed[changed.length >> 1]! ^= 1;
    expect((await perform({ task: 'open', file: own(changed), digest, body, keys: [key] })).literal).toBeUndefined();
    // What the name does not give away, the message does.
    expect((await perform({ task: 'open', file: own(changed), digest: digestOf(changed), body, keys: [key] })).literal).toBeUndefined();
  });
});

describe('a pack that is looked through', () => {
  const dedup = [randomBytes(32), randomBytes(32)];
  const chunks = [Buffer.alloc(65_536, 'one'), randomBytes(65_536), Buffer.concat([Buffer.alloc(65_536), Buffer.alloc(100, 'end')])];
  const ids = chunks.map((chunk, nth) => chunkId(dedup[nth % 2]!, chunk).toString('hex'));
  const packOf = async (bodies: [string, Uint8Array][]) => {
    const { key, file, digest, body } = await sealed(tar(bodies), 'rfc4880');
    return { file: own(file), digest, body, keys: [key], dedup, limit: 131_072 };
  };
  const entries: [string, Uint8Array][] = [[`${ids[0]}.zst`, zstdCompressSync(chunks[0]!)], [ids[1]!, chunks[1]!], [`${ids[2]}.zst`, zstdCompressSync(chunks[2]!)]];

  it('tells the chunks that are what their ids say from those that are not', async () => {
    const lies: [string, Uint8Array][] = [[`${'a'.repeat(64)}.zst`, zstdCompressSync(chunks[0]!)], ['b'.repeat(64), chunks[1]!], [`${'c'.repeat(64)}.zst`, Buffer.from('no frame')], [`${'d'.repeat(64)}.zst`, zstdCompressSync(Buffer.alloc(1 << 20))]];
    expect(await perform({ task: 'look', ...(await packOf([...entries, ...lies])) })).toMatchObject({ good: ids, bad: lies.map(([name]) => name.slice(0, 64)) });
    expect(await perform({ task: 'look', ...(await packOf([])), digest: 'f'.repeat(64) })).not.toHaveProperty('good');
    expect(await perform({ task: 'look', ...(await packOf(entries)), keys: [] })).not.toHaveProperty('good');
  });

  it('writes those wanted to their places, as many times as wanted, and leaves holes for zeros', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crew-'));
    const file = await open(join(folder, 'disk'), 'w+');
    try {
      const size = 8 * 131_072 + 65_636;
      await file.truncate(size);
      const at = (...indices: number[]) => indices.map((index) => ({ disk: 0, index }));
      const places = new Map([[ids[2]!, at(8)], [ids[1]!, at(0)]]);
      // Chunk 1 is only half as long as what stands in its place.
      const to = { files: [{ fd: file.fd, size }], places, chunkSize: 131_072 };
      expect(await perform({ task: 'look', ...(await packOf(entries)), to })).toMatchObject({ good: [ids[2]], bad: [ids[1]] });
      expect(await perform({ task: 'look', ...(await packOf(entries)), to: { ...to, chunkSize: 65_536, places: new Map([[ids[1]!, at(1, 4)]]) } })).toMatchObject({ good: [ids[1]], bad: [] });
      const wanted = Buffer.alloc(size);
      wanted.set(chunks[2]!, 8 * 131_072);
      wanted.set(chunks[1]!, 65_536);
      wanted.set(chunks[1]!, 262_144);
      expect((await readFile(join(folder, 'disk'))).equals(wanted)).toBe(true);
      expect((await file.stat()).blocks * 512).toBeLessThan(300_000);
    } finally {
      await file.close();
      await rm(folder, { recursive: true });
    }
  });

  it('says why it could not write', async () => {
    const full = await open('/dev/full', 'w');
    const to = { files: [{ fd: full.fd, size: 65_536 }], places: new Map([[ids[0]!, [{ disk: 0, index: 0 }]]]), chunkSize: 65_536 };
    expect(await perform({ task: 'look', ...(await packOf(entries)), to })).toMatchObject({ failed: { fd: full.fd, code: 'ENOSPC' } });
    await full.close();
  });
});

describe('chunks', () => {
  it('are named by what they hold, zeros by nothing', async () => {
    const secret = randomBytes(32);
    const parts = [noise(chunk, 1), Buffer.alloc(chunk), prose(1000, 2)];
    const { ids, memory } = await perform({ task: 'name', memory: own(Buffer.concat(parts)), lengths: parts.map(({ length }) => length), secret });
    expect(ids).toEqual([chunkId(secret, parts[0]!).toString('hex'), null, chunkId(secret, parts[2]!).toString('hex')]);
    expect(Buffer.concat(parts).equals(memory)).toBe(true);
  });

  it('are compressed to one frame each that any zstd opens, and that says its size; what gets no smaller stays as it is', async () => {
    await assert(
      asyncProperty(array(record({ length: integer({ min: 1, max: chunk }), seed: nat(99), random: boolean() }), { minLength: 1, maxLength: 12 }), async (parts) => {
        const plains = parts.map(({ length, seed, random }) => (random ? noise : prose)(length, seed));
        let at = 0;
        const chunks = plains.map(({ length }) => ({ at: (at += length) - length, length, proof: true }));
        const { bodies, memory, proven } = await perform({ task: 'squeeze', memory: own(Buffer.concat(plains)), chunks });
        expect(proven).toBe(true);
        let from = 0;
        for (const [nth, { at, length, packed }] of bodies.entries()) {
          const plain = plains[nth]!;
          expect(at).toBe(from);
          const bytes = memory.subarray(at, (from += length));
          expect(bytes.length).toBeLessThanOrEqual(plain.length);
          // decompressor refuses frames of another size than theirs.
          expect((packed ? await decompressor(chunk)(bytes) : Buffer.from(bytes)).equals(plain)).toBe(true);
          if (packed) expect(zstdDecompressSync(bytes).equals(plain)).toBe(true);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('are compressed, proven and given back however short they are', async () => {
    const plains = Array.from({ length: 200 }, (_, length) => Buffer.alloc(length + 1, 'a'));
    let at = 0;
    const chunks = plains.map(({ length }) => ({ at: (at += length) - length, length, proof: true }));
    const { bodies, memory, proven } = await perform({ task: 'squeeze', memory: own(Buffer.concat(plains)), chunks });
    expect(proven).toBe(true);
    expect(bodies.findIndex(({ packed }) => packed)).toBeLessThan(62);
    for (const [nth, { at, length, packed }] of bodies.entries()) {
      const bytes = memory.subarray(at, at + length);
      expect((packed ? await decompressor(chunk)(bytes) : Buffer.from(bytes)).equals(plains[nth]!)).toBe(true);
    }
  });

  it('are what level 3 makes of them but for some percent', async () => {
    const plain = prose(chunk, 1);
    const { bodies } = await perform({ task: 'squeeze', memory: own(plain), chunks: [{ at: 0, length: chunk, proof: false }] });
    expect(bodies[0]!.length).toBeLessThan(zstdCompressSync(plain).length * 1.15);
  });
});

describe('the crew', () => {
  it('does many jobs at once, each with its own', async () => {
    const packs = await Promise.all(Array.from({ length: 20 }, (_, nth) => sealed(Buffer.alloc(10_000, nth), 'rfc4880')));
    for (const [nth, { key, file, digest, body }] of packs.entries()) {
      const { literal } = await perform({ task: 'open', file: own(file), digest, body, keys: [key] });
      expect(Buffer.from(literal!).equals(Buffer.alloc(10_000, nth))).toBe(true);
    }
  });

  it('says what went wrong, and goes on', async () => {
    await expect(perform({ task: 'seal', memory: text(100), from: 0, used: 100, key: randomBytes(5), keyPackets: Buffer.alloc(0), sealing: 'rfc4880' })).rejects.toThrow(/key/i);
    expect((await sealed(text(100), 'rfc4880')).file.length).toBeGreaterThan(100);
  });
});
