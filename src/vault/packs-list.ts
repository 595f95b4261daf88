import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { layout, patterns } from './layout.ts';

/** Up to so many packs are named in the list itself, more in lists of lists that bundles share. */
const inline = 128;

/** What a bundle's clear list says. `sha256sum -c` reads the same text. */
export interface PacksList {
  /** Id of the vault. */
  vault: string;
  /** Manifests that came before and that no other had named. */
  previous: string[];
  /** SHA-256 of every pack, lists of packs resolved. */
  packs: string[];
  /** SHA-256 of the lists of packs it refers to. */
  lists: string[];
}

const line = (digest: string, name: string) => `${digest}  ${name}\n`;

/**
 * The text of a bundle's list, and the shared lists that must be stored before it. Sorted pack names are cut into shared
 * lists after each name whose last hex digits are a multiple of 128: adding a pack changes one list of some 128.
 */
export function packsText(vault: string, previous: string[], packs: string[]): { text: Buffer; lists: { name: string; body: Buffer }[] } {
  const sorted = packs.toSorted();
  const lists: { name: string; body: Buffer }[] = [];
  let body = '';
  if (sorted.length <= inline) for (const pack of sorted) body += line(pack, layout.pack(pack));
  else {
    let group = '';
    for (const [at, pack] of sorted.entries()) {
      group += line(pack, layout.pack(pack));
      if (Number.parseInt(pack.slice(-2), 16) % 128 !== 0 && at < sorted.length - 1) continue;
      const text = Buffer.from(group, 'latin1');
      const digest = sha256(text);
      lists.push({ name: layout.list(digest), body: text });
      body += line(digest, layout.list(digest));
      group = '';
    }
  }
  const head = [`# baluchon-packs/1 ${vault}\n`, ...previous.toSorted().map((name) => `# previous ${name}\n`)].join('');
  const lines = Buffer.from(head + body, 'latin1');
  return { text: Buffer.concat([lines, Buffer.from(`# end ${sha256(lines)}\n`, 'latin1')]), lists };
}

/** The lines of a list, checked against its own last line. @throws vault, naming the file. */
export function parsePacks(bytes: Uint8Array, file: string): PacksList {
  const text = Buffer.from(bytes);
  const end = /# end ([0-9a-f]{64})\n$/.exec(text.toString('latin1', Math.max(0, text.length - 71)));
  const lines = text.subarray(0, text.length - 71);
  const vault = /^# baluchon-packs\/1 ([0-9a-f]*)\n/.exec(lines.toString('latin1', 0, 60))?.[1];
  if (!end || sha256(lines) !== end[1] || vault === undefined) throw new BaluchonError('vault', `damaged: ${file}`);
  const { packs, lists } = parseSums(lines, file);
  const previous = [...lines.toString('latin1').matchAll(/^# previous (.*)$/gm)].map((match) => match[1]!);
  return { vault, previous, packs, lists };
}

function parseSums(bytes: Uint8Array, file: string): { packs: string[]; lists: string[] } {
  const packs: string[] = [];
  const lists: string[] = [];
  for (const text of Buffer.from(bytes).toString('latin1').split('\n')) {
    if (text === '' || text.startsWith('#')) continue;
    const [digest, name] = text.split('  ');
    if (digest && name === layout.pack(digest) && patterns.pack.test(name)) packs.push(digest);
    else if (digest && name === layout.list(digest) && patterns.list.test(name)) lists.push(digest);
    else throw new BaluchonError('vault', `damaged: ${file}: not a line of a list of packs`);
  }
  return { packs, lists };
}

/** A bundle's list with the lists it refers to. `damaged` is told of lists that can't be read, which are then left out. */
export async function readPacks(store: Store, file: string, damaged: (message: string) => void): Promise<PacksList & { sha256: string }> {
  const bytes = await store.get(file);
  const list = parsePacks(bytes, file);
  for (const digest of list.lists) {
    const name = layout.list(digest);
    try {
      const text = await store.get(name);
      if (sha256(text) !== digest) throw new BaluchonError('vault', `damaged: ${name}`);
      list.packs.push(...parseSums(text, name).packs);
    } catch (error) {
      if (!(error instanceof BaluchonError) || error.code !== 'vault') throw error;
      damaged(error.message);
    }
  }
  return { ...list, sha256: sha256(bytes) };
}
