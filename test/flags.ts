import { readFileSync } from 'node:fs';

/** What the first line of the program gives Node. */
export const flags = readFileSync(new URL('../src/cli/start.mjs', import.meta.url), 'utf8').split('\n')[0]!.split(' ').filter((word) => word.startsWith('--'));
