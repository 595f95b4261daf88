import { chunkTable, type ChunkTable } from './table.ts';

/** Where every chunk lies: the union of the vault's index files. */
export interface Index {
  chunks: ChunkTable;
  /** Pack number -> SHA-256; undefined while the pack is being filled. */
  packs: (string | undefined)[];
  numbers: Map<string, number>;
  /** Damaged or unsigned index files: left out. */
  problems: string[];
  /** From this machine's cache, which may leave something out. */
  cached: boolean;
}

export interface PackContents {
  sha256: string;
  ids: Buffer[];
}

export function emptyIndex(): Index {
  return { chunks: chunkTable(), packs: [], numbers: new Map(), problems: [], cached: false };
}

/** The first pack that a chunk was found in stays. */
export function addIndexed(index: Index, id: Uint8Array, number: number): void {
  index.chunks.add(id, number);
}

export function addPack(index: Index, pack: PackContents): void {
  let number = index.numbers.get(pack.sha256);
  if (number === undefined) {
    number = index.packs.push(pack.sha256) - 1;
    index.numbers.set(pack.sha256, number);
  }
  for (const id of pack.ids) if (id.length === 32) addIndexed(index, id, number);
}
