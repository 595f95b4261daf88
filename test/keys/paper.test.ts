import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { looksLikePaper, newPaperKey, paperCode, paperLines, parsePaperKey } from '../../src/keys/index.ts';

const key = newPaperKey();
const page = paperLines(key).join('\n');

const error = (text: string): string => {
  try {
    parsePaperKey(text);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return '';
};

describe('a paper key', () => {
  test('is four numbered lines of four groups, of 240 random bits', () => {
    expect(paperLines(key)).toHaveLength(4);
    for (const [at, line] of paperLines(key).entries()) expect(line).toMatch(new RegExp(`^${at + 1}  ([0-9a-hjkmnp-tv-z]{4} ?){4}$`));
    expect(new Set(Array.from({ length: 50 }, newPaperKey)).size).toBe(50);
  });

  test.each([
    ['as printed', page],
    ['with words around it', `A vault of Baluchon\n2026-11-21\n\n  ${paperLines(key).join('\n  ')}\n\nKeep it safe.\n`],
    ['in capitals, with hyphens, points after the numbers', page.toUpperCase().replaceAll(/(?<=\w{4}) /g, '-').replaceAll(/^(\d) +/gm, '$1. ')],
    ['without numbers', page.replaceAll(/^\d +/gm, '')],
    ['as one word', key],
    ['with lines in any order', paperLines(key).toReversed().join('\r\n')],
    ['with o for 0 and l or I for 1', page.replaceAll(/(?<=^. .*)0/gm, 'o').replaceAll(/(?<=^. .*)1/gm, 'I')],
    ['scanned', paperCode(key)],
  ])('is read %s', (_, text) => {
    expect(looksLikePaper(text)).toBe(true);
    expect(parsePaperKey(text)).toBe(key);
  });

  test('no single slip of the hand passes, and the line is named', () => {
    const rows = paperLines(key).map((line) => line.slice(3).replaceAll(' ', ''));
    const typed = (line: number, row: string) => error(rows.map((one, at) => `${at + 1} ${at === line ? row : one}`).join('\n'));
    fc.assert(
      fc.property(fc.nat(3), fc.nat(15), fc.constantFrom(...'0123456789abcdefghjkmnpqrstvwxyz'), (line, at, char) => {
        const row = rows[line]!;
        fc.pre(row[at] !== char);
        expect(typed(line, row.slice(0, at) + char + row.slice(at + 1))).toBe(`the paper key: line ${line + 1} is mistyped`);
        expect(typed(line, row.slice(0, at) + row.slice(at + 1))).toBe(`the paper key: line ${line + 1} has 15 characters, not 16`);
        expect(typed(line, row + char)).toBe(`the paper key: line ${line + 1} has 17 characters, not 16`);
        const swapped = row.slice(0, at) + (row[at + 1] ?? '') + row[at] + row.slice(at + 2);
        if (swapped !== row) expect(typed(line, swapped)).toBe(`the paper key: line ${line + 1} is mistyped`);
      }),
      { numRuns: 300 },
    );
  });

  test('two lines in each other’s place are mistyped', () => {
    const [one, two, ...rest] = paperLines(key).map((line) => line.slice(3));
    expect(error([two, one, ...rest].join('\n'))).toBe('the paper key: line 1 is mistyped');
  });

  test.each([
    ['a line that is missing', paperLines(key).filter((_, at) => at !== 2).join('\n'), 'the paper key: line 3 is missing'],
    ['a character that is in no paper key', page.replace(/^2 {2}./m, '2  u'), 'the paper key: line 2: there is no "u" in a paper key'],
    ['two different lines of one number', `${page}\n4 abcd`, 'the paper key: line 4 is there twice'],
    ['nothing of the kind', 'hello\nthere', 'the paper key: no line of a paper key in it'],
  ])('%s is named', (_, text, message) => {
    expect(error(text)).toBe(message);
  });

  test('an OpenPGP key is not taken for one', () => {
    expect(looksLikePaper('-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxVgE\n1 abc\n')).toBe(false);
  });
});
