import type { Disk, Extent } from '../disk/disk.ts';
import { BaluchonError } from '../errors.ts';
import type { BundleDisk } from './manifest.ts';
import { pageSize, type Id } from './pages.ts';
import { ordered } from './queue.ts';
import type { ByPack, ChunkReader, Place } from './reader.ts';
import type { DiskFile } from './types.ts';

/** Chunks of one read that are fetched at once, and how many chunks ahead of one who reads in order packs are fetched. */
const together = 8;
const ahead = 48;
/** Chunks that are sorted by their packs at once: 8 GiB of data of the usual size, some 6 MiB of memory. */
const sorted = 32_768;

/** A disk of a bundle, readable anywhere, by several at once. */
export function bundleDisk(reader: ChunkReader, about: BundleDisk, chunkSize: number): Disk {
  const { size, depth, root } = about;
  const chunkCount = Math.ceil(size / chunkSize);
  const look: NonNullable<ChunkReader['look']> = reader.look ?? (async (id, see) => see(await reader.chunk(id)));
  /** Where the last read ended. */
  let last = -1;

  const idAt = async (index: number): Promise<Id> => {
    let id = root;
    for (let level = depth - 1; level >= 0 && id !== null; level--) {
      const page = await reader.page(id);
      const entry = page[Math.floor(index / pageSize ** level) % pageSize];
      if (entry === undefined) throw new BaluchonError('vault', `damaged: a page of disk ${about.id} is too short`);
      id = entry;
    }
    return id;
  };
  const lengthAt = (index: number) => Math.min(chunkSize, size - index * chunkSize);
  return {
    size,
    async *extents(): AsyncGenerator<Extent> {
      let start = -1;
      let end = -1;
      for await (const chunks of chunksOf(reader, about, chunkSize)) {
        for (const { index } of chunks) {
          if (index !== end) {
            if (end > start) yield { offset: start * chunkSize, length: (end - start) * chunkSize };
            start = index;
          }
          end = index + 1;
        }
      }
      if (end > start) yield { offset: start * chunkSize, length: Math.min(end * chunkSize, size) - start * chunkSize };
    },
    async read(offset, into) {
      if (offset < 0 || offset + into.length > size) throw new BaluchonError('vault', `disk ${about.id}: read beyond its end`);
      const inOrder = offset >= last && offset - last < ahead * chunkSize;
      last = offset + into.length;
      const fill = async (index: number): Promise<void> => {
        const start = index * chunkSize;
        const from = Math.max(offset - start, 0);
        const length = lengthAt(index);
        const part = into.subarray(start + from - offset, start + length - offset);
        const id = await idAt(index);
        if (id === null) {
          part.fill(0);
          return;
        }
        await look(id, (plain) => {
          if (plain.length !== length) throw new BaluchonError('vault', `damaged: disk ${about.id} has a chunk of the wrong size`);
          part.set(plain.subarray(from, from + part.length));
        });
      };
      const end = Math.ceil(last / chunkSize);
      if (inOrder && reader.soon && end + ahead < chunkCount) {
        const id = await idAt(end + ahead);
        if (id !== null) reader.soon(id);
      }
      for (let index = Math.floor(offset / chunkSize); index < end; index += together) {
        const some = await Promise.allSettled(Array.from({ length: Math.min(together, end - index) }, (_, nth) => fill(index + nth)));
        for (const one of some) if (one.status === 'rejected') throw one.reason;
      }
    },
    ...(reader.where && {
      pieces: {
        piece: chunkSize,
        async *order() {
          for await (const packs of byPack(reader, [about], chunkSize)) yield Uint32Array.from([...packs.values()].flatMap((chunks) => [...chunks.values()].flat()), ({ index }) => index);
        },
        async *read(pieces) {
          const ids = new Map<number, string>();
          const from = pieces.reduce((least, index) => Math.min(least, index), Infinity);
          const to = pieces.reduce((most, index) => Math.max(most, index), -1) + 1;
          for await (const chunks of chunksOf(reader, about, chunkSize, { from, to })) for (const { id, index } of chunks) ids.set(index, id);
          yield* ordered(pieces, together, async (index) => {
            const plain = await reader.chunk(ids.get(index)!);
            if (plain.length !== lengthAt(index)) throw new BaluchonError('vault', `damaged: disk ${about.id} has a chunk of the wrong size`);
            return plain;
          });
        },
      },
    }),
    async close() {},
  };
}

interface NumberedChunk {
  id: string;
  /** Its number on the disk. */
  index: number;
}

/** The chunks of a disk that hold data, in order, those of a page at a time: to wait for each by itself takes longer than all else that is done with it. */
async function* chunksOf(reader: ChunkReader, { id: disk, size, depth, root }: BundleDisk, chunkSize: number, within = { from: 0, to: Infinity }): AsyncGenerator<NumberedChunk[]> {
  const chunkCount = Math.ceil(size / chunkSize);
  async function* walk(id: Id, level: number, first: number): AsyncGenerator<NumberedChunk[]> {
    if (id === null) return;
    const span = pageSize ** level;
    const chunks: NumberedChunk[] = [];
    for (const [at, entry] of (await reader.page(id)).entries()) {
      const index = first + at * span;
      if (entry === null || index + span <= within.from || index >= within.to) continue;
      if (level > 0) yield* walk(entry, level - 1, index);
      else if (index < chunkCount) chunks.push({ id: entry, index });
      else throw new BaluchonError('vault', `damaged: disk ${disk} has pages beyond its end`);
    }
    if (chunks.length > 0) yield chunks;
  }
  yield* walk(root, depth - 1, 0);
}

/** Some thousand chunks of several disks at a time, sorted by the packs they are in: disks of one origin have the same chunks at about the same places. */
async function* byPack(reader: ChunkReader, disks: BundleDisk[], chunkSize: number): AsyncGenerator<ByPack> {
  const walks = disks.map((about) => chunksOf(reader, about, chunkSize));
  const next = await Promise.all(walks.map((walk) => walk.next()));
  let packs: ByPack = new Map();
  for (let count = 0; ; ) {
    const indices = next.map(({ done, value }) => (done ? Infinity : value[0]!.index));
    const disk = indices.indexOf(Math.min(...indices));
    const { done, value } = next[disk] ?? { done: true, value: undefined };
    if (done) break;
    const where = await reader.where!(value.map(({ id }) => id));
    for (const [nth, { id, index }] of value.entries()) {
      const pack = where[nth]!;
      const chunks = packs.get(pack) ?? new Map<string, Place[]>();
      packs.set(pack, chunks);
      const places = chunks.get(id);
      if (places) places.push({ disk, index });
      else chunks.set(id, [{ disk, index }]);
    }
    next[disk] = await walks[disk]!.next();
    count += value.length;
    if (count < sorted) continue;
    yield packs;
    packs = new Map();
    count = 0;
  }
  if (packs.size > 0) yield packs;
}

/** Writes disks to open, empty files, all of them at once, pack by pack. */
export async function writeDisks(reader: ChunkReader, disks: { about: BundleDisk; file: DiskFile }[], chunkSize: number): Promise<void> {
  const files = disks.map(({ about: { size }, file: { fd, direct } }) => ({ fd, direct, size }));
  for await (const packs of byPack(reader, disks.map(({ about }) => about), chunkSize)) {
    await reader.scatter!(packs, files, (disk, bytes) => disks[disk]!.file.wrote(bytes));
  }
}
