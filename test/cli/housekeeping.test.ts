import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { noise } from '../vault/kit.ts';
import { baluchon, type Ran } from './kit.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 90_000 });

let cwd = '';
const run = (...args: string[]): Promise<Ran> => baluchon(args, { cwd, env: { BALUCHON_IDENTITY: 'owner.asc' } });
/** A host that has no key. */
const keyless = (...args: string[]): Promise<Ran> => baluchon(args, { cwd });

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-house-'));
  const key = await generateIdentity('owner');
  await writeFile(join(cwd, 'owner.asc'), key.armor());
  await writeFile(join(cwd, 'owner.pub.asc'), key.toPublic().armor());
  await writeFile(join(cwd, 'a.raw'), noise(700_000, 'a'));
  await writeFile(join(cwd, 'b.raw'), noise(900_000, 'b'));
  expect(await run('init', 'vault', '--owner', 'owner.pub.asc')).toMatchObject({ exit: 0 });
  expect(await run('export', 'vault', '--disk', 'web=a.raw', '--tag', 'before-upgrade')).toMatchObject({ exit: 0 });
  expect(await run('export', 'vault', '--disk', 'web=b.raw')).toMatchObject({ exit: 0 });
});
afterAll(() => rm(cwd, { recursive: true }));

const packs = async (vault: string) => (await readdir(join(cwd, vault, 'packs'), { recursive: true })).filter((name) => name.endsWith('.pgp'));
const break_ = async (vault: string) => {
  for (const name of await packs(vault)) {
    const path = join(cwd, vault, 'packs', name);
    const body = await readFile(path);
    if (body.length < 500_000) continue;
    body[body.length >> 1]! ^= 1;
    await writeFile(path, body);
    return `packs/${name}`;
  }
  throw new Error('no pack to break');
};

describe('without keys', () => {
  test('verify --without-keys, copy, and copy again', async () => {
    expect((await keyless('verify', 'vault', '--without-keys')).out).toMatch(/^Whole: \d+ files, .*, all there and as written\.\nSignatures, .*take a key to check\.\n$/);
    expect((await keyless('copy', 'vault', 'shelf')).out).toMatch(/^Copied 2 bundles to shelf: \d+ files, 1\.\d MiB\.\n$/);
    expect(await keyless('copy', 'vault', 'shelf')).toEqual({ exit: 0, err: '', out: 'shelf has all of it already.\n' });
    expect(await keyless('verify', 'shelf', '--without-keys')).toMatchObject({ exit: 0 });
    expect(await keyless('verify', 'vault@latest', '--without-keys')).toMatchObject({ exit: 2 });
  });

  test('a damaged source: the file is named, all else is copied, exit code 5', async () => {
    await cp(join(cwd, 'vault'), join(cwd, 'broken'), { recursive: true });
    const broken = await break_('broken');
    expect(await keyless('verify', 'broken', '--without-keys')).toMatchObject({ exit: 5, out: expect.stringContaining(`! damaged: ${broken}`) });
    const { exit, out } = await keyless('copy', 'broken', 'partial', '--json');
    expect(exit).toBe(5);
    expect(JSON.parse(out)).toMatchObject({ format: 'baluchon-copy/1', bundles: [expect.stringContaining('bundles/')], problems: [`damaged: ${broken}`, expect.stringContaining('was not copied')] });
  });
});

