import { randomBytes } from 'node:crypto';
import { encipher, sealSessionKey } from '../keys/index.ts';
import { sha256 } from './chunk.ts';
import type { Index, PackContents } from './index-files.ts';
import { layout } from './layout.ts';
import { gate, type Gate } from './queue.ts';
import type { Session } from './session.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

/** Bytes of a pack's tar at most: it is closed when the next chunk does not fit. */
export const packBytes = 17 << 20;

interface OpenPack {
  number: number;
  tar: Buffer;
  used: number;
  ids: Buffer[];
}

export interface Packer {
  /** Adds a chunk, as stored: `packed` says whether its bytes are a zstd frame. Waits while packs on their way are too many. */
  add(id: Buffer, body: Uint8Array, packed: boolean): Promise<void>;
  /** Closes the open pack and waits until all are stored. */
  flush(): Promise<void>;
}

/** At most two packs at once are sealed and put, whatever the number of packers. */
export function packLane(): Gate {
  return gate(2);
}

/** Fills packs one after the other; a full one is sealed and put while the next is filled. `stored` is told of each. */
export function packer(session: Session, index: Index, lane: Gate, stored: (pack: PackContents & { bytes: number }) => Promise<void>): Packer {
  const { certificate, sealing } = session;
  let open: OpenPack | undefined;
  let turning: Promise<void> | undefined;
  const running = new Set<Promise<void>>();
  let failure: { cause: unknown } | undefined;

  const ship = async (pack: OpenPack): Promise<void> => {
    const key = randomBytes(32);
    const keyPackets = await sealSessionKey(key, { certificates: [certificate] }, sealing);
    const bytes = encipher(key, [pack.tar.subarray(0, pack.used), tarEnd], { keyPackets, sealing });
    const digest = sha256(bytes);
    await session.store.put(layout.pack(digest), bytes);
    index.packs[pack.number] = digest;
    index.numbers.set(digest, pack.number);
    await stored({ sha256: digest, ids: pack.ids, bytes: bytes.length });
  };
  const turn = async (): Promise<void> => {
    const full = open;
    if (full) {
      await lane.enter();
      open = undefined;
      const shipping = ship(full)
        .catch((cause: unknown) => {
          failure ??= { cause };
        })
        .finally(() => {
          lane.leave();
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
        else if (open && open.used + size > packBytes) await (turning = turn());
        else break;
      }
      open ??= { number: index.packs.push(undefined) - 1, tar: Buffer.allocUnsafeSlow(packBytes), used: 0, ids: [] };
      for (const part of [tarHeader(id.toString('hex') + (packed ? '.zst' : ''), body.length), body, padding]) {
        open.tar.set(part, open.used);
        open.used += part.length;
      }
      open.ids.push(id);
      index.chunks.set(id, open.number);
    },
    async flush() {
      if (turning) await turning;
      if (open) await (turning = turn());
      while (running.size > 0) await Promise.all(running);
      check();
    },
  };
}
