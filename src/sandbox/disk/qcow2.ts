import { inflateRawSync } from 'node:zlib';
import { BLOCK, Bytes } from './bytes.ts';

const MAGIC = 0x514649fb;
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

export function isQcow2(file: Bytes): boolean {
  return file.size >= 72 && file.slice(0, 4).readUInt32BE(0) === MAGIC;
}

/** The size of the disk that a qcow2 file holds, in bytes. */
export function virtualSize(file: Bytes): number {
  return Number(file.slice(24, 8).readBigUInt64BE(0));
}

/**
 * A qcow2 version 3 file of a disk, with clusters of 64 KiB, as QEMU would write it: header, refcounts, L1, L2, data.
 * Data clusters are the disk's own blocks, not copies of them.
 */
export function writeQcow2(disk: Bytes): Bytes {
  const clusters = Math.ceil(disk.size / BLOCK);
  const perTable = BLOCK / 8;
  const data = disk.indices();
  const tables = new Map<number, number[]>();
  for (const index of data) {
    const table = Math.floor(index / perTable);
    const list = tables.get(table);
    if (list) list.push(index);
    else tables.set(table, [index]);
  }
  const l1Size = Math.max(1, Math.ceil(clusters / perTable));
  const l1Clusters = Math.ceil((l1Size * 8) / BLOCK);
  const perRefcountBlock = BLOCK / 2;
  let refcountBlocks = 1;
  const total = (): number => 2 + refcountBlocks + l1Clusters + tables.size + data.length;
  while (refcountBlocks * perRefcountBlock < total()) refcountBlocks += 1;

  const file = new Bytes(total() * BLOCK);
  const l1At = 2 + refcountBlocks;
  const header = Buffer.alloc(112);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(disk.size), 24);
  header.writeUInt32BE(l1Size, 36);
  header.writeBigUInt64BE(BigInt(l1At * BLOCK), 40);
  header.writeBigUInt64BE(BigInt(BLOCK), 48);
  header.writeUInt32BE(1, 56);
  header.writeUInt32BE(4, 96);
  header.writeUInt32BE(104, 100);
  file.write(0, header);

  const refcountTable = Buffer.alloc(refcountBlocks * 8);
  for (let at = 0; at < refcountBlocks; at += 1) {
    refcountTable.writeBigUInt64BE(BigInt((2 + at) * BLOCK), at * 8);
    const counts = Buffer.alloc(BLOCK);
    const first = at * perRefcountBlock;
    for (let cluster = first; cluster < Math.min(total(), first + perRefcountBlock); cluster += 1) counts.writeUInt16BE(1, (cluster - first) * 2);
    file.setBlock(2 + at, counts);
  }
  file.write(BLOCK, refcountTable);

  const l1 = Buffer.alloc(l1Size * 8);
  let next = l1At + l1Clusters;
  for (const [table, indices] of tables) {
    const at = next;
    next += 1;
    l1.writeBigUInt64BE(BigInt(at * BLOCK) | COPIED, table * 8);
    const l2 = Buffer.alloc(BLOCK);
    for (const index of indices) {
      l2.writeBigUInt64BE(BigInt(next * BLOCK) | COPIED, (index % perTable) * 8);
      file.setBlock(next, disk.block(index)!);
      next += 1;
    }
    file.setBlock(at, l2);
  }
  file.write(l1At * BLOCK, l1);
  return file;
}

/** The disk in a qcow2 file, versions 2 and 3: plain, zero and zlib-compressed clusters; no backing file. Throws on anything else. */
export function readQcow2(file: Bytes): Bytes {
  const header = file.slice(0, Math.min(112, file.size));
  const version = header.readUInt32BE(4);
  if (header.readUInt32BE(0) !== MAGIC || (version !== 2 && version !== 3)) throw new Error('not a qcow2 file');
  if (header.readBigUInt64BE(8) !== 0n) throw new Error('backing files are not allowed');
  if (header.readUInt32BE(32) !== 0) throw new Error('encrypted images are not supported');
  if (version === 3 && header.readBigUInt64BE(72) & ~1n) throw new Error('unknown incompatible features');
  const bits = header.readUInt32BE(20);
  const size = Number(header.readBigUInt64BE(24));
  const cluster = 2 ** bits;
  const perTable = cluster / 8;
  const disk = new Bytes(size);
  const l1 = file.slice(Number(header.readBigUInt64BE(40)), header.readUInt32BE(36) * 8);

  for (let table = 0; table * 8 < l1.length; table += 1) {
    const l2At = Number(l1.readBigUInt64BE(table * 8) & OFFSET_MASK);
    if (l2At === 0) continue;
    const l2 = file.slice(l2At, cluster);
    for (let entry = 0; entry < perTable; entry += 1) {
      const value = l2.readBigUInt64BE(entry * 8);
      const at = (table * perTable + entry) * cluster;
      if (value === 0n || at >= size) continue;
      if (value & COMPRESSED) {
        disk.write(at, inflate(file, value, bits).subarray(0, size - at));
        continue;
      }
      const from = Number(value & OFFSET_MASK);
      if (from === 0 || (version === 3 && value & 1n)) continue;
      const lent = cluster === BLOCK && from % BLOCK === 0 ? file.block(from / BLOCK) : undefined;
      if (lent) disk.setBlock(at / BLOCK, lent);
      else disk.write(at, file.slice(from, Math.min(cluster, size - at)));
    }
  }
  return disk;
}

function inflate(file: Bytes, entry: bigint, bits: number): Buffer {
  const shift = BigInt(62 - (bits - 8));
  const from = Number(entry & ((1n << shift) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> shift);
  const length = Math.min((sectors + 1) * 512 - (from % 512), file.size - from);
  return inflateRawSync(file.slice(from, length), { finishFlush: 2 /* Z_SYNC_FLUSH: the sectors may end in slack */ });
}