describe('a damaged vault', () => {
  test('extract names the file; with --salvage it gives what is left and says what is lost; repair names it too; a copy mends it', async () => {
    const broken = (await readdir(join(cwd, 'broken', 'bundles'))).filter((name) => name.endsWith('.pgp')).map((name) => /-([0-9a-f]+)\./.exec(name)![1]!);
    let hit = 0;
    for (const id of broken) {
      const plain = await run('extract', `broken@${id}`, '-o', `out-${id}`);
      if (plain.exit === 0) continue;
      hit += 1;
      expect(plain).toMatchObject({ exit: 5, err: expect.stringMatching(/^baluchon: damaged: packs\//) });
      const salvaged = await run('extract', `broken@${id}`, '-o', `out-${id}`, '--salvage');
      expect(salvaged).toMatchObject({ exit: 5, out: expect.stringContaining('Extracted'), err: expect.stringMatching(/^baluchon: disk volume-[0-9a-f]+: bytes \d+-\d+ are lost and read as zeros\n/) });
    }
    expect(hit).toBe(1);
    const { exit, out } = await run('repair', 'broken');
    expect(exit).toBe(5);
    expect(out).toMatch(/^ {2}! damaged or gone: packs\/.*\n {2}! lost: [0-9a-f]{8}: disk volume-[0-9a-f]+: bytes \d+-\d+\n\nNot all could be mended\.\nA whole copy of the vault brings it back/);
    expect(await keyless('copy', 'shelf', 'broken')).toMatchObject({ exit: 0 });
    expect(await run('verify', 'broken', '--read-data')).toMatchObject({ exit: 0 });
    expect(await run('repair', 'broken')).toMatchObject({ exit: 0, out: 'Whole: nothing to mend in broken.\n' });
  });
});

describe('forget and prune', () => {
  test('list shows tags; forget without a rule, and of all there is, is refused', async () => {
    expect((await run('list', 'vault')).out).toMatch(/tags[^]*before-upgrade/);
    expect(await run('forget', 'vault')).toMatchObject({ exit: 2, err: expect.stringMatching(/^baluchon: nothing says which bundles to keep\n/) });
    expect(await run('forget', 'vault', '--keep-within', 'soon')).toMatchObject({ exit: 2 });
    expect(await run('forget', 'vault', '--keep-last', '-1')).toMatchObject({ exit: 2 });
    expect(await run('forget', 'vault@latest', '--keep-last', '1')).toMatchObject({ exit: 2 });
  });

  test('--dry-run says why, and changes nothing; a tag keeps', async () => {
    const { exit, out } = await run('forget', 'vault', '--keep-tag', 'before-upgrade', '--dry-run');
    expect(exit).toBe(0);
    expect(out).toMatch(/^keep +[0-9a-f]{8} .* tag before-upgrade\nkeep +[0-9a-f]{8} .* the newest of its project\n\nNothing to forget, 2 kept\.\n$/);
    expect((await run('forget', 'vault', '--keep-last', '1', '--dry-run')).out).toMatch(/^would forget +[^]*Would forget 1 bundle, 1 kept\.\n$/);
    expect(JSON.parse((await run('list', 'vault', '--json')).out)).toMatchObject({ bundles: [{ tags: ['before-upgrade'] }, {}] });
  });

  test('forgotten, marked, removed; what is left is whole; the last bundle stays', async () => {
    const before = await packs('vault');
    expect((await run('forget', 'vault', '--keep-last', '1')).out).toMatch(/^forgot .*\nkeep .*\n\nForgot 1 bundle, 1 kept\.\nWhat only they needed stays until: baluchon prune vault\n$/);
    expect((await keyless('prune', 'vault', '--dry-run')).out).toContain('would be marked, no bundle needs them: 2 files');
    expect(await packs('vault')).toEqual(before);
    expect((await keyless('prune', 'vault')).out).toMatch(/marked, no bundle needs them: 2 files[^]*What is marked is removed by a prune from \d{4}-/);
    expect(JSON.parse((await keyless('prune', 'vault', '--grace', '0', '--json')).out)).toMatchObject({ format: 'baluchon-prune/1', removed: { files: 2 }, kept: { files: 2 } });
    expect(await packs('vault')).toHaveLength(before.length - 2);
    expect(await run('verify', 'vault', '--read-data')).toMatchObject({ exit: 0 });
    expect(await run('forget', 'vault@latest')).toMatchObject({ exit: 2, err: expect.stringContaining('is the only bundle of') });
    expect(await run('prune', 'vault', '--repack')).toMatchObject({ exit: 0, out: expect.stringContaining('repacked: 0 packs') });
  });
});
