import { BaluchonError } from '../../errors.ts';
import type { Disk, DiskPieces, Extent } from '../disk.ts';
import { alignExtents, readExtents } from '../extents.ts';
import { magic } from './header.ts';

const clusterBits = 16;
const clusterSize = 2 ** clusterBits;
/** Entries of an L2 table, and clusters that a refcount block (16 bits each) counts. */
const l2Entries = clusterSize / 8;
const blockEntries = clusterSize / 2;
/** QEMU opens no image with a longer L1 table: 2 PiB with these clusters. */
const maxL1Entries = (32 << 20) / 8;
/** Bit 63 of an L1 or L2 entry: the cluster it points at is counted once. */
const countedOnce = 0x80000000;

export interface WriteQcow2Options {
  signal?: AbortSignal;
}

/**
 * A disk as a qcow2 file (version 3, clusters of 64 KiB), for sending: `size` is the file's exact length in bytes and
 * `body` the file, front to back, readable once. Nothing is spooled: one pass over the extents says which clusters
 * there are, and with that all tables are known before any data is read. Clusters outside of the extents are left out;
 * one within that turns out to be zero is written all the same, as its place is fixed by then. A disk that is kept in pieces is
 * written in the order in which they lie: where a cluster of the disk is in the file is what the L2 tables are for.
 *
 * The disk is laid out as header, refcount table, refcount blocks, L1, L2 tables, data. A size that is no multiple of 512
 * is rounded up to one (with zeros): QEMU counts in sectors, and would cut the rest off.
 * Memory: one bit for each cluster in or near the extents (2 MiB for a full TiB), four bytes for each piece of a disk that is
 * kept in such (16 MiB for a full TiB in pieces of 256 KiB), and a few MiB of data.
 * Throws `quota` for a disk over 2 PiB, `interrupted`, and what the disk throws.
 */
export async function writeQcow2(disk: Pick<Disk, 'size' | 'extents' | 'read' | 'pieces'>, options: WriteQcow2Options = {}): Promise<{ size: number; body: AsyncIterable<Uint8Array> }> {
  const { signal } = options;
  const size = Math.ceil(disk.size / 512) * 512;
  const l1Entries = Math.max(1, Math.ceil(size / (clusterSize * l2Entries)));
  if (l1Entries > maxL1Entries) throw new BaluchonError('quota', `a disk of ${disk.size} bytes does not fit into a qcow2 image`, { hint: 'the limit is 2 PiB' });
  const stored = disk.pieces && disk.pieces.piece % clusterSize === 0 ? { ...disk.pieces, lists: await Array.fromAsync(disk.pieces.order()) } : undefined;
  const map = await allocation(alignExtents(stored ? extentsOf(stored) : disk.extents(), clusterSize, disk.size), signal);
  const layout = arrange(l1Entries, map.tables.size, map.clusters);

  async function* body(): AsyncIterable<Uint8Array> {
    yield header(size, l1Entries, layout);
    yield* refcounts(layout);
    yield l1Table(map, layout);
    yield* stored ? storedTables(stored, disk.size, layout) : l2Tables(map, layout);
    // Pieces are whole clusters, so only the disk's last one is filled up.
    for await (const bytes of stored ? laidOut(stored) : extents()) {
      if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while reading a disk');
      yield bytes;
      const tail = bytes.length % clusterSize;
      if (tail > 0) yield Buffer.alloc(clusterSize - tail);
    }
  }
  async function* extents(): AsyncIterable<Uint8Array> {
    for await (const { bytes } of readExtents(disk, ranges(map, disk.size), { signal })) yield bytes;
  }
  return { size: layout.total * clusterSize, body: body() };
}

/** Which guest clusters get a place in the file: for each L2 table that is needed (by its number, ascending) one bit a cluster. */
interface Allocation {
  tables: Map<number, Uint8Array>;
  clusters: number;
}

async function allocation(extents: AsyncIterable<Extent>, signal: AbortSignal | undefined): Promise<Allocation> {
  const tables = new Map<number, Uint8Array>();
  let clusters = 0;
  for await (const { offset, length } of extents) {
    if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted while reading a disk');
    const end = Math.ceil((offset + length) / clusterSize);
    for (let cluster = offset / clusterSize; cluster < end; cluster++) {
      const nth = Math.floor(cluster / l2Entries);
      let bits = tables.get(nth);
      if (bits === undefined) tables.set(nth, (bits = new Uint8Array(l2Entries / 8)));
      const index = cluster % l2Entries;
      bits[index >> 3]! |= 1 << (index & 7);
      clusters++;
    }
  }
  return { tables, clusters };
}

/** Numbers of file clusters: where each part begins and, last, where the file ends. */
interface Layout {
  refcountTable: number;
  blocks: number;
  l1: number;
  l2: number;
  data: number;
  total: number;
}

