import { release, roomFor, type Memory } from '../memory.ts';
import type { Store } from '../store/store.ts';
import { hands } from './crew.ts';
import { packBytes } from './packer.ts';

/*
 * Memory for packs, used again: given back and asked for anew each time, it comes to lie in pieces all over the process,
 * which then takes a third more.
 */

/** For a pack with what sealing it added. */
const size = packBytes + (64 << 10);
const spare: Buffer<ArrayBuffer>[] = [];

/** Small ones, and those of another size than ours, as they come. */
function takeRoom(bytes: number): Buffer<ArrayBuffer> {
  if (bytes < size / 2 || bytes > size) return Buffer.allocUnsafeSlow(bytes);
  return spare.pop() ?? roomFor(size);
}

/** Nobody looks into what it is part of any more. */
export function giveRoom(bytes: Memory): void {
  const room = Buffer.from(bytes.buffer);
  if (room.length === size && spare.length <= hands) spare.push(room);
  else release(room);
}

export interface Borrowed {
  bytes: Uint8Array;
  /** Whether the memory is ours alone, and no store's. */
  own: boolean;
  /** Afterwards nobody may look into it. */
  giveBack(): void;
}

/** A whole file, in memory that is used again. */
export async function borrowFile(store: Store, name: string): Promise<Borrowed> {
  let taken: Buffer | undefined;
  const bytes = await store.get(name, undefined, (length) => (taken = takeRoom(length)));
  const own = bytes.buffer === taken?.buffer;
  return { bytes, own, giveBack: () => own && giveRoom(bytes as Memory) };
}

/** What `work` makes of a whole file, of which it keeps nothing. */
export async function withFile<T>(store: Store, name: string, work: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
  const { bytes, giveBack } = await borrowFile(store, name);
  try {
    return await work(bytes);
  } finally {
    giveBack();
  }
}
