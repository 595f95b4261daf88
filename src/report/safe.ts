// Names come from clouds and bundles, so from strangers: what could move the cursor, recolour the screen, reverse the
// reading direction or hide itself is written out instead.
// oxlint-disable-next-line no-control-regex, no-misleading-character-class
const HOSTILE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}|[\u{e0000}-\u{e007f}]/gu;

/** One line of text that does nothing to a terminal: control, bidirectional and invisible characters become `\x1b`, `\u{202e}`. */
export function safe(text: string): string {
  return text.replace(HOSTILE, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\r') return '\\r';
    if (character === '\t') return '\\t';
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
