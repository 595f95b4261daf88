import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Disk } from '../../../src/disk/disk.ts';
import { openQcow2 } from '../../../src/disk/qcow2/reader.ts';
import { writeQcow2 } from '../../../src/disk/qcow2/writer.ts';
import { testFolder } from '../folder.ts';
import { collect, inPieces, memoryDisk, noise, rawView } from '../memory.ts';
import { missing } from '../../tools.ts';
import { needsQemu, qemuImg } from '../qemu.ts';

const folder = await testFolder();
const cluster = 65536;
const TiB = 2 ** 40;

async function write(disk: Disk, name: string): Promise<string> {
  const path = join(folder, name);
  const { size, body } = await writeQcow2(disk);
  const bytes = Buffer.concat(await collect(body));
  expect(bytes.length).toBe(size);
  await writeFile(path, bytes);
  return path;
}

/** The header and tables of an image, in a file as long as all of it, its data left out. */
async function writeTables(disk: Disk, clusters: number, name: string): Promise<string> {
  const path = join(folder, name);
  const { size, body } = await writeQcow2(disk);
  const file = await open(path, 'w');
  await file.truncate(size);
  let at = 0;
  for await (const bytes of body) {
    if (at >= size - clusters * cluster) break;
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  }
  expect(at).toBe(size - clusters * cluster);
  await file.close();
  return path;
}

/** All data, none of which can be read. */
function full(size: number): Disk {
  return { ...memoryDisk(size), async *extents() { yield { offset: 0, length: size }; }, read: async () => {} };
}

const anyDisk = fc
  .record({
    size: fc.integer({ min: 0, max: 12 * cluster }),
    places: fc.array(fc.record({ offset: fc.nat(12 * cluster), length: fc.integer({ min: 1, max: 2 * cluster }) }), { maxLength: 8 }),
  })
  .map(({ size, places }) => {
    const pieces: { offset: number; bytes: Buffer }[] = [];
    let end = 0;
    for (const { offset, length } of places.sort((a, b) => a.offset - b.offset)) {
      if (offset < end || offset >= size) continue;
      end = Math.min(offset + length, size);
      pieces.push({ offset, bytes: noise(end - offset, offset) });
    }
    return memoryDisk(size, pieces);
  });

const known: [string, Disk][] = [
  ['an empty disk of no bytes', memoryDisk(0)],
  ['a disk of zeros', memoryDisk(10 << 20)],
  ['a full disk', memoryDisk(3 << 20, [{ offset: 0, bytes: noise(3 << 20, 1) }])],
  ['a disk of one byte', memoryDisk(1, [{ offset: 0, bytes: noise(1, 1) }])],
  ['an odd size', memoryDisk(1_000_001, [{ offset: 999_990, bytes: noise(11, 1) }])],
  ['1 TiB with data at both ends', memoryDisk(TiB, [{ offset: 0, bytes: noise(100, 1) }, { offset: TiB / 2 - 7, bytes: noise(14, 2) }, { offset: TiB - 5, bytes: noise(5, 3) }])],
  ['an extent that turns out to be zeros', memoryDisk(1 << 20, [{ offset: 0, bytes: new Uint8Array(200_000) }])],
];

