import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decipher, digestOf, openPackBody, sealPack, splitMessage } from '../../src/keys/index.ts';

const sealed = async (plain: Buffer<ArrayBuffer>, used: number, sealing: 'rfc4880' | 'rfc9580', into?: Buffer<ArrayBuffer>) => {
  const key = randomBytes(32);
  return { key, ...(await sealPack({ plain, used, into, key, keyPackets: Buffer.alloc(0), sealing })) };
};
const text = (length: number): Buffer<ArrayBuffer> => Buffer.allocUnsafeSlow(length).fill('a pack of chunks, ');

describe.each(['rfc4880', 'rfc9580'] as const)('a pack sealed in a thread of its own, profile %s', (sealing) => {
  it('is the message that is opened elsewhere, named by its digest; the memory comes back', async () => {
    const { key, file, digest, plain } = await sealed(text(1_000_000), 700_001, sealing);
    expect(digest).toBe(createHash('sha256').update(file).digest('hex'));
    expect(plain.equals(text(1_000_000))).toBe(true);
    expect(decipher(key, splitMessage(file)!.body)?.literal?.equals(text(700_001))).toBe(true);
  });

  it('is opened there too, with the key that fits, and with no byte changed', async () => {
    const { key, file } = await sealed(text(500_000), 500_000, sealing);
    const parts = splitMessage(file)!;
    const body = file.length - parts.body.length;
    expect((await openPackBody(Buffer.from(file), body, [randomBytes(32), key]))?.equals(text(500_000))).toBe(true);
    expect(await openPackBody(Buffer.from(file), body, [randomBytes(32)])).toBeUndefined();
    const changed = Buffer.from(file);
    changed[changed.length >> 1]! ^= 1;
    expect(await openPackBody(changed, body, [key])).toBeUndefined();
  });

  it('lies in the memory that it was given, where there is enough', async () => {
    const { file } = await sealed(text(10_000), 10_000, sealing, Buffer.allocUnsafeSlow(20_000));
    expect(file.buffer.byteLength).toBe(20_000);
    expect((await sealed(text(10_000), 10_000, sealing, Buffer.allocUnsafeSlow(5000))).file.length).toBeGreaterThan(10_000);
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
    const { file } = await digestOf(whole.subarray(10, 20));
    expect(file.equals(whole.subarray(10, 20))).toBe(true);
    expect(whole.equals(text(10_000))).toBe(true);
  });

  it('says what went wrong, and goes on', async () => {
    await expect(sealPack({ plain: text(100), used: 100, into: undefined, key: randomBytes(5), keyPackets: Buffer.alloc(0), sealing: 'rfc4880' })).rejects.toThrow(/key/i);
    expect((await sealed(text(100), 100, 'rfc4880')).file.length).toBeGreaterThan(100);
  });
});
