const idBytes = 32;
const entryBytes = idBytes + 4;
const slabEntries = 1 << 13;
export const slabBytes = slabEntries * entryBytes;

/**
 * Chunk id -> number of the pack that holds it. 36 bytes an entry in slabs that never move, and 5 to 10 for the slots:
 * at most 46 bytes a chunk.
 */
export interface ChunkTable {
  readonly size: number;
  /** The pack's number, or undefined. */
  get(id: Uint8Array): number | undefined;
  /** Adds where it is not there. */
  add(id: Uint8Array, pack: number): void;
  /** Adds or changes. */
  set(id: Uint8Array, pack: number): void;
  /** All entries, some thousands at once: 32 bytes of id and 4 of the number, least first. */
  entries(): Iterable<Uint8Array>;
  /** The places by hash, as `TableParts` has them. */
  readonly slots: Uint32Array<ArrayBuffer>;
  /** Bytes held. */
  readonly bytes: number;
}

const place = (entry: number) => (entry % slabEntries) * entryBytes;
// Ids are HMACs: any four bytes of them are a good hash.
const start = (bytes: Uint8Array, at: number) => ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** A table as it lies in memory; slabs are of `slabBytes`, the last as well. */
export interface TableParts {
  slabs: Buffer[];
  size: number;
  slots: Uint32Array<ArrayBuffer>;
}

/** @param from a table's parts, taken over as they are */
export function chunkTable(from: TableParts = { slabs: [], size: 0, slots: new Uint32Array(1 << 10) }): ChunkTable {
  const { slabs } = from;
  let { size, slots } = from;

  const slab = (entry: number) => slabs[Math.floor(entry / slabEntries)]!;

  /** The slot of an id: that of its entry (1 + its number), or the empty one where it would go. */
  const find = (id: Uint8Array): number => {
    const mask = slots.length - 1;
    let slot = start(id, 0) & mask;
    for (;;) {
      const held = slots[slot]!;
      if (held === 0) return slot;
      const at = place(held - 1);
      const bytes = slab(held - 1);
      // Neighbours differ in other bytes than those that chose the slot; a whole comparison costs ten times as much.
      if (bytes[at + 4] === id[4] && bytes[at + 5] === id[5] && bytes.compare(id, 0, idBytes, at, at + idBytes) === 0) return slot;
      slot = (slot + 1) & mask;
    }
  };
  const grow = () => {
    slots = new Uint32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < size; entry++) {
      let slot = start(slab(entry), place(entry)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
  };

  const put = (free: number, id: Uint8Array, pack: number) => {
    let slot = free;
    if (size + 1 > slots.length * 0.8) {
      grow();
      slot = find(id);
    }
    if (size === slabs.length * slabEntries) slabs.push(Buffer.allocUnsafeSlow(slabEntries * entryBytes));
    const at = place(size);
    const bytes = slab(size);
    for (let byte = 0; byte < idBytes; byte++) bytes[at + byte] = id[byte]!;
    bytes.writeUInt32LE(pack, at + idBytes);
    size += 1;
    slots[slot] = size;
  };

  return {
    get size() {
      return size;
    },
    get bytes() {
      return slabs.length * slabEntries * entryBytes + slots.byteLength;
    },
    get slots() {
      return slots;
    },
    *entries() {
      for (let first = 0; first < size; first += slabEntries) yield slab(first).subarray(0, Math.min(slabEntries, size - first) * entryBytes);
    },
    get(id) {
      const held = slots[find(id)]!;
      return held === 0 ? undefined : slab(held - 1).readUInt32LE(place(held - 1) + idBytes);
    },
    add(id, pack) {
      const slot = find(id);
      if (slots[slot] === 0) put(slot, id, pack);
    },
    set(id, pack) {
      const slot = find(id);
      const held = slots[slot]!;
      if (held === 0) put(slot, id, pack);
      else slab(held - 1).writeUInt32LE(pack, place(held - 1) + idBytes);
    },
  };
}
