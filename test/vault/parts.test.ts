import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/tenant/document.ts';
import { compactTime, expandTime } from '../../src/vault/layout.ts';
import { packsText, parsePacks } from '../../src/vault/packs-list.ts';
import { pageBuilder, pageDepth, pageText, parsePage } from '../../src/vault/pages.ts';
import { chunkTable } from '../../src/vault/table.ts';
import { tar, untar } from '../../src/vault/tar.ts';
import { parseYaml, yaml } from '../../src/vault/yaml.ts';

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));

describe('pages', () => {
  test('text and back, zeros in runs', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(id, fc.constant(null)), { maxLength: 200 }), (ids) => {
        if (ids.length > 0) expect(parsePage(pageText(ids))).toEqual(ids);
      }),
    );
    const a = 'a'.repeat(64);
    expect(pageText([a, null, null, null, a, null]).toString()).toBe(`${a}\n- 3\n${a}\n-\n`);
  });

  test.each(['', 'abc\n', `${'a'.repeat(64)}`, `${'A'.repeat(64)}\n`, '- 0\n', '- 1025\n', '-1\n', `${'-\n'.repeat(1025)}`])('%j is no page', (text) => {
    expect(() => parsePage(Buffer.from(text))).toThrow('damaged');
  });

  test('one level up to 1,024 chunks, two up to 1,048,576', () => {
    expect([0, 1, 1024, 1025, 2 ** 20, 2 ** 20 + 1, 2 ** 30].map(pageDepth)).toEqual([1, 1, 1, 2, 2, 3, 3]);
  });

  test('a tree gives each chunk at its place, and a page of zeros is not stored', async () => {
    const stored = new Map<string, Buffer>();
    const store = async (text: Buffer) => {
      const name = String(stored.size).padStart(64, '0');
      stored.set(name, text);
      return name;
    };
    const chunks = 1024 * 3 + 5;
    const pages = pageBuilder(chunks, store);
    const at = new Map([[0, 'a'.repeat(64)], [2500, 'b'.repeat(64)], [chunks - 1, 'c'.repeat(64)]]);
    for (let number = 0; number < chunks; number++) await pages.add(at.get(number) ?? null);
    const { depth, root } = await pages.end();
    expect(depth).toBe(2);
    const top = parsePage(stored.get(root!)!);
    expect(top).toHaveLength(4);
    expect(top[1]).toBeNull();
    expect(stored.size).toBe(4);
    for (const [number, wanted] of at) expect(parsePage(stored.get(top[number >> 10]!)!)[number & 1023]).toBe(wanted);
    expect(parsePage(stored.get(top[3]!)!)).toHaveLength(5);
    const zeros = pageBuilder(chunks, store);
    await zeros.zeros(chunks);
    expect(await zeros.end()).toEqual({ depth: 2, root: null });
    const none = pageBuilder(0, store);
    expect(await none.end()).toEqual({ depth: 1, root: null });
  });

  test('zeros given by their count are the same as one by one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(1500), fc.nat(3)), { maxLength: 6 }), async (runs) => {
        const chunks = runs.reduce((sum, [zeros, ids]) => sum + zeros + ids, 0);
        const trees = [];
        for (const single of [true, false]) {
          const stored: string[] = [];
          const pages = pageBuilder(chunks, async (text) => String(stored.push(text.toString())).padStart(64, '0'));
          for (const [zeros, ids] of runs) {
            if (single) for (let left = zeros; left > 0; left--) await pages.add(null);
            else await pages.zeros(zeros);
            for (let left = ids; left > 0; left--) await pages.add('f'.repeat(64));
          }
          trees.push({ end: await pages.end(), stored });
        }
        expect(trees[0]).toEqual(trees[1]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the table of chunks', () => {
  test('holds what a map holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), fc.nat(2 ** 32 - 1)), { maxLength: 3000 }), (pairs) => {
        const table = chunkTable();
        const map = new Map<number, number>();
        const key = (number: number) => Buffer.alloc(32, `${number}.`);
        for (const [number, pack] of pairs) {
          table.set(key(number), pack);
          map.set(number, pack);
        }
        expect(table.size).toBe(map.size);
        for (let number = 0; number < 450; number++) expect(table.get(key(number))).toBe(map.get(number));
      }),
      { numRuns: 20 },
    );
  });

  test('takes less than 64 bytes a chunk', () => {
    const table = chunkTable();
    let worst = 0;
    for (let count = 0; count < 300_000; count++) {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32BE(Math.imul(count, 2654435761) >>> 0);
      bytes.writeUInt32LE(count, 8);
      table.set(bytes, count);
      if (count > 40_000) worst = Math.max(worst, table.bytes / (count + 1));
    }
    expect(table.size).toBe(300_000);
    expect(worst).toBeLessThan(56);
  });
});

