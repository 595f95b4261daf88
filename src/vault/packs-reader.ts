import { digestOf, openPackBody, openSessionKeys, release, splitMessage } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { layout } from './layout.ts';
import { requireOwner, type Session } from './session.ts';
import { untar } from './tar.ts';

/** A pack in memory: chunk id in hex -> its bytes as stored. */
export interface OpenedPack {
  entries: Map<string, { bytes: Buffer; packed: boolean }>;
  bytes: number;
  /** What the entries are parts of: for `release`, when nobody looks into them any more. */
  memory?: Uint8Array;
}

/** Fetches a pack, checks its name, opens it. @throws vault, naming the file. */
export async function openPack(session: Session, digest: string): Promise<OpenedPack> {
  requireOwner(session);
  const name = layout.pack(digest);
  const damaged = (cause?: unknown) => new BaluchonError('vault', `damaged: ${name}`, { cause });
  const { file, digest: is } = await digestOf(await session.store.get(name));
  if (is !== digest) throw damaged();
  const parts = splitMessage(file);
  if (!parts) throw damaged();
  const opened = await openPackBody(file, parts.body.byteOffset - file.byteOffset, await openSessionKeys(parts.keyPackets, { keys: session.secrets.keys }));
  if (!opened) throw damaged();
  const entries: OpenedPack['entries'] = new Map();
  try {
    for (const { name: entry, body } of untar(opened)) {
      const packed = entry.endsWith('.zst');
      entries.set(packed ? entry.slice(0, -4) : entry, { bytes: body, packed });
    }
  } catch (cause) {
    throw damaged(cause);
  }
  return { entries, bytes: opened.length, memory: new Uint8Array(opened.buffer) };
}

export interface PackCache {
  get(digest: string): Promise<OpenedPack>;
  /** The pack while `work` runs: its memory is given back some time after, so nothing of it may be kept. */
  use<T>(digest: string, work: (pack: OpenedPack) => T | Promise<T>): Promise<T>;
}

interface Held {
  pack: Promise<OpenedPack>;
  bytes: number;
  /** Who uses it now; never none for one that was handed out. */
  users: number;
  out: boolean;
}

/** Packs kept in memory, least recently used out first, `limit` bytes together; a pack that several want is fetched once. */
export function packCache(session: Session, limit: number): PackCache {
  const held = new Map<string, Held>();
  let bytes = 0;
  const drop = (one: Held) => {
    if (one.out && one.users === 0) one.pack.then(({ memory }) => memory && release(memory), () => {});
  };
  const take = (digest: string): Held => {
    const there = held.get(digest);
    if (there) {
      held.delete(digest);
      held.set(digest, there);
      return there;
    }
    const one: Held = { pack: openPack(session, digest), bytes: 0, users: 0, out: false };
    held.set(digest, one);
    one.pack.then(
      (pack) => {
        one.bytes = pack.bytes;
        bytes += pack.bytes;
        for (const [name, old] of held) {
          if (bytes <= limit) break;
          // Those still coming count when they are there.
          if (old === one || old.bytes === 0) continue;
          held.delete(name);
          bytes -= old.bytes;
          old.out = true;
          drop(old);
        }
      },
      () => held.delete(digest),
    );
    return one;
  };
  return {
    async get(digest) {
      const one = take(digest);
      one.users += 1;
      return one.pack;
    },
    async use(digest, work) {
      const one = take(digest);
      one.users += 1;
      try {
        return await work(await one.pack);
      } finally {
        one.users -= 1;
        drop(one);
      }
    },
  };
}
