import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { array, assert, nat, oneof, property, tuple } from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compressed } from '../../src/vault/compressor.ts';

/** Pseudo-random text with repetitions, as files have them. */
const text = (length: number): Buffer => {
  const words = Array.from({ length: 200 }, (_, nth) => randomBytes(3 + (nth % 9)));
  const parts: Buffer[] = [];
  for (let sum = 0, nth = 7; sum < length; nth = (nth * 31 + 17) % 1009) {
    const word = words[nth % words.length]!;
    parts.push(word);
    sum += word.length;
  }
  return Buffer.concat(parts).subarray(0, length);
};

/** One frame, and nothing before or behind it. */
function opened(frame: Buffer, length: number): Buffer {
  // RFC 8878, 3.1.1.1: what says how long the contents are.
  expect(frame.readUInt32LE(0)).toBe(0xfd2fb528);
  expect(frame[4]! & 0xe0, 'one segment, its size told').not.toBe(0);
  return zlib.zstdDecompressSync(frame, { maxOutputLength: length + 1 });
}

afterEach(() => vi.restoreAllMocks());

describe('chunks are compressed', () => {
  it('one after the other, of any length and kind, each to a frame that knows nothing of the others', () => {
    const kinds = [text, randomBytes, (length: number) => Buffer.alloc(length)];
    assert(
      property(array(tuple(nat(kinds.length - 1), oneof(nat(300), nat(300_000))), { minLength: 1, maxLength: 12 }), (chunks) => {
        for (const [kind, length] of chunks) {
          const plain = kinds[kind]!(length);
          expect(opened(compressed(plain), length).equals(plain)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('in memory of their own: the next one does not change what the last one gave', () => {
    const [first, second] = [text(200_000), text(200_000)];
    const frame = compressed(first);
    const before = Buffer.from(frame);
    compressed(second);
    expect(frame.equals(before)).toBe(true);
  });

  it('as by a call of its own for each', () => {
    const { ZSTD_c_compressionLevel, ZSTD_c_hashLog, ZSTD_c_minMatch } = zlib.constants;
    for (const length of [1, 4096, 262_144, 1 << 20, 100]) {
      const plain = text(length);
      const alone = zlib.zstdCompressSync(plain, { params: { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_hashLog]: 15, [ZSTD_c_minMatch]: 5 }, pledgedSrcSize: length });
      expect(compressed(plain).equals(alone), `${length} bytes`).toBe(true);
    }
  });

  const failing: [string, () => Buffer][] = [
    ['what zstd refuses is told', () => { throw Object.assign(new Error('no memory for zstd'), { code: 'ZSTD_error_memory_allocation' }); }],
    ['nothing is no frame', () => Buffer.alloc(0)],
  ];
  it.each(failing)('%s, and the next chunk is a frame again', (_, fails) => {
    const plain = text(100_000);
    const once = vi.spyOn(zlib.ZstdCompress.prototype as unknown as { _processChunk(): Buffer }, '_processChunk').mockImplementationOnce(fails);
    expect(() => compressed(plain)).toThrow(/no memory for zstd|0 parts/);
    expect(once).toHaveBeenCalled();
    expect(opened(compressed(plain), plain.length).equals(plain)).toBe(true);
  });
});
