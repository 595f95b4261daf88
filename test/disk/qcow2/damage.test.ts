import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isError } from '../../../src/errors.ts';
import { openQcow2 } from '../../../src/disk/qcow2/reader.ts';
import { testFolder } from '../folder.ts';
import { collect, rawView } from '../memory.ts';
import { needsQemu } from '../qemu.ts';
import { golden } from './golden.ts';

const folder = await testFolder();
const images = await Promise.all(golden.map(async ({ name, path }) => ({ name, bytes: await readFile(path) })));

/** Larger disks are not read whole: a flipped bit of the size may ask for an exabyte of zeros. */
const readable = 8 << 20;

function range(from: number, length: number): number[] {
  return Array.from({ length }, (_, nth) => from + nth);
}

/** Offsets of an image's header and tables. */
function places(bytes: Buffer): number[] {
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const l1 = Number(bytes.readBigUInt64BE(40));
  const entries = bytes.readUInt32BE(36);
  const tables = Array.from({ length: entries }, (_, nth) => Number(bytes.readBigUInt64BE(l1 + nth * 8) & 0x00fffffffffffe00n)).filter((offset) => offset > 0);
  return [...range(0, 112), ...range(l1, entries * 8), ...tables.flatMap((offset) => range(offset, Math.min(clusterSize, 512)))];
}

const anyDamage = fc.constantFrom(...images).chain(({ name, bytes }) =>
  fc.record({
    name: fc.constant(name),
    bytes: fc.constant(bytes),
    flips: fc.array(fc.record({ at: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...places(bytes)) }, { weight: 1, arbitrary: fc.nat(bytes.length - 1) }), bit: fc.nat(7) }), { minLength: 1, maxLength: 3 }),
  }),
);

/** The raw view, `large` where it is too large to look at whole, or the error; any other error than ours fails the test. */
async function read(path: string): Promise<Buffer | 'large' | 'refused'> {
  try {
    const disk = await openQcow2(path);
    try {
      const extents = await collect(disk.extents());
      for (const { offset, length } of extents.slice(0, 100)) await disk.read(offset, Buffer.alloc(Math.min(length, 1 << 20)));
      for (const { offset, length } of extents) expect(offset + length).toBeLessThanOrEqual(disk.size);
      return disk.size > readable ? 'large' : await rawView(disk);
    } finally {
      await disk.close();
    }
  } catch (error) {
    if (!isError(error, 'cloud')) throw error;
    expect(error.message).not.toContain('\n');
    return 'refused';
  }
}

describe('an image with flipped bits', () => {
  test('is read or refused, and never anything else', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyDamage, async ({ bytes, flips }) => {
        const path = join(folder, 'flipped.qcow2');
        const damaged = Buffer.from(bytes);
        for (const { at, bit } of flips) damaged[at]! ^= 1 << bit;
        await writeFile(path, damaged);
        const outcome = await read(path);
        outcomes.add(typeof outcome === 'string' ? outcome : 'read');
      }),
      { numRuns: 400 },
    );
    expect(outcomes).toContain('refused');
    expect(outcomes).toContain('read');
  });

  describe('beside QEMU', () => {
    needsQemu();

    test('reads as QEMU reads it, where both do', async () => {
      const run = promisify(execFile);
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(anyDamage, async ({ bytes, flips }) => {
          const path = join(folder, 'judged.qcow2');
          const damaged = Buffer.from(bytes);
          for (const { at, bit } of flips) damaged[at]! ^= 1 << bit;
          await writeFile(path, damaged);
          const outcome = await read(path);
          if (typeof outcome === 'string') return;
          const raw = join(folder, 'judged.raw');
          const converted = await run('qemu-img', ['convert', '-t', 'unsafe', '-f', 'qcow2', '-O', 'raw', path, raw], { timeout: 20_000 }).then(() => true, () => false);
          if (!converted) return;
          compared++;
          // QEMU counts in sectors, and leaves out the bytes behind the last whole one.
          const theirs = await readFile(raw);
          expect(theirs.length).toBe(outcome.length - (outcome.length % 512));
          expect(theirs.equals(outcome.subarray(0, theirs.length))).toBe(true);
        }),
        { numRuns: 60 },
      );
      expect(compared).toBeGreaterThan(5);
    });
  });
});