function arrange(l1Entries: number, l2Tables: number, clusters: number): Layout {
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterSize);
  const rest = 1 + l1Clusters + l2Tables + clusters;
  // The refcount blocks count themselves and their table too: go on until nothing more is needed.
  for (let blocks = 1, table = 1; ;) {
    const total = rest + table + blocks;
    const blocksNeeded = Math.ceil(total / blockEntries);
    const tableNeeded = Math.ceil((blocksNeeded * 8) / clusterSize);
    if (blocksNeeded === blocks && tableNeeded === table) {
      const l1 = 1 + table + blocks;
      return { refcountTable: 1, blocks: 1 + table, l1, l2: l1 + l1Clusters, data: l1 + l1Clusters + l2Tables, total };
    }
    blocks = Math.max(blocks, blocksNeeded);
    table = Math.max(table, tableNeeded);
  }
}

function header(size: number, l1Entries: number, layout: Layout): Buffer {
  const bytes = Buffer.alloc(clusterSize);
  magic.copy(bytes);
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(clusterBits, 20);
  writeOffset(bytes, 24, size);
  bytes.writeUInt32BE(l1Entries, 36);
  writeOffset(bytes, 40, layout.l1 * clusterSize);
  writeOffset(bytes, 48, layout.refcountTable * clusterSize);
  bytes.writeUInt32BE(layout.blocks - layout.refcountTable, 56);
  bytes.writeUInt32BE(4, 96); // refcounts of 2^4 bits
  bytes.writeUInt32BE(112, 100); // header length: with the compression type, and its padding
  return bytes; // header extensions: none, eight zeros end their list
}

function* refcounts(layout: Layout): Iterable<Buffer> {
  const table = Buffer.alloc((layout.blocks - layout.refcountTable) * clusterSize);
  const blocks = layout.l1 - layout.blocks;
  for (let nth = 0; nth < blocks; nth++) writeOffset(table, nth * 8, (layout.blocks + nth) * clusterSize);
  yield table;
  const once = Buffer.from([0, 1]);
  for (let nth = 0; nth < blocks; nth++) {
    const counted = Math.min(blockEntries, layout.total - nth * blockEntries);
    yield Buffer.alloc(clusterSize).fill(once, 0, counted * 2);
  }
}

function l1Table(map: Allocation, layout: Layout): Buffer {
  const bytes = Buffer.alloc((layout.l2 - layout.l1) * clusterSize);
  let place = layout.l2;
  for (const nth of map.tables.keys()) writeOffset(bytes, nth * 8, place++ * clusterSize, countedOnce);
  return bytes;
}

function* l2Tables(map: Allocation, layout: Layout): Iterable<Buffer> {
  let place = layout.data;
  for (const bits of map.tables.values()) {
    const bytes = Buffer.alloc(clusterSize);
    for (let index = 0; index < l2Entries; index++) {
      if ((bits[index >> 3]! & (1 << (index & 7))) !== 0) writeOffset(bytes, index * 8, place++ * clusterSize, countedOnce);
    }
    yield bytes;
  }
}

interface Stored extends DiskPieces {
  lists: Uint32Array[];
}

function* extentsOf({ lists, piece }: Stored): Iterable<Extent> {
  for (const list of lists) for (const number of list.toSorted()) yield { offset: number * piece, length: piece };
}

/** The tables of one stretch of the disk after the other: a place in the file for each cluster, in the order in which the pieces come. */
function* storedTables({ lists, piece }: Stored, size: number, layout: Layout): Iterable<Buffer> {
  let place = layout.data;
  let open = new Map<number, Buffer>();
  for (const list of lists) {
    // A table may be begun in one stretch and end in the next.
    const first = Math.floor((list.reduce((least, number) => Math.min(least, number), Infinity) * piece) / (clusterSize * l2Entries));
    for (const [nth, table] of open) {
      if (nth >= first) break;
      yield table;
      open.delete(nth);
    }
    for (const number of list) {
      const end = Math.ceil(Math.min((number + 1) * piece, size) / clusterSize);
      for (let cluster = (number * piece) / clusterSize; cluster < end; cluster++) {
        const nth = Math.floor(cluster / l2Entries);
        let table = open.get(nth);
        if (!table) open.set(nth, (table = Buffer.alloc(clusterSize)));
        writeOffset(table, (cluster % l2Entries) * 8, place++ * clusterSize, countedOnce);
      }
    }
    open = new Map([...open].sort(([a], [b]) => a - b));
  }
  yield* open.values();
}

async function* laidOut({ lists, read }: Stored): AsyncIterable<Uint8Array> {
  for (const list of lists) yield* read(list);
}

/** The allocated clusters as extents, cut at the disk's end. */
function* ranges(map: Allocation, size: number): Iterable<Extent> {
  for (const [nth, bits] of map.tables) {
    for (let index = 0; index < l2Entries;) {
      const begin = index;
      while (index < l2Entries && (bits[index >> 3]! & (1 << (index & 7))) !== 0) index++;
      if (index === begin) {
        index++;
        continue;
      }
      const offset = (nth * l2Entries + begin) * clusterSize;
      yield { offset, length: Math.min((index - begin) * clusterSize, size - offset) };
    }
  }
}

function writeOffset(bytes: Buffer, at: number, offset: number, flags = 0): void {
  bytes.writeUInt32BE((Math.floor(offset / 2 ** 32) | flags) >>> 0, at);
  bytes.writeUInt32BE(offset % 2 ** 32, at + 4);
}
