import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Disk } from '../../../src/disk/disk.ts';
import { openQcow2 } from '../../../src/disk/qcow2/reader.ts';
import { isZero } from '../../../src/disk/zero.ts';
import { testFolder } from '../folder.ts';
import { collect, noise, rawView } from '../memory.ts';
import { needsQemu, qemuImg, qemuIo } from '../qemu.ts';
import { golden } from './golden.ts';

const folder = await testFolder();

/** The raw view as the extents tell it: what lies between them must be zeros. */
async function byExtents(disk: Disk): Promise<Buffer> {
  const bytes = Buffer.alloc(disk.size);
  let end = -1;
  for (const { offset, length } of await collect(disk.extents())) {
    expect(length).toBeGreaterThan(0);
    expect(offset).toBeGreaterThan(end);
    end = offset + length;
    await disk.read(offset, bytes.subarray(offset, end));
  }
  expect(end).toBeLessThanOrEqual(disk.size);
  return bytes;
}

async function expectView(image: string, expected: Buffer): Promise<void> {
  const disk = await openQcow2(image);
  try {
    expect(disk.size).toBe(expected.length);
    expect((await byExtents(disk)).equals(expected), 'by extents').toBe(true);
    for (const step of [1 << 20, 10_007]) expect((await rawView(disk, step)).equals(expected), `in steps of ${step}`).toBe(true);
  } finally {
    await disk.close();
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A golden image with its bytes changed; its path. */
async function patch(name: string, change: (bytes: Buffer) => void): Promise<string> {
  const bytes = await readFile(golden.find((image) => image.name === 'v3-4k-zeros.qcow2')!.path);
  change(bytes);
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** Reads a golden image after a change to its tables. */
async function readWith(name: string, change: (bytes: Buffer, l2: number, l1: number) => void): Promise<void> {
  const path = await patch(name, (bytes) => {
    const l1 = Number(bytes.readBigUInt64BE(40));
    change(bytes, Number(bytes.readBigUInt64BE(l1) & 0x00fffffffffffe00n), l1);
  });
  const disk = await openQcow2(path);
  await rawView(disk).finally(disk.close);
}

describe('images that QEMU made', () => {
  test.each(golden)('$name reads as QEMU reads it', async ({ path, sha256 }) => {
    const disk = await openQcow2(path);
    expect(digest(await rawView(disk, 10_007))).toBe(sha256);
    expect(digest(await byExtents(disk))).toBe(sha256);
    await disk.close();
  });

  test('zero, unallocated and discarded clusters are in no extent', async () => {
    const disk = await openQcow2(golden.find(({ name }) => name === 'v3-4k-zeros.qcow2')!.path);
    const kib = (await collect(disk.extents())).map(({ offset, length }) => [offset / 1024, length / 1024]);
    expect(kib).toEqual([[0, 8], [16, 8], [32, 32], [3068, 4]]);
    await disk.close();
  });

  test('subclusters are extents of their own', async () => {
    const disk = await openQcow2(golden.find(({ name }) => name === 'v3-extended.qcow2')!.path);
    const extents = await collect(disk.extents());
    expect(extents[0]).toEqual({ offset: 512, length: 512 });
    expect(extents.at(-1)).toEqual({ offset: 64 << 10, length: 16 << 10 });
    await disk.close();
  });

  test('a size that is no multiple of a sector is kept', async () => {
    const { path } = golden.find(({ name }) => name === 'v2-512.qcow2')!;
    const bytes = await readFile(path);
    const whole = await openQcow2(path);
    const expected = await rawView(whole);
    await whole.close();
    const odd = expected.length - 77;
    bytes.writeBigUInt64BE(BigInt(odd), 24);
    const image = join(folder, 'odd.qcow2');
    await writeFile(image, bytes);
    await expectView(image, expected.subarray(0, odd));
  });
});

describe('images that are not whole in themselves, or can not be had', () => {
  const refusals: [string, (bytes: Buffer) => void, RegExp][] = [
    ['a backing file', (bytes) => { bytes.writeBigUInt64BE(1000n, 8); bytes.writeUInt32BE(11, 16); bytes.write('/etc/passwd', 1000); }, /needs its backing file "\/etc\/passwd"$/],
    ['a backing file with a name beyond the header', (bytes) => { bytes.writeBigUInt64BE(5000n, 8); bytes.writeUInt32BE(11, 16); }, /backing file \(its name is damaged\)/],
    ['an external data file', (bytes) => bytes.writeUInt32BE(4, 76), /its data is in another file/],
    ['encryption', (bytes) => bytes.writeUInt32BE(2, 32), /it is encrypted/],
    ['an unknown incompatible feature', (bytes) => bytes.writeUInt32BE(0x80000000, 72), /features unknown here \(bits 0x8000000000000000\)/],
    ['the corrupt bit', (bytes) => bytes.writeUInt32BE(2, 76), /marked as corrupt/],
    ['version 1', (bytes) => bytes.writeUInt32BE(1, 4), /version 1 \(qcow\)/],
    ['version 4', (bytes) => bytes.writeUInt32BE(4, 4), /there is no version 4/],
    ['clusters of 4 MiB', (bytes) => bytes.writeUInt32BE(22, 20), /clusters of 2\^22 bytes/],
    ['clusters of 256 bytes', (bytes) => bytes.writeUInt32BE(8, 20), /clusters of 2\^8 bytes/],
    ['an L1 table that is too short', (bytes) => bytes.writeUInt32BE(1, 36), /L1 table has 1 entries and needs 2/],
    ['a size that needs an L1 table of more than 32 MiB', (bytes) => { bytes.writeBigUInt64BE(2n ** 52n, 24); bytes.writeUInt32BE(0xffffffff, 36); }, /an L1 table of \d+ entries/],
    ['a size beyond 2^53', (bytes) => bytes.writeBigUInt64BE(2n ** 63n, 24), /a size of 9223372036854775808 bytes/],
    ['an L1 table beyond the file', (bytes) => bytes.writeBigUInt64BE(2n ** 40n, 40), /the L1 table at 1099511627776 lies beyond the end/],
    ['an L1 table over the header', (bytes) => bytes.writeBigUInt64BE(0n, 40), /the L1 table overlaps the header/],
    ['an L1 table that is not aligned', (bytes) => bytes.writeBigUInt64BE(12_289n, 40), /the L1 table at 12289 is not aligned/],
    ['a compression type without its bit', (bytes) => { bytes[104] = 1; }, /compression type 1/],
    ['subclusters in small clusters', (bytes) => bytes.writeUInt32BE(16, 76), /subclusters in clusters of 4096 bytes/],
    ['a header longer than its cluster', (bytes) => bytes.writeUInt32BE(8192, 100), /a header of 8192 bytes/],
    ['other first bytes', (bytes) => bytes.fill(0, 0, 4), /does not begin as a qcow2 file does/],
  ];
  test.each(refusals)('%s: refused in one line', async (name, change, message) => {
    const path = await patch(name, change);
    const error = await openQcow2(path).then(() => undefined, (error: unknown) => error);
    expect(error).toMatchObject({ code: 'cloud', message: expect.stringMatching(message), hint: expect.any(String) });
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).not.toContain('\n');
  });

  test('a file cut off anywhere is refused, at the latest when what is missing is read', async () => {
    const { path } = golden.find(({ name }) => name === 'v3-4k-zeros.qcow2')!;
    const bytes = await readFile(path);
    for (let length = 0; length < bytes.length; length += 4000) {
      const cut = join(folder, 'cut');
      await writeFile(cut, bytes.subarray(0, length));
      const read = async () => {
        const disk = await openQcow2(cut);
        await rawView(disk).finally(disk.close);
      };
      await expect(read(), `${length} of ${bytes.length} bytes`).rejects.toMatchObject({ code: 'cloud', message: expect.stringContaining('damaged qcow2 image') });
    }
  });

  test('a table or cluster entry that points at the header or a table is refused', async () => {
    await expect(readWith('over-l1', (bytes, l2, l1) => bytes.writeBigUInt64BE(BigInt(l1), l2))).rejects.toThrow(/overlaps the header or a table/);
    await expect(readWith('over-refcounts', (bytes, l2) => bytes.writeBigUInt64BE(bytes.readBigUInt64BE(48), l2))).rejects.toThrow(/overlaps the header or a table/);
    await expect(readWith('compressed-header', (bytes, l2) => bytes.writeBigUInt64BE((1n << 62n) | 100n, l2))).rejects.toThrow(/overlaps the header or a table/);
    await expect(readWith('beyond', (bytes, l2) => bytes.writeBigUInt64BE(1n << 50n, l2))).rejects.toThrow(/lies beyond the end of the file/);
    await expect(readWith('unaligned', (bytes, l2) => bytes.writeBigUInt64BE(0x5200n, l2))).rejects.toThrow(/is not aligned/);
    await expect(readWith('reserved', (bytes, l2) => bytes.writeBigUInt64BE(2n | bytes.readBigUInt64BE(l2), l2))).rejects.toThrow(/reserved bits/);
    await expect(readWith('no-stream', (bytes, l2) => bytes.writeBigUInt64BE((1n << 62n) | 0x5000n, l2))).rejects.toThrow(/can't be expanded/);
    await expect(readWith('l2-beyond', (bytes, _, l1) => bytes.writeBigUInt64BE(1n << 40n, l1))).rejects.toThrow(/L2 table 0 at .* lies beyond/);
    await expect(readWith('l1-reserved', (bytes, _, l1) => bytes.writeBigUInt64BE(1n << 57n, l1))).rejects.toThrow(/entry 0 of the L1 table has reserved bits/);
  });

  test('a range beyond the disk is refused', async () => {
    const disk = await openQcow2(golden[0]!.path);
    await expect(disk.read(disk.size - 1, Buffer.alloc(2))).rejects.toMatchObject({ code: 'cloud' });
    await disk.close();
  });
});

describe('any image of QEMU', () => {
  needsQemu();

  const size = 2 * (1 << 20) + 3 * 512;
  /** Text, noise, zeros, and data up to the last byte. */
  const raw = Buffer.alloc(size);
  for (let at = 0; at < 1 << 20; at += 11) raw.write('baluchon 42', at, 'latin1');
  noise(700_000, 5).copy(raw, (1 << 20) + 300_000);
  noise(1000, 6).copy(raw, size - 1000);

  const options = ['512', '4k', '64k', '2M'].flatMap((cluster) => [
    `compat=v2,cluster_size=${cluster}`,
    `-c compat=v2,cluster_size=${cluster}`,
    `compat=v3,cluster_size=${cluster}`,
    `-c compat=v3,cluster_size=${cluster}`,
    `-c compat=v3,compression_type=zstd,cluster_size=${cluster}`,
  ]);
  for (const cluster of ['16k', '64k', '2M']) options.push(`extended_l2=on,cluster_size=${cluster}`, `-c extended_l2=on,cluster_size=${cluster}`);
  options.push('preallocation=metadata', 'preallocation=falloc');
  test.each(options)('converted with %s', async (option) => {
    const source = join(folder, 'matrix.raw');
    const image = join(folder, 'matrix.qcow2');
    await writeFile(source, raw);
    qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'qcow2', ...option.replace(/(?=compat|extended|preallocation)/, '-o ').split(' '), source, image);
    await expectView(image, raw);
  });

  test('after any writes, zero writes, compressed writes and discards', () => {
    const disk = 1 << 20;
    const anyWrite = (unit: number) =>
      fc.record({ kind: fc.constantFrom('write -P', 'write -P', 'write -z', 'write -z -u', 'write -c -P', 'discard'), at: fc.nat(disk / unit - 1), count: fc.integer({ min: 1, max: 40 }), pattern: fc.integer({ min: 1, max: 255 }) });
    const anyImage = fc
      .record({ compat: fc.constantFrom('v2', 'v3'), cluster: fc.constantFrom(512, 4096, 16384, 65536), zstd: fc.boolean(), extended: fc.boolean() })
      .chain((form) => fc.record({ form: fc.constant(form), writes: fc.array(anyWrite(512), { minLength: 1, maxLength: 12 }) }));
    return fc.assert(
      fc.asyncProperty(anyImage, async ({ form, writes }) => {
        const image = join(folder, 'random.qcow2');
        const extended = form.extended && form.compat === 'v3' && form.cluster >= 16384;
        const compression = form.zstd && form.compat === 'v3' ? ',compression_type=zstd' : '';
        qemuImg('create', '-q', '-f', 'qcow2', '-o', `compat=${form.compat},cluster_size=${form.cluster},extended_l2=${extended ? 'on' : 'off'}${compression}`, image, String(disk));
        const commands = writes.map(({ kind, at, count, pattern }) => {
          // Compressed writes are whole clusters.
          const unit = kind.includes('-c') ? form.cluster : 512;
          const offset = at * 512 - ((at * 512) % unit);
          const length = Math.min(Math.ceil((count * 512) / unit) * unit, disk - offset);
          return `${kind}${kind.endsWith('-P') ? ` ${pattern}` : ''} ${offset} ${length}`;
        });
        qemuIo(image, ...commands);
        const view = join(folder, 'random.raw');
        qemuImg('convert', '-t', 'unsafe', '-f', 'qcow2', '-O', 'raw', image, view);
        await expectView(image, await readFile(view));
      }),
      { numRuns: 20 },
    );
  });
});

test('reading fills every byte it was asked for, zeros too', async () => {
  const disk = await openQcow2(golden.find(({ name }) => name === 'v3-4k-zeros.qcow2')!.path);
  const bytes = Buffer.alloc(4096, 0xff);
  await disk.read(8 << 10, bytes);
  expect(isZero(bytes)).toBe(true);
  await disk.close();
});
