import { existsSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { convertToRaw } from '../../src/disk/convert.ts';
import { openInPlace } from '../../src/disk/in-place.ts';
import { imageFormat, type ImageFormat } from '../../src/disk/open.ts';
import { testFolder } from './folder.ts';
import { noise, rawView } from './memory.ts';
import { needsQemu, qemuImg } from './qemu.ts';

const folder = await testFolder();
const size = 8 << 20;
const data = noise(300_000, 7);
const plain = join(folder, 'plain.raw');
const into = join(folder, 'out.raw');
const path = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = path;
});

beforeAll(async () => {
  const file = await open(plain, 'w');
  await file.truncate(size);
  await file.write(data, 0, data.length, 3 << 20);
  await file.close();
});

/** And whether QEMU tells where its bytes lie. */
const formats: [ImageFormat, string, string[], boolean][] = [
  ['vmdk', 'sparse.vmdk', ['-O', 'vmdk'], true],
  ['vmdk', 'stream.vmdk', ['-O', 'vmdk', '-o', 'subformat=streamOptimized'], false],
  ['vmdk', 'flat.vmdk', ['-O', 'vmdk', '-o', 'subformat=monolithicFlat'], false],
  ['vdi', 'box.vdi', ['-O', 'vdi'], true],
  ['vhdx', 'hyper.vhdx', ['-O', 'vhdx'], false],
  ['vhd', 'dynamic.vhd', ['-O', 'vpc', '-o', 'force_size=on'], true],
  ['vhd', 'fixed.vhd', ['-O', 'vpc', '-o', 'subformat=fixed,force_size=on'], true],
  ['qed', 'old.qed', ['-O', 'qed'], true],
  ['parallels', 'box.hdd', ['-O', 'parallels'], true],
];

describe('an image of another format, made by QEMU,', () => {
  needsQemu();

  test.each(formats)('%s is known by its bytes and becomes the same raw disk, sparse: %s', async (format, name, options, inPlace) => {
    const image = join(folder, name);
    qemuImg('convert', '-f', 'raw', ...options, plain, image);
    expect(await imageFormat(image)).toBe(format);
    const disk = await openInPlace(image, format);
    expect(disk !== undefined).toBe(inPlace);
    if (disk) {
      expect((await rawView(disk, 777_777)).equals(await readFile(plain))).toBe(true);
      let held = 0;
      for await (const { length } of disk.extents()) held += length;
      expect(held).toBeLessThanOrEqual(name === 'fixed.vhd' ? size : 4 << 20);
      expect(disk.size).toBe(size);
      await disk.close();
    }
    const percents: number[] = [];
    await convertToRaw(image, format, into, { onProgress: (percent) => percents.push(percent) });
    expect((await readFile(into)).equals(await readFile(plain))).toBe(true);
    expect((await stat(into)).blocks * 512).toBeLessThan(2 << 20);
    expect(percents.at(-1)).toBe(100);
  });

  test('that is damaged is told in one line, as QEMU sees it', async () => {
    const image = join(folder, 'bad.vdi');
    writeFileSync(image, Buffer.concat([Buffer.alloc(64), Buffer.from([0x7f, 0x10, 0xda, 0xbe]), Buffer.alloc(4096)]));
    await expect(convertToRaw(image, 'vdi', into)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(/^can't read disk image .*bad\.vdi as vdi: .+$/) });
  });

  test('read in place and cut short meanwhile: an error, no zeros', async () => {
    const image = join(folder, 'cut.vdi');
    qemuImg('convert', '-f', 'raw', '-O', 'vdi', plain, image);
    const disk = await openInPlace(image, 'vdi');
    await truncate(image, 100_000);
    await expect(rawView(disk!)).rejects.toMatchObject({ code: 'cloud', message: expect.stringContaining('it ended at byte') });
    await disk!.close();
  });

  test('whose data lies in another folder is refused: a guest may have written that', async () => {
    await mkdir(join(folder, 'elsewhere'), { recursive: true });
    const image = join(folder, 'trap.vmdk');
    qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', plain, image);
    await rename(join(folder, 'trap-flat.vmdk'), join(folder, 'elsewhere/trap-flat.vmdk'));
    writeFileSync(image, (await readFile(image, 'latin1')).replace('"trap-flat.vmdk"', '"elsewhere/trap-flat.vmdk"').replace(/\0+$/, ''));
    await expect(convertToRaw(image, 'vmdk', into)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('in another folder') });
  });

  test('where there is no such folder to convert into: an error, and no file', async () => {
    const image = join(folder, 'again.vdi');
    qemuImg('convert', '-f', 'raw', '-O', 'vdi', plain, image);
    const nowhere = join(folder, 'nowhere/out.raw');
    await expect(convertToRaw(image, 'vdi', nowhere)).rejects.toMatchObject({ code: 'usage' });
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe('an image of another format', () => {
  test('that is not called so may be a raw disk with such bytes: it is not followed', async () => {
    const image = join(folder, 'disk.img');
    writeFileSync(image, '# Disk DescriptorFile\nversion=1\n');
    expect(await imageFormat(image)).toBe('vmdk');
    await expect(convertToRaw(image, 'vmdk', into)).rejects.toMatchObject({ code: 'usage', message: `${image} begins like a vmdk image and is not called *.vmdk`, hint: expect.stringContaining('-f raw') });
  });

  test('without qemu-img: the line names Debian\'s package', async () => {
    const image = join(folder, 'some.vmdk');
    writeFileSync(image, 'KDMV');
    process.env['PATH'] = '/nonexistent';
    await expect(convertToRaw(image, 'vmdk', into)).rejects.toMatchObject({ code: 'usage', message: `can't read disk image ${image}: reading vmdk takes qemu-img, which is not installed`, hint: 'apt-get install qemu-utils' });
  });
});
