import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openImage } from '../../src/disk/open.ts';
import { testFolder } from './folder.ts';
import { rawView } from './memory.ts';

const folder = await testFolder();
const golden = new URL('../../fixtures/qcow2/v3-4k-zeros.qcow2', import.meta.url).pathname;

async function image(name: string, head: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Buffer.concat([Buffer.from(head), Buffer.alloc(4096)]));
  return path;
}

describe('opening an image', () => {
  test('a qcow2 is known by its first bytes', async () => {
    const disk = await openImage(golden);
    expect(disk.size).toBe(3 << 20);
    await disk.close();
  });

  test('what is no known format is raw', async () => {
    const disk = await openImage(await image('plain', 'hello'));
    expect((await rawView(disk)).subarray(0, 5).toString()).toBe('hello');
    await disk.close();
  });

  test('a disk said to be raw is taken as it is, even when a guest wrote a qcow2 header to it', async () => {
    const disk = await openImage(golden, 'raw');
    expect((await rawView(disk)).subarray(0, 3).toString()).toBe('QFI');
    await disk.close();
  });

  test('a disk said to be qcow2 must be one', async () => {
    await expect(openImage(await image('no-qcow2', 'hello'), 'qcow2')).rejects.toMatchObject({ code: 'cloud', message: expect.stringContaining('damaged qcow2 image') });
  });

  const heads: [string, string | Buffer][] = [
    ['vmdk', 'KDMV'],
    ['vmdk', '# Disk DescriptorFile\nversion=1\n'],
    ['vdi', Buffer.concat([Buffer.from('<<< Oracle VM VirtualBox Disk Image >>>\n'.padEnd(64, '\0')), Buffer.from([0x7f, 0x10, 0xda, 0xbe])])],
    ['vhdx', 'vhdxfile'],
    ['vhd', 'conectix'],
  ];
  test.each(heads)('a %s is refused in one line that says how to convert it', async (format, head) => {
    const path = await image(`other-${format}`, head);
    await expect(openImage(path)).rejects.toMatchObject({ code: 'usage', message: `can't read disk image ${path}: the format ${format} is not supported`, hint: expect.stringContaining('qemu-img convert') });
  });

  test('an empty file is an empty raw disk', async () => {
    const path = join(folder, 'nothing');
    await writeFile(path, '');
    const disk = await openImage(path);
    expect(disk.size).toBe(0);
    await disk.close();
  });
});
