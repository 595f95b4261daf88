import { renderSVG, renderUnicodeCompact } from 'uqr';
import { safe } from './safe.ts';

/** A paper key and what one has to know to use it in twenty years. */
export interface PaperPage {
  /** Where the vault is, as its owner calls it. */
  place: string;
  vault: string;
  root: string;
  /** `paper-2` */
  key: string;
  /** UTC, RFC 3339. */
  made: string;
  /** Numbered, grouped, as they are typed. */
  lines: string[];
  /** What the QR code holds. */
  code: string;
}

const quality = { ecc: 'M', border: 2 } as const;

const how = [
  'Whoever holds this page can read the vault: keep it as you keep money.',
  '',
  'To open the vault, scan the code into a file, or type the four lines into',
  'one, numbers and all. The last four characters of a line check it; there is',
  'no letter o, i, l or u. Then:',
  '',
  '    baluchon list VAULT --paper FILE',
  '    sh recover.sh --paper FILE OUT          (in the vault, without Baluchon)',
  '',
  'By hand, with GnuPG: the passphrase of keys/pass-*.pgp in the vault is the',
  '64 characters of the four lines in lower case, without numbers and spaces.',
];

const about = ({ place, vault, root, key, made }: PaperPage) => [`vault  ${safe(place)}`, `id     ${vault}`, `root   ${root}`, `made   ${made} (${key})`];

/** One page of text, its QR code of half blocks: light ones on a terminal that is dark, dark ones on paper. */
export function paperText(page: PaperPage, terminal = false): string {
  return ['Paper key of a vault of Baluchon', '', ...about(page), '', ...page.lines.map((line) => `    ${line}`), '', ...how, '', renderUnicodeCompact(page.code, { ...quality, invert: !terminal }), ''].join('\n');
}

export function paperSvg(page: PaperPage): string {
  return renderSVG(page.code, quality);
}

/** One page to print; nothing in it is fetched from anywhere. */
export function paperHtml(page: PaperPage): string {
  const text = (lines: string[]) => lines.map((line) => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;')).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Paper key of a vault of Baluchon</title>
<style>
@page { size: auto; margin: 20mm }
body { font: 11pt/1.4 sans-serif; max-width: 170mm; margin: auto; color: #000; background: #fff }
pre { font: 10pt/1.4 monospace; white-space: pre-wrap }
pre.key { font: 16pt/1.7 monospace; border: 1px solid; padding: 4mm 8mm }
svg { width: 60mm; height: 60mm }
</style>
<h1>Paper key of a vault of Baluchon</h1>
<pre>
${text(about(page))}
</pre>
<pre class="key">
${text(page.lines)}
</pre>
${paperSvg(page)}
<pre>
${text(how)}
</pre>
</html>
`;
}
