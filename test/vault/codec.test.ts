import { promisify } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompressor } from '../../src/vault/codec.ts';
import { chunk, noise, prose } from './kit.ts';

const tick = promisify(setImmediate);

describe('frames that are not what they should be', () => {
  const good = zstdCompressSync(prose(chunk, 1), { pledgedSrcSize: chunk });
  const bad: [string, Buffer][] = [
    ['cut short', good.subarray(0, good.length - 1000)],
    ['with its first block changed', Buffer.concat([good.subarray(0, 9), Buffer.alloc(40, 0xff), good.subarray(49)])],
    ['followed by another', Buffer.concat([good, good])],
    ['followed by something else', Buffer.concat([good, Buffer.from('rest')])],
    ['larger than a chunk', zstdCompressSync(Buffer.alloc(chunk + 1), { pledgedSrcSize: chunk + 1 })],
    ['of a terabyte of zeros', Buffer.concat([Buffer.from('28b52ffda000000000', 'hex'), ...Array.from({ length: 5000 }, () => Buffer.from('0200100000', 'hex').subarray(0, 4))])],
    ['without a size, larger than a chunk', zstdCompressSync(Buffer.alloc(1 << 22), { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })],
    ['of no bytes', Buffer.alloc(0)],
    ['of other bytes', noise(1000, 1)],
  ];

  it.each(bad)('%s is refused, and the next ones are opened as before', async (_, frame) => {
    const decompress = decompressor(chunk);
    for (let count = 0; count < 3; count++) {
      await expect(decompress(frame)).rejects.toThrow();
      await tick();
      expect((await decompress(good)).equals(prose(chunk, 1))).toBe(true);
    }
  });

  it('a frame that does not give its size is opened all the same', async () => {
    const plain = prose(chunk, 2);
    expect((await decompressor(chunk)(zstdCompressSync(plain, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }))).equals(plain)).toBe(true);
  });
});
