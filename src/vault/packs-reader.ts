import { digestOf, openPackBody, openSessionKeys, splitMessage } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { layout } from './layout.ts';
import { requireOwner, type Session } from './session.ts';
import { untar } from './tar.ts';

/** A pack in memory: chunk id in hex -> its bytes as stored. */
export interface OpenedPack {
  entries: Map<string, { bytes: Buffer; packed: boolean }>;
  bytes: number;
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
  return { entries, bytes: opened.length };
}

/** Packs kept in memory, least recently used out first, `limit` bytes together; a pack that several want is fetched once. */
export function packCache(session: Session, limit: number): { get(digest: string): Promise<OpenedPack> } {
  const held = new Map<string, OpenedPack>();
  const coming = new Map<string, Promise<OpenedPack>>();
  let bytes = 0;
  return {
    async get(digest) {
      const there = held.get(digest);
      if (there) {
        held.delete(digest);
        held.set(digest, there);
        return there;
      }
      let fetch = coming.get(digest);
      if (!fetch) {
        fetch = openPack(session, digest).then((pack) => {
          held.set(digest, pack);
          bytes += pack.bytes;
          for (const [name, old] of held) {
            if (bytes <= limit || name === digest) break;
            held.delete(name);
            bytes -= old.bytes;
          }
          return pack;
        });
        coming.set(digest, fetch);
        const done = () => coming.delete(digest);
        fetch.then(done, done);
      }
      return fetch;
    },
  };
}
