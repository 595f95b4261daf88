import { BaluchonError } from '../../errors.ts';
import { readUpTo, type ImageFile } from '../file.ts';

/** The first four bytes of every qcow2 file. */
export const magic = Buffer.from('QFI\xfb', 'latin1');

/** What reading needs of the header (QEMU's docs/interop/qcow2.txt). Sizes and offsets are bytes. */
export interface Header {
  version: 2 | 3;
  /** Of the raw view. */
  size: number;
  clusterBits: number;
  clusterSize: number;
  /** Entries of the L1 table that the size needs. */
  l1Entries: number;
  l1Offset: number;
  /** The refcount table lies here: nothing else may. */
  refcounts: { offset: number; length: number };
  compression: 'zlib' | 'zstd';
  /** Extended L2 entries: 16 bytes each, with 32 subclusters. */
  extended: boolean;
}

const feature = { dirty: 1n << 0n, corrupt: 1n << 1n, dataFile: 1n << 2n, compression: 1n << 3n, extended: 1n << 4n };
const known = feature.dirty | feature.corrupt | feature.dataFile | feature.compression | feature.extended;

/** QEMU's own limits. They also bound what an untrusted header can make us allocate. */
const maxL1Bytes = 32 << 20;
const maxClusterBits = 21;

export function damaged(path: string, what: string): BaluchonError {
  return new BaluchonError('cloud', `damaged qcow2 image ${path}: ${what}`, { hint: 'take the image again; `qemu-img check` tells more about it' });
}

function unsupported(path: string, what: string, hint: string): BaluchonError {
  return new BaluchonError('cloud', `can't read qcow2 image ${path}: ${what}`, { hint });
}

/**
 * Reads and checks the header. Throws `cloud` where it is damaged, or asks for what is not in this one file (a backing
 * file, an external data file), a key, or a feature unknown here. The dirty bit is no reason to refuse: it says that
 * reference counts are stale, and these are not read.
 */
export async function readHeader(file: ImageFile): Promise<Header> {
  const { path } = file;
  const head = Buffer.alloc(112);
  const length = await readUpTo(file, 0, head);
  if (length < 72) throw damaged(path, `the header is cut off at byte ${length}`);
  if (!head.subarray(0, 4).equals(magic)) throw damaged(path, 'it does not begin as a qcow2 file does');
  const version = head.readUInt32BE(4);
  if (version === 1) throw unsupported(path, 'version 1 (qcow) is not supported', 'convert it: qemu-img convert -O qcow2 OLD NEW');
  if (version !== 2 && version !== 3) throw damaged(path, `there is no version ${version}`);
  if (version === 3 && length < 104) throw damaged(path, `the header is cut off at byte ${length}`);

  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > maxClusterBits) throw damaged(path, `clusters of 2^${clusterBits} bytes`);
  const clusterSize = 2 ** clusterBits;
  const incompatible = version === 3 ? head.readBigUInt64BE(72) : 0n;
  const headerLength = version === 3 ? head.readUInt32BE(100) : 72;
  if (headerLength % 8 !== 0 || headerLength < (version === 3 ? 104 : 72) || headerLength > clusterSize) throw damaged(path, `a header of ${headerLength} bytes`);

  if (incompatible & ~known) throw unsupported(path, `it needs features unknown here (bits 0x${(incompatible & ~known).toString(16)})`, 'convert it with the QEMU that made it: qemu-img convert -O qcow2 OLD NEW');
  if (incompatible & feature.corrupt) throw damaged(path, 'it is marked as corrupt');
  if (incompatible & feature.dataFile) throw unsupported(path, 'its data is in another file', 'make it one file: qemu-img convert -O qcow2 OLD NEW');
  if (head.readUInt32BE(32) !== 0) throw unsupported(path, 'it is encrypted', 'decrypt it first: qemu-img convert with --object secret');
  if (head.readBigUInt64BE(8) !== 0n) {
    throw unsupported(path, `it needs its backing file ${await backingName(file, head, clusterSize)}`, 'make it one file: qemu-img convert -O qcow2 OLD NEW');
  }

  const extended = (incompatible & feature.extended) !== 0n;
  if (extended && clusterBits < 14) throw damaged(path, `subclusters in clusters of ${clusterSize} bytes`);
  const compressionType = headerLength > 104 ? head[104] : 0;
  if (compressionType !== ((incompatible & feature.compression) === 0n ? 0 : 1)) throw damaged(path, `compression type ${compressionType}`);

  const size = number(head, 24);
  if (size > Number.MAX_SAFE_INTEGER) throw damaged(path, `a size of ${head.readBigUInt64BE(24)} bytes`);
  const l1Entries = Math.ceil(size / (clusterSize * (clusterSize / (extended ? 16 : 8))));
  const stored = head.readUInt32BE(36);
  if (stored < l1Entries) throw damaged(path, `the L1 table has ${stored} entries and needs ${l1Entries}`);
  if (l1Entries * 8 > maxL1Bytes) throw damaged(path, `an L1 table of ${l1Entries} entries`);
  const l1Offset = number(head, 40);
  if (l1Entries > 0) checkTable(file, clusterSize, 'the L1 table', l1Offset, l1Entries * 8);
  const refcounts = { offset: number(head, 48), length: head.readUInt32BE(56) * clusterSize };
  return { version, size, clusterBits, clusterSize, l1Entries, l1Offset, refcounts, compression: compressionType === 1 ? 'zstd' : 'zlib', extended };
}

/** A table must begin at a cluster, behind the header's, and lie within the file. */
export function checkTable({ path, size }: ImageFile, clusterSize: number, what: string, offset: number, length: number): void {
  if (offset % clusterSize !== 0) throw damaged(path, `${what} at ${offset} is not aligned to a cluster`);
  if (offset < clusterSize) throw damaged(path, `${what} overlaps the header`);
  if (offset + length > size) throw damaged(path, `${what} at ${offset} lies beyond the end of the file (${size} bytes)`);
}

/** Rounded from 2^53 on: still larger than any file, so the checks hold. */
function number(head: Buffer, at: number): number {
  return Number(head.readBigUInt64BE(at));
}

async function backingName(file: ImageFile, head: Buffer, clusterSize: number): Promise<string> {
  const offset = number(head, 8);
  const length = head.readUInt32BE(16);
  if (length > 1023 || offset + length > Math.min(clusterSize, file.size)) return '(its name is damaged)';
  const name = Buffer.alloc(length);
  await readUpTo(file, offset, name);
  return JSON.stringify(name.toString());
}
