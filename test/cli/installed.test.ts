import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flags } from '../flags.ts';
import { noise } from '../vault/kit.ts';

const root = new URL('../..', import.meta.url).pathname;
const run = promisify(execFile);

describe('the program as it is installed', () => {
  const place = mkdtempSync(join(tmpdir(), 'baluchon-installed-'));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const env = { ...process.env, XDG_CACHE_HOME: join(place, 'cache'), XDG_STATE_HOME: join(place, 'state') };
  const baluchon = (...args: string[]) => run(process.execPath, [...flags, join(place, 'dist/src/cli/start.mjs'), ...args], { cwd: place, env });

  beforeAll(async () => {
    await run(process.execPath, [join(root, 'node_modules/rolldown/bin/cli.mjs'), '-c', '--dir', join(place, 'dist/src/cli')], { cwd: root });
    for (const part of ['package.json', 'docs/recover']) cpSync(join(root, part), join(place, 'dist', part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  });
  afterAll(() => rmSync(place, { recursive: true }));

  it('packs a disk and gives it back', async () => {
    expect((await baluchon('--version')).stdout).toBe(`${version}\n`);
    const bytes = Buffer.concat([noise(3 << 20, 'disk'), Buffer.alloc(1 << 20), noise(700_001, 'end')]);
    writeFileSync(join(place, 'disk.raw'), bytes);
    writeFileSync(join(place, 'passphrase'), 'a passphrase\n');
    const key = ['--passphrase-file', 'passphrase'];
    await baluchon('init', 'vault', ...key);
    expect(readdirSync(join(place, 'vault'))).toContain('recover.sh');
    await baluchon('export', 'vault', '--disk', 'data=disk.raw', ...key);
    expect((await baluchon('verify', 'vault', '--read-data', ...key)).stdout).toContain('Whole');
    await baluchon('extract', 'vault', '-o', 'out', ...key);
    const [file] = readdirSync(join(place, 'out/disks'));
    expect(readFileSync(join(place, 'out/disks', file!)).equals(bytes)).toBe(true);
  });

  it('starts a thread with what threads need, and no more', async () => {
    const thread = readdirSync(join(place, 'dist/src/cli')).filter((name) => name.startsWith('tasks-'));
    expect(thread).toHaveLength(1);
    const loaded = new Set<string>();
    const load = (name: string) => {
      if (loaded.has(name)) return;
      loaded.add(name);
      for (const [, other] of readFileSync(join(place, 'dist/src/cli', name), 'utf8').matchAll(/^(?:import|export) .*?from "\.\/(.*?)";$/gm)) load(other!);
    };
    load(thread[0]!);
    expect(loaded.size).toBeGreaterThan(1);
    const bytes = [...loaded].reduce((sum, name) => sum + readFileSync(join(place, 'dist/src/cli', name)).length, 0);
    expect(bytes).toBeLessThan(60_000);
  });

  it('is a library too', async () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: { '.': { default: string } } };
    const names = Object.keys((await import(join(place, exports['.'].default))) as object);
    expect(names.sort()).toEqual(Object.keys((await import('../../src/index.ts')) as object).sort());
  });
});
