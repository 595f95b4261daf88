import { BaluchonError } from '../errors.ts';
import type { Disk } from './disk.ts';
import { openImageFile, readUpTo } from './file.ts';
import { magic as qcow2 } from './qcow2/header.ts';
import { openQcow2 } from './qcow2/reader.ts';
import { openRaw } from './raw.ts';

export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhdx' | 'vhd' | 'qed' | 'parallels';

/** Formats that are known by their first bytes, and not read here. */
const others: { name: ImageFormat; at: number; magic: Buffer }[] = [
  { name: 'vmdk', at: 0, magic: Buffer.from('KDMV') },
  { name: 'vmdk', at: 0, magic: Buffer.from('COWD') },
  { name: 'vmdk', at: 0, magic: Buffer.from('# Disk DescriptorFile') },
  { name: 'vdi', at: 0x40, magic: Buffer.from([0x7f, 0x10, 0xda, 0xbe]) },
  { name: 'vhdx', at: 0, magic: Buffer.from('vhdxfile') },
  { name: 'vhd', at: 0, magic: Buffer.from('conectix') },
  { name: 'qed', at: 0, magic: Buffer.from('QED\0') },
  { name: 'parallels', at: 0, magic: Buffer.from('WithoutFreeSpace') },
  { name: 'parallels', at: 0, magic: Buffer.from('WithouFreSpacExt') },
];

/** Glance's `disk_format`s whose bytes are the disk itself. */
const rawFormats = new Set(['raw', 'iso', 'ami', 'ari', 'aki']);

/**
 * Opens a disk image. `format` is what the cloud or the user says it is (`raw`, `qcow2`, Glance's `disk_format`s): a raw disk
 * is then taken as it is, whatever a guest wrote to its first bytes. Without it the first bytes decide, and what
 * is no known format is raw.
 * Throws `usage` for a format not read here and for a file that can't be opened, `cloud` for a damaged image.
 */
export async function openImage(path: string, format?: string): Promise<Disk> {
  const is = format?.toLowerCase() ?? (await imageFormat(path));
  if (rawFormats.has(is)) return openRaw(path);
  if (is === 'qcow2') return openQcow2(path);
  throw new BaluchonError('usage', `can't read disk image ${path}: the format ${is} is not supported`, { hint: `convert it first: qemu-img convert -O qcow2 ${path} NEW.qcow2` });
}

/** By the first bytes; a VHD of fixed size has its mark in its last sector. @throws usage where it can't be read. */
export async function imageFormat(path: string): Promise<ImageFormat> {
  const file = await openImageFile(path);
  try {
    const head = Buffer.alloc(128);
    const begin = head.subarray(0, await readUpTo(file, 0, head));
    if (begin.subarray(0, 4).equals(qcow2)) return 'qcow2';
    const other = others.find(({ at, magic }) => begin.subarray(at, at + magic.length).equals(magic))?.name;
    if (other) return other;
    const end = Buffer.alloc(8);
    return file.size > 512 && (await readUpTo(file, file.size - 512, end)) === 8 && end.toString('latin1') === 'conectix' ? 'vhd' : 'raw';
  } finally {
    await file.handle.close();
  }
}
