import { randomBytes } from 'node:crypto';
import { envelopeLead, sealSessionKey } from '../keys/index.ts';
import { roomFor } from '../memory.ts';
import { perform } from './crew.ts';
import type { Index, PackContents } from './index-files.ts';
import { layout } from './layout.ts';
import { gate, type Gate } from './queue.ts';
import type { Session } from './session.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

/** Bytes of a pack's tar at most: it is closed when the next chunk does not fit. */
export const packBytes = 17 << 20;

/** What a pack of pages begins with: few fill up. */
export const pagesBegin = 1 << 20;

/** Room around a tar for what sealing adds, so that it can be done in place. */
const margin = 4096;

interface Seal {
  key: Buffer;
  keyPackets: Uint8Array;
}

interface OpenPack {
  number: number;
  seal: Seal;
  /** The tar lies where it can be sealed in place, the file at the beginning of the memory: it begins at `from` and has `room` for so many bytes, of which some are used. */
  memory: Buffer<ArrayBuffer>;
  from: number;
  room: number;
  used: number;
  ids: Buffer[];
}

export interface Packer {
  /** Adds a chunk, as stored: `packed` says whether its bytes are a zstd frame. Waits while packs on their way are too many. */
  add(id: Buffer, body: Uint8Array, packed: boolean): Promise<void>;
  /** Closes the open pack and waits until all are stored. */
  flush(): Promise<void>;
  /** Waits for the packs that are on their way, and drops the open one. */
  settle(): Promise<void>;
}

/** What packers share. */
export interface Lane {
  /**
   * At most two packs at once are sealed and put, whatever the number of packers: each is 17 MiB of memory, and with one alone
   * data that does not compress takes a third longer.
   */
  gate: Gate;
  /** Memory to use again. */
  spare: Buffer<ArrayBuffer>[];
}

export function packLane(): Lane {
  return { gate: gate(2), spare: [] };
}

function memoryFor(bytes: number): Buffer<ArrayBuffer> {
  return roomFor(bytes + tarEnd.length + margin);
}

function grow(pack: OpenPack): void {
  pack.room = Math.min(2 * pack.room, packBytes);
  const memory = memoryFor(pack.room);
  memory.set(pack.memory.subarray(0, pack.from + pack.used));
  pack.memory = memory;
}

/** Fills packs one after the other; a full one is sealed and put while the next is filled. `stored` is told of each. `room`: for how many bytes a new one has it. */
export function packer(session: Session, index: Index, lane: Lane, stored: (pack: PackContents & { bytes: number }) => Promise<void>, room = packBytes): Packer {
  const { certificate, sealing } = session;
  let open: OpenPack | undefined;
  /** The next one's. */
  let seal: Seal | undefined;
  let turning: Promise<void> | undefined;
  const running = new Set<Promise<void>>();
  let failure: { cause: unknown } | undefined;

  const ship = async (pack: OpenPack): Promise<void> => {
    const { from } = pack;
    pack.memory.set(tarEnd, from + pack.used);
    const { file, digest, memory } = await perform({ task: 'seal', ...pack.seal, memory: pack.memory, from, used: pack.used + tarEnd.length, sealing });
    const bytes = file.length;
    await session.store.put(layout.pack(digest), file);
    if (pack.room === packBytes) lane.spare.push(Buffer.from(memory.buffer));
    index.packs[pack.number] = digest;
    index.numbers.set(digest, pack.number);
    await stored({ sha256: digest, ids: pack.ids, bytes });
  };
  const prepare = async (): Promise<void> => {
    const key = randomBytes(32);
    seal = { key, keyPackets: await sealSessionKey(key, { certificates: [certificate] }, sealing) };
    turning = undefined;
  };
  const begin = (seal: Seal): OpenPack => {
    const memory = (room === packBytes && lane.spare.pop()) || memoryFor(room);
    const from = seal.keyPackets.length + envelopeLead(sealing, packBytes + tarEnd.length);
    return { number: index.packs.push(undefined) - 1, seal, memory, from, room, used: 0, ids: [] };
  };
  const turn = async (): Promise<void> => {
    const full = open;
    if (full) {
      await lane.gate.enter();
      open = undefined;
      const shipping = ship(full)
        .catch((cause: unknown) => {
          failure ??= { cause };
        })
        .finally(() => {
          lane.gate.leave();
          running.delete(shipping);
        });
      running.add(shipping);
    }
    turning = undefined;
  };
  const check = () => {
    if (failure) throw failure.cause;
  };

  return {
    async add(id, body, packed) {
      const padding = tarPadding(body.length);
      const size = 512 + body.length + padding.length;
      for (;;) {
        check();
        if (index.chunks.get(id) !== undefined) return;
        if (turning) await turning;
        else if (!open && !seal) await (turning = prepare());
        else if (open && open.used + size > packBytes) await (turning = turn());
        else break;
      }
      open ??= begin(seal!);
      seal = undefined;
      if (open.used + size > open.room) grow(open);
      for (const part of [tarHeader(id.toString('hex') + (packed ? '.zst' : ''), body.length), body, padding]) {
        open.memory.set(part, open.from + open.used);
        open.used += part.length;
      }
      open.ids.push(id);
      index.chunks.set(id, open.number);
    },
    async settle() {
      await turning;
      open = undefined;
      await Promise.all(running);
    },
    async flush() {
      if (turning) await turning;
      if (open) await (turning = turn());
      while (running.size > 0) await Promise.all(running);
      check();
    },
  };
}
