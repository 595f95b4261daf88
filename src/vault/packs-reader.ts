import { CannotWrite } from '../disk/disk.ts';
import { BaluchonError } from '../errors.ts';
import { openSessionKeys, splitMessage, type SessionKey } from '../keys/index.ts';
import type { Memory } from '../memory.ts';
import { hands, perform } from './crew.ts';
import { layout } from './layout.ts';
import { packBytes } from './packer.ts';
import { pageBytes } from './pages.ts';
import { gate, ordered } from './queue.ts';
import { borrowFile, giveRoom } from './rooms.ts';
import { requireOwner, type Session } from './session.ts';
import { untar } from './tar.ts';
import type { LookJob } from './tasks.ts';

/** A pack in memory: chunk id in hex -> its bytes as stored. */
export interface OpenedPack {
  entries: Map<string, { bytes: Buffer; packed: boolean }>;
  bytes: number;
  /** What the entries are parts of. */
  memory?: Memory;
}

interface Fetched {
  file: Uint8Array<ArrayBuffer>;
  digest: string;
  body: number;
  keys: SessionKey[];
}

/** A pack's file and what opens it. @throws vault, naming the file. */
async function fetchPack(session: Session, digest: string): Promise<Fetched> {
  requireOwner(session);
  const { bytes, own } = await borrowFile(session.store, layout.pack(digest));
  // Handing over memory that others look into as well would empty it for them.
  const file = (own || bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)) as Uint8Array<ArrayBuffer>;
  const parts = splitMessage(file);
  if (!parts) throw damaged(digest);
  return { file, digest, body: parts.body.byteOffset - file.byteOffset, keys: await openSessionKeys(parts.keyPackets, { keys: session.secrets.keys }) };
}

function damaged(digest: string, cause?: unknown): BaluchonError {
  return new BaluchonError('vault', `damaged: ${layout.pack(digest)}`, { cause });
}

/** Fetches a pack, checks its name, opens it. @throws vault, naming the file. */
export async function openPack(session: Session, digest: string): Promise<OpenedPack> {
  const { literal } = await perform({ task: 'open', ...(await fetchPack(session, digest)) });
  if (!literal) throw damaged(digest);
  const entries: OpenedPack['entries'] = new Map();
  try {
    for (const { name: entry, body } of untar(Buffer.from(literal.buffer, literal.byteOffset, literal.length))) {
      const packed = entry.endsWith('.zst');
      entries.set(packed ? entry.slice(0, -4) : entry, { bytes: body, packed });
    }
  } catch (cause) {
    throw damaged(digest, cause);
  }
  return { entries, bytes: literal.length, memory: literal };
}

/** Packs on their way to the hands, besides those they have: one may take longer to come than a hand takes for it. Who writes holds as much of what is on its way out. */
const fetched = { read: 2, write: 1 };
/** Results that wait for that of a pack before theirs: a disk that is written to as well may take long for one, and the hands go on meanwhile. */
const results = 4 * (hands + fetched.read);

/**
 * Looks through packs, as many at once as there are hands: every chunk is opened and checked against its
 * id, or those wanted only, which are written to their places. The result of each, or what it failed with, comes in order.
 */
export function lookThrough(
  session: Session,
  digests: Iterable<string>,
  to?: (digest: string) => NonNullable<LookJob['to']>,
): AsyncGenerator<{ digest: string; ids: Promise<{ good: string[]; bad: string[] }> }> {
  const { dedup } = session.secrets;
  const limit = Math.max(session.header.profile.chunk_size, pageBytes);
  // Packs wait here, not behind others with a hand: whichever is free first takes the next.
  const { enter, leave } = gate(hands);
  const look = async (digest: string): Promise<{ good: string[]; bad: string[] }> => {
    const pack = await fetchPack(session, digest);
    await enter();
    const done = await perform({ task: 'look', ...pack, dedup, limit, ...(to && { to: to(digest) }) }).finally(leave);
    giveRoom(done.memory);
    if (done.failed) throw new CannotWrite(done.failed.fd, done.failed);
    if (!done.good || !done.bad) throw damaged(digest);
    return { good: done.good, bad: done.bad };
  };
  return ordered(digests, results, async (digest) => {
    const ids = look(digest);
    await ids.catch(() => {});
    return { digest, ids };
  }, hands + (to ? fetched.write : fetched.read));
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

/** Packs kept in memory, least recently used out first, `limit` bytes together with one that is on its way; a pack that several want is fetched once. */
export function packCache(session: Session, limit: number): PackCache {
  const held = new Map<string, Held>();
  const { enter, leave } = gate(opening);
  let bytes = 0;
  const drop = (one: Held) => {
    if (one.out && one.users === 0) one.pack.then((pack) => pack.memory && giveRoom(pack.memory), () => {});
  };
  const makeRoom = (wanted: number, but?: Held) => {
    for (const [name, old] of held) {
      if (bytes + wanted <= limit) break;
      // Those still coming count when they are there.
      if (old === but || old.bytes === 0) continue;
      held.delete(name);
      bytes -= old.bytes;
      old.out = true;
      drop(old);
    }
  };
  const take = (digest: string): Held => {
    const there = held.get(digest);
    if (there) {
      held.delete(digest);
      held.set(digest, there);
      return there;
    }
    const open = async (): Promise<OpenedPack> => {
      await enter();
      try {
        makeRoom(packBytes);
        return await openPack(session, digest);
      } finally {
        leave();
      }
    };
    const one: Held = { pack: open(), bytes: 0, users: 0, out: false };
    held.set(digest, one);
    one.pack.then(
      (pack) => {
        one.bytes = pack.bytes;
        bytes += pack.bytes;
        // One that is larger than ours are.
        makeRoom(0, one);
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
