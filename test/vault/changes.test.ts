import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Extent } from '../../src/disk/disk.ts';
import { memoryStore } from '../../src/store/index.ts';
import { changedExtents, createVault, openVault, type Bundle, type DiskPages, type Vault } from '../../src/vault/index.ts';
import { pageBuilder, parsePage, type Id } from '../../src/vault/pages.ts';
import { about, chunk, disk, noise, source } from './kit.ts';

/** A disk whose chunks hold what the letters say (null: zeros), as the tree of pages that the vault would store. */
async function treeOf(letters: (string | null)[]): Promise<DiskPages> {
  const stored = new Map<string, Buffer>();
  const builder = pageBuilder(letters.length, async (text) => {
    const id = createHash('sha256').update(text).digest('hex');
    stored.set(id, text);
    return id;
  });
  for (const letter of letters) await builder.add(letter === null ? null : Buffer.from(letter).toString('hex').padStart(64, '0'));
  const { depth, root } = await builder.end();
  const page = async (id: string): Promise<Id[]> => parsePage(stored.get(id)!);
  return { size: letters.length * chunk, chunkSize: chunk, depth, root, page };
}

async function collect(extents: AsyncIterable<Extent>): Promise<Extent[]> {
  const all = [];
  for await (const extent of extents) all.push(extent);
  return all;
}

let vault: Vault;
const bytes = Buffer.concat([noise(chunk * 3, 'a'), Buffer.alloc(chunk * 1500), noise(chunk * 2 + 100, 'b')]);
const changed = Buffer.from(bytes);
changed[chunk + 5]! ^= 1;
changed[bytes.length - 1]! ^= 1;
const grown = Buffer.concat([bytes.subarray(0, chunk * 3), noise(7, 'c')]);
const bundles: Bundle[] = [];

beforeAll(async () => {
  const store = memoryStore();
  await createVault(store, { passphrases: ['p'] });
  vault = await openVault(store, { passphrase: 'p' });
  for (const each of [bytes, changed, grown]) {
    const writer = await vault.begin();
    await writer.addDisk(disk(each), about('volume-a', each.length));
    bundles.push(await vault.open((await writer.commit({ source, documents: [] })).id));
  }
});

describe('where two disks of a vault differ', () => {
  test('is told in whole chunks, the last one as long as it is', async () => {
    const [a, b] = bundles.map((bundle) => bundle.pages('volume-a'));
    expect(await collect(changedExtents(a!, b!))).toEqual([{ offset: chunk, length: chunk }, { offset: 1505 * chunk, length: 100 }]);
    expect(await collect(changedExtents(a!, a!))).toEqual([]);
  });

  test('also between disks whose trees are of different heights', async () => {
    const [a, , c] = bundles.map((bundle) => bundle.pages('volume-a'));
    expect([a!.depth, c!.depth]).toEqual([2, 1]);
    const expected = [{ offset: 3 * chunk, length: chunk }, { offset: 1503 * chunk, length: 2 * chunk + 100 }];
    expect(await collect(changedExtents(a!, c!))).toEqual(expected);
    expect(await collect(changedExtents(c!, a!))).toEqual(expected);
  });

  test('equal disks have equal roots, told with the bundle', () => {
    const [a, b] = bundles.map(({ disks }) => disks[0]!.root);
    expect(a).toMatch(/^[0-9a-f]{64}$/);
    expect(a).not.toBe(b);
  });

  test('is the same as comparing chunk by chunk', async () => {
    const letters = fc.array(fc.tuple(fc.constantFrom('x', 'y', null), fc.integer({ min: 1, max: 900 })), { maxLength: 6 }).map((runs) => runs.flatMap(([letter, count]) => Array.from({ length: count }, () => letter)));
    await fc.assert(
      fc.asyncProperty(letters, letters, async (a, b) => {
        const found = await collect(changedExtents(await treeOf(a), await treeOf(b)));
        const differing: number[] = [];
        for (let at = 0; at < Math.max(a.length, b.length); at++) if ((a[at] ?? null) !== (b[at] ?? null)) differing.push(at);
        const told = found.flatMap(({ offset, length }) => Array.from({ length: length / chunk }, (_, at) => offset / chunk + at));
        expect(told).toEqual(differing);
      }),
      { numRuns: 60 },
    );
  });
});
