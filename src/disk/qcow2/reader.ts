import { release } from '../../memory.ts';
import type { Disk, Extent } from '../disk.ts';
import { mergeExtents } from '../extents.ts';
import { checkRange, openImageFile, readUpTo, type ImageFile } from '../file.ts';
import { recent } from './cache.ts';
import { expand } from './compressed.ts';
import { checkTable, damaged, readHeader, type Header } from './header.ts';

/** Bytes of L2 tables, and again of expanded clusters, kept at most (or two of each, where these are larger). */
const cacheBytes = 8 << 20;
const subclusters = 32;

/** Where the bytes of a guest cluster (or of a run of its subclusters) are. Lengths and offsets in bytes. */
type Piece =
  | { kind: 'zeros'; length: number }
  | { kind: 'stored'; length: number; host: number }
  | { kind: 'compressed'; length: number; host: number; stored: number };

/**
 * A qcow2 image as QEMU's docs/interop/qcow2.txt describes it: versions 2 and 3, clusters of 512 bytes to 2 MiB,
 * compressed (zlib, zstd) and zero clusters, extended L2 entries. Internal snapshots are not looked at.
 * Memory: the L1 table (8 bytes for each 512 MiB of disk, with clusters of 64 KiB) and two caches of 8 MiB.
 *
 * Throws `usage` when the file can't be opened, and `cloud` for an image that is damaged or not whole in itself (see
 * header.ts), here or when the damaged part is read: no offset is followed beyond the file, or into its header or tables.
 */
