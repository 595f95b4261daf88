import type { Disk } from './disk.ts';

export interface Boot {
  bootable: boolean;
  /** What was found, for people. */
  because: string;
  /** There is nothing on it that a BIOS could start. */
  uefiOnly: boolean;
}

/** Types of GPT partitions, as they lie on the disk: the first three fields are little-endian. */
const types = {
  esp: guid('c12a7328-f81f-11d2-ba4b-00a0c93ec93b'),
  bios: guid('21686148-6449-6e6f-744e-656564454649'),
};
/** GPT attribute bit 2: legacy BIOS bootable. */
const legacyBoot = 4;

/**
 * Can a machine start from this disk? From its first sectors alone: a GPT with an EFI system or BIOS boot partition, an MBR with an
 * active partition or an EFI one, or code in the boot sector. Code alone may be what a partitioning program wrote to a data disk:
 * calling that bootable does no harm, while a system disk that is not called so can't be started.
 * Sources: UEFI specification 2.10, section 5; the PC's master boot record.
 */
export async function bootOf(disk: Disk): Promise<Boot> {
  const head = Buffer.alloc(512);
  if (disk.size >= 512) await disk.read(0, head);
  const hasCode = head.readUInt16BE(510) === 0x55aa && head.subarray(0, 440).some((byte) => byte !== 0);
  for (const sector of [512, 4096]) {
    const gpt = await partitions(disk, sector);
    if (!gpt) continue;
    const esp = gpt.some(({ type }) => type.equals(types.esp));
    const bios = gpt.some(({ type, attributes }) => type.equals(types.bios) || (attributes & legacyBoot) !== 0);
    const found = [esp ? 'an EFI system partition' : '', bios ? 'one that a BIOS starts' : ''].filter(Boolean).join(' and ');
    if (!esp && !bios) return { bootable: false, because: 'its GPT has no partition to start from', uefiOnly: false };
    return { bootable: true, because: `its GPT has ${found}`, uefiOnly: esp && !bios && !hasCode };
  }
  if (head.readUInt16BE(510) !== 0x55aa) return { bootable: false, because: 'it has no boot sector', uefiOnly: false };
  const entries = [446, 462, 478, 494].map((at) => ({ active: head[at] === 0x80, type: head[at + 4]! }));
  if (entries.some(({ active, type }) => active && type !== 0)) return { bootable: true, because: 'its MBR has an active partition', uefiOnly: false };
  if (entries.some(({ type }) => type === 0xef)) return { bootable: true, because: 'its MBR has an EFI system partition', uefiOnly: !hasCode };
  return hasCode ? { bootable: true, because: 'its boot sector has code', uefiOnly: false } : { bootable: false, because: 'its MBR has no active partition and no code', uefiOnly: false };
}

/** The used entries of a GPT with sectors of this size; undefined where there is none. */
async function partitions(disk: Disk, sector: number): Promise<{ type: Buffer; attributes: number }[] | undefined> {
  const header = Buffer.alloc(92);
  if (disk.size < 2 * sector) return undefined;
  await disk.read(sector, header);
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return undefined;
  const start = Number(header.readBigUInt64LE(72)) * sector;
  const [count, size] = [Math.min(header.readUInt32LE(80), 1024), header.readUInt32LE(84)];
  if (size < 128 || size > 4096 || start + count * size > disk.size) return [];
  const table = Buffer.alloc(count * size);
  await disk.read(start, table);
  return Array.from({ length: count }, (_, at) => table.subarray(at * size, (at + 1) * size))
    .filter((entry) => entry.subarray(0, 16).some((byte) => byte !== 0))
    .map((entry) => ({ type: Buffer.from(entry.subarray(0, 16)), attributes: entry[48]! }));
}

function guid(text: string): Buffer {
  const [a, b, c, d, e] = text.split('-').map((part) => Buffer.from(part, 'hex'));
  return Buffer.concat([a!.toReversed(), b!.toReversed(), c!.toReversed(), d!, e!]);
}
