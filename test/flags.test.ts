import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { flags } from './flags.ts';

it('a checkout starts the program with what the installed one gives Node', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> };
  expect(flags.length).toBeGreaterThan(0);
  for (const script of ['baluchon', 'demo']) expect(scripts[script]?.split(' ').filter((word) => word.startsWith('--'))).toEqual(flags);
});

it("what the program loads of Node is taken as Node's build compiled it, though its heap was laid out by a flag", () => {
  const asked = `
    import { createRequire } from 'node:module';
    const { internalBinding } = createRequire('/')('internal/test/binding');
    process.on('exit', () => console.error(JSON.stringify([...internalBinding('builtins').getCacheUsage().compiledWithCache])));`;
  const start = new URL('../src/cli/start.mjs', import.meta.url).pathname;
  const { stderr } = spawnSync(process.execPath, [...flags, '--no-warnings', '--expose-internals', '--import', `data:text/javascript,${encodeURIComponent(asked)}`, start, '--version'], { encoding: 'utf8' });
  // By commander.
  expect(JSON.parse(stderr)).toContain('child_process');
});
