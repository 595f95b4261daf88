import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { expand } from '../../../src/disk/qcow2/compressed.ts';
import { noise } from '../memory.ts';

describe.each([['zlib', deflateRawSync], ['zstd', zstdCompressSync]] as const)('a cluster compressed by %s', (type, compress) => {
  test.each([512, 4096, 8192, 65_536, 2 << 20])('of %i bytes is expanded to its place', async (clusterSize) => {
    const plain = Buffer.concat([noise(clusterSize / 2, 1), Buffer.alloc(clusterSize / 2, 'a')]);
    const room = Buffer.alloc(clusterSize + 200, 0xee);
    await expand(Buffer.concat([compress(plain), Buffer.alloc(100)]), type, room.subarray(100, 100 + clusterSize));
    expect(room.subarray(100, 100 + clusterSize).equals(plain)).toBe(true);
    expect(Buffer.concat([room.subarray(0, 100), room.subarray(100 + clusterSize)]).every((byte) => byte === 0xee)).toBe(true);
    for (const size of [clusterSize / 2, clusterSize + 512, 2 * clusterSize]) await expect(expand(compress(plain), type, Buffer.alloc(size))).rejects.toThrow();
  });

  test('leaves nothing to the collector', async () => {
    const bytes = compress(Buffer.concat([noise(32_768, 1), Buffer.alloc(32_768)]));
    const cluster = Buffer.alloc(65_536);
    await expand(bytes, type, cluster);
    const before = process.memoryUsage().arrayBuffers;
    for (let nth = 0; nth < 150; nth++) await expand(bytes, type, cluster);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 << 20);
  });
});
