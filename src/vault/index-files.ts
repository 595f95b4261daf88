import { seal, unsealSigned } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { readIndexCache, writeIndexCache } from './cache.ts';
import { addPack, emptyIndex, type Index, type PackContents } from './chunk-index.ts';
import { sha256 } from './chunk.ts';
import { decompress, zstd } from './codec.ts';
import { layout, patterns } from './layout.ts';
import type { Session } from './session.ts';
export { addPack, type Index, type PackContents } from './chunk-index.ts';

const heading = 'baluchon-index/1';
const textLimit = 1 << 30;

/** Packs after which an index file is written, so that what a broken run has stored is found again. */
const indexEvery = 64;

/** Lists packs in index files: one for every 64, and one for what is left when it is flushed. */
export function indexWriter(session: Session): { add(pack: PackContents): Promise<void>; flush(): Promise<void>; readonly bytes: number } {
  let unlisted: PackContents[] = [];
  let bytes = 0;
  const flush = async () => {
    const packs = unlisted;
    unlisted = [];
    if (packs.length > 0) bytes += await writeIndex(session, packs);
  };
  return {
    async add({ sha256, ids }) {
      unlisted.push({ sha256, ids });
      if (unlisted.length >= indexEvery) await flush();
    },
    flush,
    /** Of the files written so far. */
    get bytes() {
      return bytes;
    },
  };
}

/** Writes one index file. Returns its bytes' count. */
async function writeIndex(session: Session, packs: PackContents[]): Promise<number> {
  const lines = [heading];
  for (const pack of packs) {
    lines.push(`pack ${pack.sha256}`);
    for (const id of pack.ids) lines.push(id.toString('hex'));
  }
  const text = Buffer.from(`${lines.join('\n')}\n`, 'latin1');
  const bytes = await seal(await zstd(text), { secret: session.secrets.index[0]! }, session.signer, session.sealing);
  await session.store.put(layout.index(sha256(bytes)), bytes);
  return bytes.length;
}

export async function readIndexFile(session: Session, name: string, digest: string): Promise<PackContents[]> {
  const bytes = await session.store.get(name);
  if (sha256(bytes) !== digest) throw new BaluchonError('vault', `damaged: ${name}`);
  for (const secret of session.secrets.index) {
    const opened = await unsealSigned(bytes, { secret }, session.trust.certificates);
    if (!opened) continue;
    session.trust.check(opened, name);
    const text = Buffer.from(await decompress(opened.data, textLimit)).toString('latin1').split('\n');
    if (text.shift() !== heading || text.pop() !== '') break;
    const packs: PackContents[] = [];
    for (const line of text) {
      if (line.startsWith('pack ')) packs.push({ sha256: line.slice(5), ids: [] });
      else packs.at(-1)?.ids.push(Buffer.from(line, 'hex'));
    }
    return packs;
  }
  throw new BaluchonError('vault', `damaged: ${name}`);
}

/**
 * All index files together; with `usable`, only packs that it holds. What can't be read is named in `problems`.
 * @param options.exact reads every file, whatever the cache has
 * @param options.keep writes what is new into the cache: for who loads all packs that are there
 */
export async function loadIndex(session: Session, usable?: Set<string>, options: { exact?: boolean; keep?: boolean } = {}): Promise<Index> {
  const files = new Map<string, string>();
  for await (const name of session.store.names('index/')) {
    const match = patterns.index.exec(name);
    if (match) files.set(match[1]!, name);
  }
  const known = session.cache && !options.exact ? await readIndexCache(session, session.cache, usable, new Set(files.keys())) : undefined;
  const index = known?.index ?? emptyIndex();
  index.cached = known !== undefined;
  const before = index.chunks.size;
  let fresh = 0;
  for (const [digest, name] of files) {
    if (known?.files.has(digest)) continue;
    fresh += 1;
    try {
      for (const pack of await readIndexFile(session, name, digest)) if (!usable || usable.has(pack.sha256)) addPack(index, pack);
    } catch (error) {
      if (!(error instanceof BaluchonError) || error.code !== 'vault') throw error;
      index.problems.push(error.message);
    }
  }
  // All of it is written again when enough has come.
  const enough = fresh > 64 || index.chunks.size - before > index.chunks.size / 8;
  if (options.keep && session.cache && fresh > 0 && enough && index.problems.length === 0) await writeIndexCache(session, session.cache, index, files.keys());
  return index;
}

