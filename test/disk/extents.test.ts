import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Extent } from '../../src/disk/disk.ts';
import { alignExtents, clipExtents, mergeExtents, readAll, readExtents } from '../../src/disk/extents.ts';
import { collect, memoryDisk, noise, rawView } from './memory.ts';

const size = 100;
const anyExtents = fc
  .array(fc.record({ offset: fc.nat(size - 1), length: fc.nat(30) }), { maxLength: 12 })
  .map((list) => list.map(({ offset, length }) => ({ offset, length: Math.min(length, size - offset) })).sort((a, b) => a.offset - b.offset));

function bytesOf(extents: Extent[]): Set<number> {
  return new Set(extents.flatMap(({ offset, length }) => Array.from({ length }, (_, nth) => offset + nth)));
}

function expectCanonical(extents: Extent[]): void {
  for (const [nth, extent] of extents.entries()) {
    expect(extent.length).toBeGreaterThan(0);
    const before = extents[nth - 1];
    if (before) expect(extent.offset).toBeGreaterThan(before.offset + before.length);
  }
}

describe('extents', () => {
  test('merged ones cover the same bytes, ascend, and neither touch nor overlap', () =>
    fc.assert(
      fc.asyncProperty(anyExtents, async (extents) => {
        const merged = await collect(mergeExtents(extents));
        expectCanonical(merged);
        expect(bytesOf(merged)).toEqual(bytesOf(extents));
      }),
    ));

  test('clipped ones cover the bytes within the range and no others', () =>
    fc.assert(
      fc.asyncProperty(anyExtents, fc.nat(size), fc.nat(size), async (extents, a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const clipped = await collect(clipExtents(extents, from, to));
        expect(bytesOf(clipped)).toEqual(new Set([...bytesOf(extents)].filter((at) => at >= from && at < to)));
      }),
    ));

  test('aligned ones cover exactly the granules that hold a byte of them, cut at the end of the disk', () =>
    fc.assert(
      fc.asyncProperty(anyExtents, fc.integer({ min: 1, max: 40 }), async (extents, granule) => {
        const aligned = await collect(alignExtents(extents, granule, size));
        expectCanonical(aligned);
        const granules = new Set([...bytesOf(extents)].map((at) => Math.floor(at / granule)));
        const expected = Array.from({ length: size }, (_, at) => at).filter((at) => granules.has(Math.floor(at / granule)));
        expect([...bytesOf(aligned)]).toEqual(expected);
      }),
    ));

  test('offsets beyond 2^32 stay exact', async () => {
    const far = 2 ** 45 + 5;
    expect(await collect(alignExtents([{ offset: far, length: 1 }], 65536, 2 ** 46))).toEqual([{ offset: 2 ** 45, length: 65536 }]);
  });
});

describe('reading extents', () => {
  const disk = memoryDisk(1000, [{ offset: 10, bytes: noise(100, 1) }, { offset: 500, bytes: noise(33, 2) }]);

  test('gives their bytes in order, in pieces at multiples of the piece size', async () => {
    const pieces = await collect(readExtents(disk, disk.extents(), { piece: 64 }));
    expect(pieces.map(({ offset, bytes }) => [offset, bytes.length])).toEqual([[10, 54], [64, 46], [500, 12], [512, 21]]);
    const whole = await rawView(disk);
    for (const { offset, bytes } of pieces) expect(bytes.equals(whole.subarray(offset, offset + bytes.length))).toBe(true);
  });

  test('reads ahead no more than it was told', async () => {
    let reading = 0;
    const slow = { read: async () => void reading++ };
    for await (const _ of readExtents(slow, [{ offset: 0, length: 1000 }], { piece: 100, ahead: 3 })) break;
    expect(reading).toBe(4);
  });

  test('a failure comes at its turn, and none is left unhandled', async () => {
    const failing = { read: async (offset: number) => { if (offset >= 300) throw new Error(`no ${offset}`); } };
    const seen: number[] = [];
    await expect((async () => {
      for await (const { offset } of readExtents(failing, [{ offset: 0, length: 1000 }], { piece: 100, ahead: 5 })) {
        await new Promise((resolve) => { setTimeout(resolve, 2); });
        seen.push(offset);
      }
    })()).rejects.toThrow('no 300');
    expect(seen).toEqual([0, 100, 200]);
  });

  test('an aborted signal ends it as interrupted', async () => {
    const signal = AbortSignal.abort();
    await expect(collect(readExtents(disk, disk.extents(), { signal }))).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('readAll gives every byte, holes as zeros', async () => {
    expect(Buffer.concat(await collect(readAll(disk, { piece: 50 }))).equals(await rawView(disk))).toBe(true);
    expect(Buffer.concat(await collect(readAll(memoryDisk(3_000_000)))).equals(Buffer.alloc(3_000_000))).toBe(true);
    expect(await collect(readAll(memoryDisk(0)))).toEqual([]);
  });
});
