import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plain } from '../../src/report/look.ts';
import { safe } from '../../src/report/safe.ts';
import { table } from '../../src/report/table.ts';
import { clip, displayWidth, pad, wrap } from '../../src/report/width.ts';

// oxlint-disable-next-line no-control-regex
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe('text from strangers', () => {
  test.each([
    ['a title for the window', '\u001b]0;owned\u0007', String.raw`\x1b]0;owned\x07`],
    ['a screen wiped', '\u001b[2J\u001b[H', String.raw`\x1b[2J\x1b[H`],
    ['an eight-bit escape', '\u009b31m', String.raw`\x9b31m`],
    ['a reversed extension', 'invoice\u202efdp.exe', String.raw`invoice\u{202e}fdp.exe`],
    ['a second line', 'web\nPlan: nothing to do', String.raw`web\nPlan: nothing to do`],
    ['half a character', 'a\ud800b', String.raw`a\u{d800}b`],
  ])('is written out: %s', (_, name, shown) => {
    expect(safe(name)).toBe(shown);
  });

  test('of any language is left as it is', () => {
    for (const name of ['Loïc', '負荷分散', 'база', '데이터', 'حاسوب', 'नमस्ते', 'web 🚀']) expect(safe(name)).toBe(name);
  });

  test('does nothing to a terminal, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !HARMFUL.test(safe(text))));
  });

  test('does nothing to a terminal out of a table either', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), { minLength: 1 }), (rows) => table([{}, {}], rows, { ...plain, width: 80 }).every((line) => !HARMFUL.test(line))));
  });
});

describe('columns', () => {
  test.each([
    ['web', 3],
    ['負荷', 4],
    ['Loïc', 4],
    ['Loi\u0308c', 4],
    ['🚀', 2],
    ['👨‍👩‍👧', 2],
    ['데이터', 6],
  ])('%s takes %i', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('stay aligned after wide characters', () => {
    expect(table([{ title: 'name' }, { title: 'size', align: 'right' }], [['負荷', '1'], ['web', '10']], plain)).toEqual(['name  size', '負荷     1', 'web     10']);
  });

  test('are folded in the last one, under its beginning', () => {
    expect(table([{}, {}], [['a', 'one two three four five six seven']], { ...plain, width: 22 })).toEqual(['a  one two three four', '   five six seven']);
  });

  test('a wrapped text loses nothing but the spaces it is broken at, and fits', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z負荷]{1,30}$/), { minLength: 1 }), fc.integer({ min: 4, max: 40 }), (words, width) => {
        const lines = wrap(words.join(' '), width);
        return lines.every((line) => displayWidth(line) <= width) && lines.join('').replaceAll(' ', '') === words.join('');
      }),
    );
  });

  test('a clipped or padded text has the width it is to have', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zé負荷 ]*$/), fc.integer({ min: 2, max: 40 }), (text, width) => {
        expect(displayWidth(clip(text, width))).toBeLessThanOrEqual(width);
        expect(displayWidth(pad(clip(text, width), width))).toBe(width);
      }),
    );
  });
});
