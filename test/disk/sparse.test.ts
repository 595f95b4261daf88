import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CannotWrite, type Disk } from '../../src/disk/disk.ts';
import { openQcow2 } from '../../src/disk/qcow2/reader.ts';
import { scatter } from '../../src/disk/scatter.ts';
import { writeQcow2File, writeRaw, writeRaws, type OpenRaw } from '../../src/disk/sparse.ts';
import { testFolder } from './folder.ts';
import { memoryDisk, noise, rawView } from './memory.ts';

const folder = await testFolder();
const pieces = [{ offset: 3, bytes: noise(200_000, 1) }, { offset: 5 << 20, bytes: Buffer.concat([Buffer.alloc(3 << 20), noise(777, 2)]) }];
const disk = memoryDisk(40 << 20, pieces);

describe('a disk written as a raw file', () => {
  test('is the disk, byte for byte, and takes no room for zeros, in extents or out of them', async () => {
    const path = join(folder, 'raw');
    await writeRaw(disk, path);
    expect((await readFile(path)).equals(await rawView(disk))).toBe(true);
    expect((await stat(path)).blocks * 512).toBeLessThan(1 << 20);
  });

  test('keeps an odd size, and no size at all', async () => {
    for (const size of [0, 1, 1_000_001]) {
      await writeRaw(memoryDisk(size), join(folder, 'odd'));
      expect((await stat(join(folder, 'odd'))).size).toBe(size);
    }
  });

  test('tells how far it is, up to the size', async () => {
    const seen: number[] = [];
    await writeRaw(disk, join(folder, 'progress'), { onProgress: (done) => seen.push(done) });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toBe(disk.size);
  });

  test('replaces a file of that name', async () => {
    const path = join(folder, 'there');
    await writeFile(path, noise(100, 1));
    await writeRaw(memoryDisk(10), path);
    expect((await readFile(path)).equals(Buffer.alloc(10))).toBe(true);
  });
});

test('raw files that are written together appear together, or none does; the one that failed is named', async () => {
  const raws = ['one', 'two'].map((name) => ({ path: join(folder, name), size: 100 }));
  await writeRaws(raws, {}, ([one, two]) => scatter(async (add) => {
    await add(one!, Buffer.from('first'), 90);
    one!.wrote(5);
    await add(two!, Buffer.from('second'), 0);
  }));
  expect((await readFile(raws[0]!.path)).toString('latin1', 90, 95)).toBe('first');
  expect((await readFile(raws[1]!.path)).toString('latin1', 0, 6)).toBe('second');
  const before = await readdir(folder);
  const full = async ([, two]: OpenRaw[]) => Promise.reject(new CannotWrite(two!.fd, { code: 'ENOSPC', message: 'full' }));
  await expect(writeRaws(raws, {}, full)).rejects.toMatchObject({ code: 'store', message: `no room left for ${raws[1]!.path}` });
  const lost = { path: join(folder, 'nowhere', 'three'), size: 1 };
  await expect(writeRaws([...raws, lost], {}, async () => {})).rejects.toMatchObject({ code: 'store', message: `can't write ${lost.path}: no such folder` });
  expect(await readdir(folder)).toEqual(before);
  expect((await readFile(raws[0]!.path)).toString('latin1', 90, 95)).toBe('first');
});

test('a disk written as a qcow2 file reads back', async () => {
  const path = join(folder, 'image.qcow2');
  let last = 0;
  await writeQcow2File(disk, path, { onProgress: (done) => { last = done; } });
  const image = await openQcow2(path);
  expect((await rawView(image)).equals(await rawView(disk))).toBe(true);
  expect(last).toBe((await stat(path)).size);
  await image.close();
});

describe.each([['raw', writeRaw], ['qcow2', writeQcow2File]])('a %s file that can not be written', (format, write) => {
  const path = join(folder, `all-or-nothing-${format}`);

  test('leaves what was there, and nothing else, when the disk fails', async () => {
    await writeFile(path, 'before');
    const broken: Disk = { ...disk, read: async () => { throw new Error('a bad sector'); } };
    const before = await readdir(folder);
    await expect(write(broken, path)).rejects.toThrow('a bad sector');
    expect(await readdir(folder)).toEqual(before);
    expect(await readFile(path, 'utf8')).toBe('before');
  });

  test('leaves nothing when it is interrupted', async () => {
    const abort = new AbortController();
    const before = await readdir(folder);
    await expect(write(disk, path, { signal: abort.signal, onProgress: () => abort.abort() })).rejects.toMatchObject({ code: 'interrupted' });
    expect(await readdir(folder)).toEqual(before);
  });

  test('is named in one line where there is no such folder', async () => {
    await expect(write(disk, join(folder, 'nowhere', 'x'))).rejects.toMatchObject({ code: 'store', message: expect.stringMatching(/no such folder$/) });
  });

  test('is named in one line, and leaves nothing, where it does not fit', async () => {
    const place = join(folder, `full-${format}`);
    await mkdir(place);
    const script = `
      import { openRaw } from ${JSON.stringify(new URL('../../src/disk/raw.ts', import.meta.url).href)};
      import * as sparse from ${JSON.stringify(new URL('../../src/disk/sparse.ts', import.meta.url).href)};
      const disk = await openRaw(${JSON.stringify(join(folder, 'source'))});
      await sparse.${write.name}(disk, ${JSON.stringify(join(place, 'image'))}).catch((error) => console.log(error.code + ': ' + error.message));`;
    await writeFile(join(folder, 'source'), noise(2 << 20, 9));
    // A shell's limit on the size of files (in blocks of 512 bytes or of 1 KiB) stands in for a full disk.
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -f 500; exec "$0" --input-type=module -e "$1"', process.execPath, script], { encoding: 'utf8' });
    expect(stdout).toBe(`store: ${join(place, 'image')} would be too large for its file system\n`);
    expect(await readdir(place)).toEqual([]);
  });
});
