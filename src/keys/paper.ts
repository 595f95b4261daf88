import { createHash, randomBytes } from 'node:crypto';
import { BaluchonError } from '../errors.ts';

/** Crockford's base 32: no I, L, O, U; what a hand or an eye takes for another is read as meant. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const meant: Record<string, string> = { i: '1', l: '1', o: '0' };
const lines = 4;
const dataChars = 12;
const checkChars = 4;
const lineChars = dataChars + checkChars;

/**
 * A paper key: four lines of 16 characters, of which the last 4 check the line and its place; 240 random bits in all. The
 * passphrase that it stands for is the 64 characters in lower case, one after the other: so any OpenPGP program takes it.
 */
export function newPaperKey(): string {
  const bytes = randomBytes(lines * dataChars);
  return Array.from({ length: lines }, (_, line) => {
    const data = Array.from(bytes.subarray(line * dataChars, (line + 1) * dataChars), (byte) => alphabet[byte & 31]!).join('');
    return data + checkOf(line, data);
  }).join('');
}

/** The lines of a paper key as they are printed and typed: `1  k7qd x2mp 9a4t w3fz`. */
export function paperLines(key: string): string[] {
  return Array.from({ length: lines }, (_, line) => `${line + 1}  ${key.slice(line * lineChars, (line + 1) * lineChars).match(/.{4}/g)!.join(' ')}`);
}

/** What the QR code holds: its characters all belong to the code's denser alphabet. */
export function paperCode(key: string): string {
  return `BALUCHON-PAPER/1 ${key.toUpperCase()}`;
}

/** Whether a text is meant to be a paper key, rather than an OpenPGP key. */
export function looksLikePaper(text: string): boolean {
  return !text.includes('-----BEGIN PGP') && (/baluchon-paper\/1/i.test(text) || numbered(text).length > 0 || text.replace(/[\s-]/g, '').length === lines * lineChars);
}

/**
 * Reads a paper key, typed or scanned: the printed page as a whole, its four lines with or without their numbers, or the text of
 * the QR code. Case, spaces and hyphens don't matter.
 * @throws usage, naming the line that is missing or mistyped.
 */
export function parsePaperKey(text: string, where = 'the paper key'): string {
  const bad = (what: string, hint = 'compare it with the paper, character by character') => new BaluchonError('usage', `${where}: ${what}`, { hint });
  const found = pick(text);
  if (found.length === 0) throw bad('no line of a paper key in it', 'type its four lines, each with its number in front');
  let key = '';
  for (let line = 1; line <= lines; line++) {
    const given = found.filter((one) => one.line === line);
    if (given.length === 0) throw bad(`line ${line} is missing`);
    if (new Set(given.map((one) => one.text)).size > 1) throw bad(`line ${line} is there twice`);
    const typed = given[0]!.text;
    const strange = [...typed].find((char) => !alphabet.includes(char));
    if (strange !== undefined) throw bad(`line ${line}: there is no "${/^[!-~]$/.test(strange) ? strange : '?'}" in a paper key`);
    if (typed.length !== lineChars) throw bad(`line ${line} has ${typed.length} characters, not ${lineChars}`);
    if (checkOf(line - 1, typed.slice(0, dataChars)) !== typed.slice(dataChars)) throw bad(`line ${line} is mistyped`);
    key += typed;
  }
  return key;
}

const plain = (text: string) => [...text.toLowerCase().replace(/[\s-]/g, '')].map((char) => meant[char] ?? char).join('');

function numbered(text: string): { line: number; text: string }[] {
  return [...text.matchAll(/^[^\S\n]*([1-4])(?:[.:)][^\S\n]*|[^\S\n]+)(\S.*)$/gm)].map((match) => ({ line: Number(match[1]), text: plain(match[2]!) }));
}

function pick(text: string): { line: number; text: string }[] {
  const byNumber = numbered(text);
  if (byNumber.length > 0) return byNumber;
  const code = /baluchon-paper\/1\s+(\S+)/i.exec(text)?.[1];
  const rows = (code ?? text).split('\n').filter((row) => row.trim() !== '');
  const all = rows.length === 1 ? plain(rows[0]!).match(new RegExp(`.{1,${lineChars}}`, 'g')) ?? [] : rows.map(plain);
  return rows.length === 1 || rows.length === lines ? all.map((row, index) => ({ line: index + 1, text: row })) : [];
}

/** 20 bits of the SHA-256 of the line and its number: no one slip passes, and hardly ever several. */
function checkOf(line: number, data: string): string {
  const digest = createHash('sha256').update(`baluchon-paper/1 ${line + 1} ${data}`, 'latin1').digest();
  const bits = digest.readUIntBE(0, 3) >> 4;
  return Array.from({ length: checkChars }, (_, at) => alphabet[(bits >> (15 - 5 * at)) & 31]!).join('');
}
