import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decipher, digestOf, openPackBody, own, sealPack, splitMessage } from '../../src/keys/index.ts';

const margin = 4096;
const sealed = async (plain: Buffer, sealing: 'rfc4880' | 'rfc9580', keyPackets = 100) => {
  const key = randomBytes(32);
  const memory = Buffer.allocUnsafeSlow(margin + plain.length + margin);
  memory.set(plain, margin);
  return { key, ...(await sealPack({ memory, from: margin, used: plain.length, key, keyPackets: skesk(keyPackets), sealing })) };
};
/** A packet for a recipient, of so many bytes. */
const skesk = (length: number) => Buffer.concat([Buffer.from([0xc3, 0xff, 0, 0, length >> 8, length & 0xff]), Buffer.alloc(length)]);
const text = (length: number): Buffer<ArrayBuffer> => Buffer.allocUnsafeSlow(length).fill('a pack of chunks, ');

describe.each(['rfc4880', 'rfc9580'] as const)('a pack sealed in a thread of its own, profile %s', (sealing) => {
  it.each([0, 100, 5000])('is the message that is opened elsewhere, named by its digest, with %i bytes of key packets; the memory comes back', async (keyPackets) => {
    const { key, file, digest, memory } = await sealed(text(700_001), sealing, keyPackets);
    expect(digest).toBe(createHash('sha256').update(file).digest('hex'));
    expect(memory.length).toBe(memory.buffer.byteLength);
    expect(memory.length).toBe(margin + 700_001 + margin);
    expect(file.buffer === memory.buffer).toBe(sealing === 'rfc4880' && keyPackets < 4000);
    expect(decipher(key, splitMessage(file)!.body)?.literal?.equals(text(700_001))).toBe(true);
  });

  it('is opened there too, with the key that fits, and with no byte changed', async () => {
    const { key, file } = await sealed(text(500_000), sealing);
    const parts = splitMessage(file)!;
    const body = file.length - parts.body.length;
    expect((await openPackBody(Buffer.from(file), body, [randomBytes(32), key]))?.equals(text(500_000))).toBe(true);
    expect(await openPackBody(Buffer.from(file), body, [randomBytes(32)])).toBeUndefined();
    const changed = Buffer.from(file);
    changed[changed.length >> 1]! ^= 1;
    expect(await openPackBody(changed, body, [key])).toBeUndefined();
  });
});

describe('the thread', () => {
  it('serves many at once, each with its own', async () => {
    const files = await Promise.all(Array.from({ length: 20 }, async (_, nth) => digestOf(Buffer.allocUnsafeSlow(10_000).fill(nth))));
    for (const [nth, { file, digest }] of files.entries()) {
      expect(file.equals(Buffer.alloc(10_000, nth))).toBe(true);
      expect(digest).toBe(createHash('sha256').update(file).digest('hex'));
    }
  });

  it('leaves bytes alone that share their memory with others', async () => {
    const whole = text(10_000);
    const { file } = await digestOf(own(whole.subarray(10, 20)));
    expect(file.equals(whole.subarray(10, 20))).toBe(true);
    expect(whole.equals(text(10_000))).toBe(true);
  });

  it('says what went wrong, and goes on', async () => {
    await expect(sealPack({ memory: text(100), from: 0, used: 100, key: randomBytes(5), keyPackets: Buffer.alloc(0), sealing: 'rfc4880' })).rejects.toThrow(/key/i);
    expect((await sealed(text(100), 'rfc4880')).file.length).toBeGreaterThan(100);
  });
});