describe('the clear list of packs', () => {
  const names = (count: number) => Array.from({ length: count }, () => randomBytes(32).toString('hex'));

  test.each([0, 1, 128, 129, 2000])('of %i packs: text and back, previous bundles included', (count) => {
    const packs = names(count);
    const { text, lists } = packsText('f'.repeat(32), ['bundles/x.pgp'], packs);
    const parsed = parsePacks(text, 'x.packs');
    const shared = lists.flatMap(({ body }) => body.toString().trimEnd().split('\n').map((line) => line.slice(0, 64)));
    expect([...parsed.packs, ...shared].sort()).toEqual(packs.toSorted());
    expect(parsed.previous).toEqual(['bundles/x.pgp']);
    expect(parsed.lists.length > 0).toBe(count > 128);
  });

  test('one more pack changes some kilobytes of a long one', () => {
    const packs = names(20_000);
    const before = new Set(packsText('', [], packs).lists.map(({ name }) => name));
    const { lists, text } = packsText('', [], [...packs, ...names(1)]);
    const changed = lists.filter(({ name }) => !before.has(name));
    expect(changed.length).toBeLessThanOrEqual(2);
    expect(changed.reduce((sum, { body }) => sum + body.length, text.length)).toBeLessThan(200_000);
  });

  test('cut at a line, it is damaged, not shorter', () => {
    const { text } = packsText('', [], names(5));
    const lines = text.toString().split('\n');
    for (let count = 0; count < lines.length - 1; count++) expect(() => parsePacks(Buffer.from(`${lines.slice(0, count).join('\n')}\n`), 'a.packs')).toThrow('damaged: a.packs');
  });
});

describe('yaml', () => {
  test('any JSON comes back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // YAML has no minus zero among its integers.
        const plain = JSON.parse(JSON.stringify(value)) as Json;
        expect(parseYaml(yaml(plain), 'x')).toEqual(plain);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(parseYaml(yaml({ text }), 'x')).toEqual({ text })), { numRuns: 500 });
  });

  test.each(['yes', 'no', '0123', '0x1F', '1e5', '~', 'null', '2026-11-21', '1_000', '.inf', '- a', 'a: b', '#x', '', ' x', '0o17', '=', '<<', '12:30:45', 'line\nbreak', 'a\r\nb', '\u0085', '\u2028', '\ufeff', '\ud800'.toWellFormed()])('the string %j stays a string', (text) => {
    expect(parseYaml(yaml({ [text]: text }), 'x')).toEqual({ [text]: text });
  });

  test('the same value gives the same bytes, whatever the order of its keys', () => {
    expect(yaml({ b: 1, a: { d: 1, c: 2 } })).toBe(yaml({ a: { c: 2, d: 1 }, b: 1 }));
  });
});

describe('tar', () => {
  test('is what GNU tar reads', () => {
    const archive = tar([['a/b.yaml', Buffer.from('one')], ['empty', Buffer.alloc(0)], ['x'.repeat(100), Buffer.alloc(512, 'y')]]);
    const listed = spawnSync('tar', ['-tvf', '-'], { input: archive });
    expect(String(listed.stderr)).toBe('');
    expect(String(listed.stdout)).toMatch(/^-rw-r--r-- 0\/0 +3 2001-09-09 01:46 a\/b\.yaml\n/);
    expect(String(spawnSync('tar', ['-xOf', '-', 'a/b.yaml'], { input: archive }).stdout)).toBe('one');
    expect([...untar(archive)].map(({ name, body }) => [name.length, body.length])).toEqual([[8, 3], [5, 0], [100, 512]]);
  });

  test('a cut one is damaged', () => {
    const archive = tar([['a', Buffer.alloc(2000)]]);
    for (const length of [0, 100, 512, 1000, archive.length - 1024]) expect(() => [...untar(archive.subarray(0, length))]).toThrow('damaged');
  });
});

test('times in names', () => {
  expect(compactTime('2026-11-21T12:04:19Z')).toBe('20261121T120419Z');
  expect(expandTime('20261121T120419Z')).toBe('2026-11-21T12:04:19Z');
});