export async function openQcow2(path: string): Promise<Disk> {
  const file = await openImageFile(path);
  try {
    const header = await readHeader(file);
    return disk(file, header, await readTable(file, header, 'the L1 table', header.l1Offset, header.l1Entries * 8));
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

function disk(file: ImageFile, header: Header, l1: Buffer): Disk {
  const { path } = file;
  const { size, clusterSize, extended } = header;
  const entryBytes = extended ? 16 : 8;
  const entries = clusterSize / entryBytes;
  const subclusterSize = extended ? clusterSize / subclusters : clusterSize;
  const kept = Math.max(2, Math.floor(cacheBytes / clusterSize));

  const table = recent(kept, (index) => readTable(file, header, `L2 table ${index}`, l2Offset(index), clusterSize));

  /** 0: there is no such table, and its clusters are zeros. */
  function l2Offset(index: number): number {
    const high = l1.readUInt32BE(index * 8);
    const low = l1.readUInt32BE(index * 8 + 4);
    if ((high & 0x7f000000) !== 0 || (low & 0x1ff) !== 0) throw damaged(path, `entry ${index} of the L1 table has reserved bits set`);
    return (high & 0x00ffffff) * 2 ** 32 + low;
  }

  /** The pieces of a guest cluster, in order; `cluster` is for messages. */
  function pieces(l2: Buffer, index: number, cluster: number): Piece[] {
    const high = l2.readUInt32BE(index * entryBytes);
    const low = l2.readUInt32BE(index * entryBytes + 4);
    const allocated = extended ? l2.readUInt32BE(index * 16 + 12) : 0;
    const zeros = extended ? l2.readUInt32BE(index * 16 + 8) : 0;
    const reserved = () => damaged(path, `the L2 entry of cluster ${cluster} has reserved bits set`);

    if ((high & 0x40000000) !== 0) {
      if (allocated !== 0 || zeros !== 0) throw reserved();
      // The descriptor's bits, counted in its high word: offset below, sectors above.
      const bits = 62 - (header.clusterBits - 8) - 32;
      const host = (high & (2 ** bits - 1)) * 2 ** 32 + low;
      const sectors = ((high & 0x3fffffff) >>> bits) + 1;
      const stored = Math.min(sectors * 512 - (host % 512), file.size - host);
      checkPlace(`compressed cluster ${cluster}`, host, stored);
      return [{ kind: 'compressed', length: clusterSize, host, stored }];
    }
    if ((high & 0x3f000000) !== 0 || (low & 0x1fe) !== 0) throw reserved();
    const plainZero = (low & 1) !== 0;
    if (plainZero && (extended || header.version === 2)) throw reserved();
    const host = (high & 0x00ffffff) * 2 ** 32 + (low - (low % 512));
    if (host % clusterSize !== 0) throw damaged(path, `cluster ${cluster} at ${host} is not aligned`);
    if (!extended) return [host === 0 || plainZero ? { kind: 'zeros', length: clusterSize } : { kind: 'stored', length: clusterSize, host }];
    if ((allocated & zeros) !== 0 || (host === 0 && allocated !== 0)) throw damaged(path, `the subclusters of cluster ${cluster} contradict each other`);
    return Array.from({ length: subclusters }, (_, nth) =>
      (allocated & (1 << nth)) === 0 ? { kind: 'zeros', length: subclusterSize } : { kind: 'stored', length: subclusterSize, host: host + nth * subclusterSize },
    );
  }

  function checkPlace(what: string, host: number, length: number): void {
    if (length <= 0 || host + length > file.size) throw damaged(path, `${what} at ${host} lies beyond the end of the file (${file.size} bytes)`);
    const over = (offset: number, bytes: number) => host < offset + bytes && offset < host + length;
    if (over(0, clusterSize) || over(header.l1Offset, l1.length) || over(header.refcounts.offset, header.refcounts.length)) {
      throw damaged(path, `${what} at ${host} overlaps the header or a table`);
    }
  }

  async function expandInto(into: Uint8Array, piece: Piece & { kind: 'compressed' }, cluster: number): Promise<void> {
    const bytes = Buffer.allocUnsafeSlow(piece.stored);
    const got = await readUpTo(file, piece.host, bytes);
    await expand(bytes.subarray(0, got), header.compression, into).catch((cause: unknown) => {
      throw damaged(path, `compressed cluster ${cluster} at ${piece.host} can't be expanded (${(cause as Error).message})`);
    });
    release(bytes);
  }

  /** Expanded clusters of which only a part was asked for: the next read mostly wants the rest. */
  const partly = recent(kept, async (cluster) => {
    const [piece] = pieces(await table(Math.floor(cluster / entries)), cluster % entries, cluster);
    const bytes = Buffer.allocUnsafe(clusterSize);
    await expandInto(bytes, piece as Piece & { kind: 'compressed' }, cluster);
    return bytes;
  });

  async function readStored(host: number, into: Uint8Array): Promise<void> {
    checkPlace('data', host, into.length);
    if ((await readUpTo(file, host, into)) < into.length) throw damaged(path, `it became shorter while it was read`);
  }

  async function read(offset: number, into: Uint8Array): Promise<void> {
    checkRange(path, size, offset, into.length);
    const end = offset + into.length;
    const reads: Promise<void>[] = [];
    /** Stored bytes that are neighbours in the file too are read at once. */
    let run = { host: 0, from: 0, to: 0 };
    const flush = () => {
      if (run.to > run.from) reads.push(readStored(run.host, into.subarray(run.from, run.to)));
      run = { host: 0, from: 0, to: 0 };
    };
    const place = (piece: Piece, at: number, cluster: number) => {
      const from = Math.max(at, offset);
      const to = Math.min(at + piece.length, end);
      if (to <= from) return;
      if (piece.kind === 'stored') {
        const host = piece.host + (from - at);
        if (run.to !== from - offset || run.host + (run.to - run.from) !== host) {
          flush();
          run = { host, from: from - offset, to: from - offset };
        }
        run.to = to - offset;
      } else if (piece.kind === 'zeros') {
        into.fill(0, from - offset, to - offset);
      } else if (to - from === clusterSize) {
        reads.push(expandInto(into.subarray(from - offset, to - offset), piece, cluster));
      } else {
        reads.push(partly(cluster).then((bytes) => into.set(bytes.subarray(from - at, to - at), from - offset)));
      }
    };
    try {
      for (let cluster = Math.floor(offset / clusterSize), l2: Buffer | undefined; cluster * clusterSize < end; cluster++) {
        const index = cluster % entries;
        if (l2 === undefined || index === 0) {
          const nth = Math.floor(cluster / entries);
          l2 = l2Offset(nth) === 0 ? undefined : await table(nth);
        }
        let at = cluster * clusterSize;
        for (const piece of l2 === undefined ? [{ kind: 'zeros' as const, length: clusterSize }] : pieces(l2, index, cluster)) {
          place(piece, at, cluster);
          at += piece.length;
        }
      }
      flush();
    } finally {
      // Nobody may write into the caller's buffer once this has ended, failed or not.
      await Promise.allSettled(reads);
    }
    await Promise.all(reads);
  }

  async function* ranges(): AsyncIterable<Extent> {
    for (let nth = 0; nth < header.l1Entries; nth++) {
      if (l2Offset(nth) === 0) continue;
      const l2 = await table(nth);
      for (let index = 0; index < entries; index++) {
        const cluster = nth * entries + index;
        let at = cluster * clusterSize;
        if (at >= size) return;
        if (l2.readUInt32BE(index * entryBytes) === 0 && l2.readUInt32BE(index * entryBytes + 4) === 0) continue;
        for (const piece of pieces(l2, index, cluster)) {
          if (piece.kind !== 'zeros' && at < size) yield { offset: at, length: Math.min(piece.length, size - at) };
          at += piece.length;
        }
      }
    }
  }

  return { size, extents: () => mergeExtents(ranges()), read, close: () => file.handle.close() };
}

async function readTable(file: ImageFile, header: Header, what: string, offset: number, length: number): Promise<Buffer> {
  if (length > 0) checkTable(file, header.clusterSize, what, offset, length);
  const bytes = Buffer.alloc(length);
  if ((await readUpTo(file, offset, bytes)) < length) throw damaged(file.path, `${what} is cut off`);
  return bytes;
}
