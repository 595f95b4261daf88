import { readFileSync } from 'node:fs';

const words = readFileSync(new URL('../src/cli/start.mjs', import.meta.url), 'utf8').split('\n')[0]!.split(' ');

/** What the first line of the program gives Node. */
export const flags = words.filter((word) => word.startsWith('--'));
/** And its environment. */
export const environment: Record<string, string> = Object.fromEntries(words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split('=')));
