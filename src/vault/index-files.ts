import { seal, unsealSigned } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { sha256 } from './chunk.ts';
import { decompress, zstd } from './codec.ts';
import { layout, patterns } from './layout.ts';
import type { Session } from './session.ts';
import { chunkTable, type ChunkTable } from './table.ts';

/** Where every chunk lies: the union of the vault's index files. */
export interface Index {
  chunks: ChunkTable;
  /** Pack number -> SHA-256; undefined while the pack is being filled. */
  packs: (string | undefined)[];
  numbers: Map<string, number>;
  /** Damaged or unsigned index files: left out. */
  problems: string[];
}

export interface PackContents {
  sha256: string;
  ids: Buffer[];
}

const heading = 'baluchon-index/1';
const textLimit = 1 << 30;

/** Writes one index file. Returns its bytes' count. */
export async function writeIndex(session: Session, packs: PackContents[]): Promise<number> {
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

/** All index files together; with `usable`, only packs that it holds. What can't be read is named in `problems`. */
export async function loadIndex(session: Session, usable?: Set<string>): Promise<Index> {
  const index: Index = { chunks: chunkTable(), packs: [], numbers: new Map(), problems: [] };
  for await (const { name } of session.store.list('index/')) {
    const match = patterns.index.exec(name);
    if (!match) continue;
    try {
      for (const pack of await readIndexFile(session, name, match[1]!)) if (!usable || usable.has(pack.sha256)) addPack(index, pack);
    } catch (error) {
      if (!(error instanceof BaluchonError) || error.code !== 'vault') throw error;
      index.problems.push(error.message);
    }
  }
  return index;
}

export function addPack(index: Index, pack: PackContents): void {
  let number = index.numbers.get(pack.sha256);
  if (number === undefined) {
    number = index.packs.push(pack.sha256) - 1;
    index.numbers.set(pack.sha256, number);
  }
  for (const id of pack.ids) if (id.length === 32 && index.chunks.get(id) === undefined) index.chunks.set(id, number);
}