describe('a disk written as qcow2', () => {
  test('reads back as it was, and is as long as was said', () =>
    fc.assert(
      fc.asyncProperty(anyDisk, async (disk) => {
        const image = await openQcow2(await write(disk, 'property.qcow2'));
        try {
          expect(image.size).toBe(Math.ceil(disk.size / 512) * 512);
          const view = await rawView(image);
          expect(view.subarray(0, disk.size).equals(await rawView(disk))).toBe(true);
          expect(view.subarray(disk.size).every((byte) => byte === 0)).toBe(true);
        } finally {
          await image.close();
        }
      }),
      { numRuns: 40 },
    ));

  test('kept in pieces reads back the same, in whatever order they lie', () =>
    fc.assert(
      fc.asyncProperty(anyDisk, fc.constantFrom(1, 2, 4), fc.integer({ min: 1, max: 8 }), fc.nat(500), async (disk, clusters, stretch, seed) => {
        const image = await openQcow2(await write(inPieces(disk, clusters * cluster, stretch, seed), 'pieces.qcow2'));
        try {
          expect((await rawView(image)).subarray(0, disk.size).equals(await rawView(disk))).toBe(true);
        } finally {
          await image.close();
        }
      }),
      { numRuns: 40 },
    ));

  test('kept in pieces reads back where tables begin in one stretch and end in the next', async () => {
    const places = Array.from({ length: 40 }, (_, nth) => ({ offset: nth * 60 * (1 << 20) + 5, bytes: noise(cluster, nth) }));
    const disk = memoryDisk(3 * 2 ** 30 - 100, places);
    for (const stretch of [5000, 8192, 20_000]) {
      const image = await openQcow2(await write(inPieces(disk, cluster, stretch, stretch), 'stretch.qcow2'));
      for (const { offset, bytes } of places) {
        const there = Buffer.alloc(bytes.length + 10);
        await image.read(offset - 5, there);
        expect(there.equals(Buffer.concat([Buffer.alloc(5), bytes, Buffer.alloc(5)])), `${offset}`).toBe(true);
      }
      expect(await collect(image.extents())).toEqual(places.map(({ offset }) => ({ offset: offset - 5, length: 2 * cluster })));
      await image.close();
      if (!missing('qemu-img')) expect(qemuImg('check', join(folder, 'stretch.qcow2'))).toContain('No errors were found');
    }
  });

  test('kept in pieces smaller than a cluster is read from front to back', async () => {
    const disk = memoryDisk(1 << 20, [{ offset: 70_000, bytes: noise(200_000, 1) }]);
    const image = await openQcow2(await write({ ...inPieces(disk, 4096, 3, 1), extents: disk.extents, read: disk.read }, 'small.qcow2'));
    expect((await rawView(image)).equals(await rawView(disk))).toBe(true);
    await image.close();
  });

  test('holds the clusters of its extents and no others', async () => {
    const disk = memoryDisk(TiB, [{ offset: TiB / 2 - 7, bytes: noise(14, 2) }]);
    const { size } = await writeQcow2(disk);
    // Header, refcount table, one refcount block, L1 (2,048 entries), two L2 tables, two clusters.
    expect(size).toBe(8 * cluster);
    const image = await openQcow2(await write(disk, 'sparse.qcow2'));
    expect(await collect(image.extents())).toEqual([{ offset: TiB / 2 - cluster, length: 2 * cluster }]);
    await image.close();
  });

  test('reads nothing of the disk before its data is asked for, and little ahead of it', async () => {
    let asked = 0;
    const disk: Disk = { ...full(1 << 30), read: async (_, into) => { asked += into.length; } };
    const { body } = await writeQcow2(disk);
    expect(asked).toBe(0);
    let sent = 0;
    for await (const bytes of body) {
      sent += bytes.length;
      expect(asked - sent).toBeLessThan(4 << 20);
      if (sent > 64 << 20) break;
    }
    expect(asked).toBeGreaterThan(32 << 20);
  });

  test('over 2 PiB is refused', async () => {
    await expect(writeQcow2(memoryDisk(2 ** 51 + 1))).rejects.toMatchObject({ code: 'quota' });
  });

  test('ends as interrupted when the signal aborts, before and on the way', async () => {
    await expect(writeQcow2(full(TiB / 1024), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
    const abort = new AbortController();
    const { body } = await writeQcow2(full(1 << 28), { signal: abort.signal });
    await expect((async () => {
      let sent = 0;
      for await (const bytes of body) {
        sent += bytes.length;
        if (sent > 10 << 20) abort.abort();
      }
    })()).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('passes on what the disk throws', async () => {
    const broken: Disk = { ...full(1 << 20), read: async () => { throw new Error('a bad sector'); } };
    const { body } = await writeQcow2(broken);
    await expect(collect(body)).rejects.toThrow('a bad sector');
  });
});

describe('QEMU finds in order and equal', () => {
  needsQemu();

  test.each(known)('%s', async (_, disk) => {
    const image = await write(disk, 'known.qcow2');
    expect(qemuImg('check', image)).toContain('No errors were found');
    expect(JSON.parse(qemuImg('info', '--output=json', image))).toMatchObject({ 'virtual-size': Math.ceil(disk.size / 512) * 512, 'cluster-size': cluster });
    const raw = join(folder, 'known.raw');
    const file = await open(raw, 'w');
    await file.truncate(disk.size);
    for await (const { offset, length } of disk.extents()) {
      const bytes = Buffer.alloc(length);
      await disk.read(offset, bytes);
      await file.write(bytes, 0, length, offset);
    }
    await file.close();
    expect(qemuImg('compare', '-f', 'raw', '-F', 'qcow2', raw, image)).toContain('Images are identical');
  });

  test('any disk', () =>
    fc.assert(
      fc.asyncProperty(anyDisk, async (disk) => {
        const image = await write(disk, 'any.qcow2');
        expect(qemuImg('check', image)).toContain('No errors were found');
        const raw = join(folder, 'any.raw');
        await writeFile(raw, await rawView(disk));
        expect(qemuImg('compare', '-f', 'raw', '-F', 'qcow2', raw, image)).toContain('Images are identical');
      }),
      { numRuns: 12 },
    ));

  // Around 2 GiB the refcounts of the file itself begin to need another block.
  test.each([32_758, 32_759, 32_760, 32_761, 32_762, 65_522, 400_000])('the tables of a full disk of %d clusters', async (clusters) => {
    const image = await writeTables(full(clusters * cluster), clusters, 'tables.qcow2');
    expect(qemuImg('check', image)).toContain('No errors were found');
  });
});
