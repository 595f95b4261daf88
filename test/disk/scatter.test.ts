import { spawnSync } from 'node:child_process';
import { constants, closeSync, ftruncateSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CannotWrite } from '../../src/disk/disk.ts';
import { scatter, type Target } from '../../src/disk/scatter.ts';
import { openDirect } from '../../src/direct.ts';
import { page } from '../../src/memory.ts';
import { testFolder } from './folder.ts';
import { noise } from './memory.ts';

const folder = await testFolder();
const mebibyte = 1 << 20;
const handles: { close(): Promise<void> }[] = [];
const fds: number[] = [];
afterAll(async () => {
  await Promise.all(handles.map((handle) => handle.close()));
  for (const fd of fds) closeSync(fd);
});
const opened = (path: string, flags: string) => {
  const fd = openSync(path, flags);
  fds.push(fd);
  return fd;
};
let files = 0;
const empty = (size: number): { path: string; fd: number } => {
  const path = join(folder, `file-${files++}`);
  const fd = opened(path, 'w');
  ftruncateSync(fd, size);
  return { path, fd };
};
const direct = async (path: string): Promise<number | undefined> => {
  const handle = await openDirect(path, constants.O_WRONLY);
  if (handle) handles.push(handle);
  return handle?.fd;
};

/** Whether this file system can be written past the page cache, asked in another way than the program does. */
const known = constants.O_DIRECT !== undefined && spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'asked')}`, 'bs=4k', 'count=1', 'oflag=direct']).status === 0;

describe('pieces of files', () => {
  const chunk = 128 << 10;
  const size = 40 * chunk + 777;

  test.each(['past the page cache', 'the ordinary way', 'where the one is promised and refused'])('are where they belong, in whatever order they come: %s', async (way) => {
    const orders = fc.shuffledSubarray(Array.from({ length: 2 * 41 }, (_, nth) => ({ file: nth % 2, index: nth >> 1 })), { minLength: 30 });
    await fc.assert(fc.asyncProperty(orders, fc.boolean(), fc.nat(1000), async (pieces, sorted, seed) => {
      if (sorted) pieces.sort((a, b) => a.index - b.index);
      const targets = await Promise.all([0, 1].map(async () => {
        const { path, fd } = empty(size);
        const refused = way.startsWith('where') ? opened(path, 'r') : undefined;
        return { path, fd, direct: way.startsWith('past') ? await direct(path) : refused };
      }));
      const expected = targets.map(() => Buffer.alloc(size));
      await scatter(async (add) => {
        for (const { file, index } of pieces) {
          const bytes = noise(Math.min(chunk, size - index * chunk), seed + index);
          if (index % 5 === 0) bytes.fill(0, 0, Math.min(bytes.length, 64 << 10));
          expected[file]!.set(bytes, index * chunk);
          await add(targets[file]!, bytes, index * chunk);
          bytes.fill(0xff);
        }
      });
      for (const [nth, { path }] of targets.entries()) expect(readFileSync(path).equals(expected[nth]!)).toBe(true);
    }), { numRuns: 8 });
  });

  test('of any length at any place', async () => {
    const { path, fd } = empty(4 * mebibyte);
    const target = { fd, direct: await direct(path) };
    const places = [[1, 5000], [page * 2, page], [page * 3, page + 1], [mebibyte - 1, 2 * mebibyte + 2], [4 * mebibyte - 3, 3]] as const;
    const expected = Buffer.alloc(4 * mebibyte);
    await scatter(async (add) => {
      for (const [at, length] of places) {
        const bytes = noise(length, at);
        expected.set(bytes, at);
        await add(target, bytes, at);
      }
    });
    expect(readFileSync(path).equals(expected)).toBe(true);
  });

  test('of zeros take no room', async () => {
    const { path, fd } = empty(8 * mebibyte);
    const target = { fd, direct: await direct(path) };
    await scatter(async (add) => {
      await add(target, Buffer.alloc(8 * mebibyte), 0);
      await add(target, noise(100, 1), 5 * mebibyte);
    });
    expect(statSync(path).blocks * 512).toBeLessThan(mebibyte);
  });

  test('go past the page cache, whole pages of them', async ({ skip }) => {
    skip(!known, `the file system of ${folder} can't be written past the page cache`);
    const { path } = empty(3 * mebibyte);
    const bytes = noise(3 * mebibyte - page + 1, 2);
    // The ordinary way is barred: what is written was written directly.
    const target = { fd: opened(path, 'r'), direct: await direct(path) };
    await expect(scatter((add) => add(target, bytes, 0))).rejects.toMatchObject({ fd: target.fd, cause: { code: 'EBADF' } });
    const whole = 3 * mebibyte - page;
    expect(readFileSync(path).subarray(0, whole).equals(bytes.subarray(0, whole))).toBe(true);
    expect(readFileSync(path).subarray(whole).equals(Buffer.alloc(page))).toBe(true);
  });
});

describe('a file that can not be written', () => {
  const full = (): Target => ({ fd: opened('/dev/full', 'r+') });

  test('is named; what came before for others is written or not, and nothing is on its way any more', async () => {
    const [good, bad] = [empty(8 * mebibyte), full()];
    let added = 0;
    const failed = await scatter(async (add) => {
      for (let at = 0; at < 8 * mebibyte; at += mebibyte, added++) {
        await add(good, noise(mebibyte, at), at);
        await add(bad, noise(mebibyte, at), 2 * at);
      }
    }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CannotWrite);
    expect(failed).toMatchObject({ fd: bad.fd, cause: { code: 'ENOSPC' } });
    expect(added).toBeLessThan(8);
    const left = readFileSync(good.path);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(readFileSync(good.path).equals(left)).toBe(true);
  });

  test('is named though the last bytes for it only were to be sent', async () => {
    const bad = full();
    await expect(scatter((add) => add(bad, noise(10, 1), 0))).rejects.toMatchObject({ fd: bad.fd, cause: { code: 'ENOSPC' } });
  });

  test('what else ends the writing is thrown as it is, and the next one finds its room', async () => {
    for (let nth = 0; nth < 20; nth++) {
      const { fd } = empty(mebibyte);
      await expect(scatter(async (add) => {
        await add({ fd }, noise(1000, nth), 0);
        throw new Error('a bad sector');
      })).rejects.toThrow('a bad sector');
    }
  });
});

test('a file that is not there is not opened', async () => {
  expect(await openDirect(join(folder, 'none'), constants.O_WRONLY)).toBeUndefined();
});
