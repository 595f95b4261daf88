// The blocks of Unicode's EastAsianWidth.txt (W and F) that names are written in; \p{Emoji_Presentation} has the rest.
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const NOTHING = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;
// oxlint-disable-next-line no-control-regex
const PLAIN = /^[\x20-\x7e]*$/;
let segmenter: Intl.Segmenter | undefined;
/** Made when a text needs it: it costs every start 20 ms. */
const graphemes = (text: string) => (segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })).segment(text);

/** Columns a terminal needs for a text without control characters: 2 for wide characters and emoji, 0 for lone marks. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += NOTHING.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1;
  return width;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

/** The text, or as much of it as fits in so many columns, with an ellipsis. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const { segment } of graphemes(text)) {
    const more = displayWidth(segment);
    if (used + more > width - 1) break;
    out += segment;
    used += more;
  }
  return `${out}…`;
}

/** Lines of at most so many columns, broken at spaces, and inside a word only where it is longer than a line. */
export function wrap(text: string, width: number): string[] {
  if (displayWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) <= width) line = `${line} ${word}`;
    else {
      if (line !== '') lines.push(line);
      line = word;
    }
    for (let head = take(line, width); head.length < line.length; head = take(line, width)) {
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return [...lines, line];
}

function take(text: string, width: number): string {
  let out = '';
  let used = 0;
  for (const { segment } of graphemes(text)) {
    used += displayWidth(segment);
    if (used > width && out !== '') break;
    out += segment;
  }
  return out;
}
