import { describe, expect, test } from 'vitest';
import { bootOf } from '../../src/disk/boot.ts';
import type { Disk } from '../../src/disk/disk.ts';
import { memoryDisk } from './memory.ts';

const mib = 1 << 20;

interface Part {
  /** As a person writes it. */
  type: string;
  attributes?: number;
}

const linux = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const esp = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const biosBoot = '21686148-6449-6e6f-744e-656564454649';

/** A GUID with its first three fields little-endian, as it lies on a disk. */
function guid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The first sector: `code` at its begin, four entries, the signature. */
function mbr(code: string, entries: { active?: boolean; type: number }[]): Buffer {
  const sector = Buffer.alloc(512);
  sector.write(code, 0, 'latin1');
  for (const [at, { active, type }] of entries.entries()) {
    sector[446 + at * 16] = active ? 0x80 : 0;
    sector[446 + at * 16 + 4] = type;
  }
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

function gpt(parts: Part[], sector = 512, code = ''): Disk {
  const header = Buffer.alloc(sector);
  header.write('EFI PART', 0, 'latin1');
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(128, 80);
  header.writeUInt32LE(128, 84);
  const table = Buffer.alloc(128 * 128);
  for (const [at, { type, attributes = 0 }] of parts.entries()) {
    guid(type).copy(table, at * 128);
    table[at * 128 + 48] = attributes;
  }
  return memoryDisk(16 * mib, [{ offset: 0, bytes: mbr(code, [{ type: 0xee }]) }, { offset: sector, bytes: header }, { offset: 2 * sector, bytes: table }]);
}

const withMbr = (code: string, entries: { active?: boolean; type: number }[]): Disk => memoryDisk(16 * mib, [{ offset: 0, bytes: mbr(code, entries) }]);

describe('a disk counts as bootable', () => {
  test.each<[string, Disk, string, boolean]>([
    ['a GPT with an EFI system partition and no boot code: by UEFI alone', gpt([{ type: esp }, { type: linux }]), 'its GPT has an EFI system partition', true],
    ['the same with sectors of 4096 bytes', gpt([{ type: linux }, { type: esp }], 4096), 'its GPT has an EFI system partition', true],
    ['a GPT with both, as cloud images have', gpt([{ type: linux }, { type: biosBoot }, { type: esp }], 512, 'GRUB'), 'its GPT has an EFI system partition and one that a BIOS starts', false],
    ['a GPT with a BIOS boot partition', gpt([{ type: biosBoot }], 512, 'GRUB'), 'its GPT has one that a BIOS starts', false],
    ['a GPT with a partition marked for a BIOS', gpt([{ type: linux, attributes: 4 }]), 'its GPT has one that a BIOS starts', false],
    ['an MBR with an active partition', withMbr('', [{ type: 0x83 }, { type: 0x83, active: true }]), 'its MBR has an active partition', false],
    ['an MBR with an EFI system partition', withMbr('', [{ type: 0xef }]), 'its MBR has an EFI system partition', true],
    ['a boot sector with code and nothing active, as GRUB leaves it', withMbr('GRUB', [{ type: 0x83 }]), 'its boot sector has code', false],
  ])('%s', async (_what, disk, because, uefiOnly) => {
    expect(await bootOf(disk)).toEqual({ bootable: true, because, uefiOnly });
  });

  test.each<[string, Disk, string]>([
    ['a GPT of data', gpt([{ type: linux }]), 'its GPT has no partition to start from'],
    ['an MBR of data', withMbr('', [{ type: 0x83 }]), 'its MBR has no active partition and no code'],
    ['zeros', memoryDisk(16 * mib), 'it has no boot sector'],
    ['text', memoryDisk(mib, [{ offset: 0, bytes: Buffer.alloc(mib, 'a') }]), 'it has no boot sector'],
    ['less than a sector', memoryDisk(100), 'it has no boot sector'],
    ['a GPT whose table lies beyond the end', memoryDisk(1024, [{ offset: 512, bytes: Buffer.concat([Buffer.from('EFI PART'), Buffer.alloc(504, 0xff)]) }]), 'its GPT has no partition to start from'],
  ])('and not with %s', async (_what, disk, because) => {
    expect(await bootOf(disk)).toEqual({ bootable: false, because, uefiOnly: false });
  });
});
