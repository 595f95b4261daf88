import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { journalPath, openJournal, readJournal } from '../../src/import/journal.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'journal-'))));
afterAll(() => rm(folder, { recursive: true }));

describe('the journal of an import', () => {
  test('is one for each bundle, project and renaming, where state belongs', () => {
    const env = { XDG_STATE_HOME: '/state' };
    expect(journalPath({ bundle: 'b', project: 'p' }, env)).toBe('/state/baluchon/imports/b-p.jsonl');
    expect(new Set([undefined, '{name}-2', '{name}-3'].map((rename) => journalPath({ bundle: 'b', project: 'p', ...(rename !== undefined && { rename }) }, env))).size).toBe(3);
  });

  test('tells what was begun, made and completed; what is made anew is what counts', async () => {
    const path = join(folder, 'a', 'deep', 'journal.jsonl');
    expect(await readJournal(path)).toEqual({});
    const journal = await openJournal(path);
    await Promise.all([journal.write('creating', 'x'), journal.write('created', 'x', '1'), journal.write('completed', 'x', '1'), journal.write('creating', 'y'), journal.write('created', 'y', '2'), journal.write('creating', 'z')]);
    await journal.write('creating', 'x');
    await journal.close();
    expect(await readJournal(path)).toEqual({ x: { complete: false }, y: { target: '2', complete: false }, z: { complete: false } });
  });

  test('cut off at any byte tells what was whole, and goes on', async () => {
    const path = join(folder, 'cut.jsonl');
    const journal = await openJournal(path);
    for (const id of ['x', 'y', 'z']) await journal.write('completed', id, `target of ${id}`);
    await journal.close();
    const text = await readFile(path, 'utf8');
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), async (length) => {
        await writeFile(path, text.slice(0, length));
        const before = await readJournal(path);
        const again = await openJournal(path);
        await again.write('completed', 'w', '9');
        await again.close();
        expect(await readJournal(path)).toEqual({ ...before, w: { target: '9', complete: true } });
        expect(Object.keys(before).length).toBeGreaterThanOrEqual(text.slice(0, length).split('\n').length - 1);
      }),
      { numRuns: 40 },
    );
  });

  test('with lines that are none of its own counts them as not written', async () => {
    const path = join(folder, 'odd.jsonl');
    await writeFile(path, 'null\n5\n[]\n{"id":1,"step":"created"}\n{"step":"other","id":"x"}\n\n');
    expect(await readJournal(path)).toEqual({});
  });

  test('that can\'t be written is told with its place', async () => {
    await mkdir(join(folder, 'taken.jsonl'));
    await expect(openJournal(join(folder, 'taken.jsonl'))).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('taken.jsonl: EISDIR') });
  });
});
