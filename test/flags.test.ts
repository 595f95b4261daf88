import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { flags } from './flags.ts';

it('a checkout starts the program with what the installed one gives Node', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> };
  expect(flags.length).toBeGreaterThan(0);
  for (const script of ['baluchon', 'demo']) expect(scripts[script]?.split(' ').filter((word) => word.startsWith('--'))).toEqual(flags);
});
