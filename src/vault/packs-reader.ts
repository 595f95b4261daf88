import { digestOf, openPackBody, openSessionKeys, own, release, splitMessage } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { layout } from './layout.ts';
import { packBytes } from './packer.ts';
import { gate } from './queue.ts';
import { requireOwner, type Session } from './session.ts';
import { untar } from './tar.ts';

/** A pack in memory: chunk id in hex -> its bytes as stored. */
export interface OpenedPack {
  entries: Map<string, { bytes: Buffer; packed: boolean }>;
  bytes: number;
  /** What the entries are parts of. */
  memory?: Buffer;
}

/**
 * Memory for packs that are looked into one after the other. Given back and asked for anew each time, it comes to lie in
 * pieces all over the process, which then takes a third more.
 */
export interface PackMemory {
  take(bytes: number): Buffer;
  /** Nobody looks into the pack any more. */
  give(pack: OpenedPack): void;
}

export function packMemory(): PackMemory {
  /** For a pack with what sealing it added. */
  const size = packBytes + (64 << 10);
  const spare: Buffer[] = [];
  return {
    take(bytes) {
      // Small ones, and those of another size than ours, as they come.
      if (bytes < size / 2 || bytes > size) return Buffer.allocUnsafeSlow(bytes);
      return spare.pop() ?? Buffer.allocUnsafeSlow(size);
    },
    give({ memory }) {
      if (memory?.length === size) spare.push(memory);
      else if (memory) release(memory);
    },
  };
}

/** Fetches a pack, checks its name, opens it. @throws vault, naming the file. */
export async function openPack(session: Session, digest: string, memory = packMemory()): Promise<OpenedPack> {
  requireOwner(session);
  const name = layout.pack(digest);
  const damaged = (cause?: unknown) => new BaluchonError('vault', `damaged: ${name}`, { cause });
  let taken: Buffer | undefined;
  const got = await session.store.get(name, undefined, (bytes) => (taken = memory.take(bytes)));
  const { file, digest: is } = await digestOf(taken?.buffer === got.buffer ? (got as Buffer<ArrayBuffer>) : own(got));
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
  return { entries, bytes: opened.length, memory: Buffer.from(opened.buffer) };
}

/** Opens packs one after the other: while one is looked into, the next is on its way. Whoever has looked gives its memory back. */
export async function* openAll(session: Session, digests: string[], memory: PackMemory): AsyncGenerator<{ digest: string; opening: Promise<OpenedPack> }> {
  const open = (digest: string | undefined) => {
    const opening = digest === undefined ? undefined : openPack(session, digest, memory);
    // It is awaited when its turn comes: until then a failure must not count as unhandled.
    opening?.catch(() => {});
    return opening;
  };
  let next = open(digests[0]);
  try {
    for (const [nth, digest] of digests.entries()) {
      const opening = next!;
      next = opening.then(() => open(digests[nth + 1]), () => open(digests[nth + 1])) as Promise<OpenedPack>;
      next.catch(() => {});
      yield { digest, opening };
    }
  } finally {
    await next?.catch(() => {});
  }
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

/** Packs that are on their way at once. */
const opening = 1;

/** Packs kept in memory, least recently used out first, `limit` bytes together; a pack that several want is fetched once. */
export function packCache(session: Session, limit: number, memory = packMemory()): PackCache {
  const held = new Map<string, Held>();
  const { enter, leave } = gate(opening);
  let bytes = 0;
  const drop = (one: Held) => {
    if (one.out && one.users === 0) one.pack.then(memory.give, () => {});
  };
  const take = (digest: string): Held => {
    const there = held.get(digest);
    if (there) {
      held.delete(digest);
      held.set(digest, there);
      return there;
    }
    const one: Held = { pack: enter().then(() => openPack(session, digest, memory).finally(leave)), bytes: 0, users: 0, out: false };
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
