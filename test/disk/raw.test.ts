import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRaw } from '../../src/disk/raw.ts';
import { testFolder } from './folder.ts';
import { collect, noise, rawView } from './memory.ts';

const folder = await testFolder();

async function sparse(name: string, size: number, pieces: { offset: number; bytes: Buffer }[]): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, 'w');
  await file.truncate(size);
  for (const { offset, bytes } of pieces) await file.write(bytes, 0, bytes.length, offset);
  await file.close();
  return path;
}

describe('a raw image', () => {
  test('reads as the file, at any offset', async () => {
    const bytes = noise(100_001, 3);
    const path = join(folder, 'plain');
    await writeFile(path, bytes);
    const disk = await openRaw(path);
    expect(disk.size).toBe(100_001);
    expect((await rawView(disk, 777)).equals(bytes)).toBe(true);
    expect(await collect(disk.extents())).toEqual([{ offset: 0, length: 100_001 }]);
    await disk.close();
  });

  test('has extents that cover all that is not zero', async () => {
    const pieces = [0, 5 << 20, 900 << 20].map((offset) => ({ offset, bytes: noise(70_000, offset + 1) }));
    const disk = await openRaw(await sparse('sparse', 1 << 30, pieces));
    const extents = await collect(disk.extents());
    for (const { offset, bytes } of pieces) {
      expect(extents.some((extent) => extent.offset <= offset && extent.offset + extent.length >= offset + bytes.length)).toBe(true);
    }
    await disk.close();
  });

  test('skips its holes where perl and the file system can tell, and is one extent where they can not', async () => {
    const path = await sparse('holes', 1 << 30, [{ offset: 512 << 20, bytes: noise(4096, 1) }]);
    const disk = await openRaw(path);
    const covered = async () => (await collect(disk.extents())).reduce((sum, { length }) => sum + length, 0);
    expect([4096, 65536, 1 << 30]).toContain(await covered());
    const before = process.env.PATH;
    try {
      process.env.PATH = '/nonexistent';
      expect(await collect(disk.extents())).toEqual([{ offset: 0, length: 1 << 30 }]);
    } finally {
      process.env.PATH = before;
    }
    await disk.close();
  });

  test('may be empty', async () => {
    const disk = await openRaw(await sparse('empty', 0, []));
    expect(disk.size).toBe(0);
    expect(await collect(disk.extents())).toEqual([]);
    await disk.close();
  });

  test('refuses a range beyond its end', async () => {
    const disk = await openRaw(await sparse('short', 1000, []));
    await expect(disk.read(900, Buffer.alloc(101))).rejects.toMatchObject({ code: 'cloud' });
    await expect(disk.read(-1, Buffer.alloc(1))).rejects.toMatchObject({ code: 'cloud' });
    await disk.close();
  });

  test('that shrinks while it is read is damaged', async () => {
    const path = await sparse('shrinks', 10_000, []);
    const disk = await openRaw(path);
    await truncate(path, 5000);
    await expect(disk.read(0, Buffer.alloc(10_000))).rejects.toThrow(/it ended at byte 5000 of 10000/);
    await disk.close();
  });

  test('that is missing, or no file, is named in one line', async () => {
    await expect(openRaw(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'usage', message: `can't read disk image ${folder}/nowhere: no such file` });
    await expect(openRaw(folder)).rejects.toMatchObject({ code: 'usage' });
  });
});
