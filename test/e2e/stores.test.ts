import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { seedTalk, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { baluchon } from './command.ts';

let folder = '';
let source: Sandbox;
let keeper: Sandbox;
const vault = 'swift://backups/miop?cloud=keeper';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baluchon-stores-'));
  source = await startSandbox({ name: 'source' });
  keeper = await startSandbox({ name: 'keeper' });
  await seedTalk(source);
  await writeFile(join(folder, 'clouds.yaml'), JSON.stringify({ clouds: { ...source.clouds(), ...keeper.clouds() } }));
  // A key opens a vault at once, a passphrase takes its time by intent.
  const key = await generateIdentity('owner', new Date());
  await writeFile(join(folder, 'owner.asc'), key.toPublic().armor());
  await writeFile(join(folder, 'key.asc'), key.armor());
});
afterAll(async () => {
  await source.close();
  await keeper.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => baluchon(args, { cwd: folder, env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), BALUCHON_IDENTITY: join(folder, 'key.asc') } });

test('every command takes a vault in a container of one cloud and a project on another', async () => {
  const before = await run('list', vault);
  expect(before).toMatchObject({ code: 5, stderr: expect.stringContaining('there is no container "backups"') });
  expect(keeper.state.containers.size).toBe(0);

  expect(await run('init', vault, '--owner', 'owner.asc')).toMatchObject({ code: 0 });
  const made = await run('export', vault, '--os-cloud', 'source', '--only', 'volume', '--limit-upload', '100M');
  expect(made.code, made.stderr).toBe(0);
  expect([...keeper.state.containers.get('backups')!.objects.keys()].every((name) => name.startsWith('miop/'))).toBe(true);
  expect(source.state.containers.size).toBe(0);

  const [{ bundles }, shown, verified, planned] = (await Promise.all([run('list', vault, '--json'), run('show', `${vault}@latest`), run('verify', vault), run('plan', vault, '--os-cloud', 'keeper')])).map((one, at) => (at === 0 ? JSON.parse(one.stdout) : one));
  expect(bundles).toHaveLength(1);
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('volume') });
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('Whole:') });
  expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining('to create') });

  expect(await run('extract', vault, '-o', 'out')).toMatchObject({ code: 0 });
  expect(await readdir(join(folder, 'out/disks'))).not.toEqual([]);
  const back = await run('import', vault, '--os-cloud', 'keeper', '--yes');
  expect(back.code, back.stderr).toBe(0);
  expect(keeper.state.volumes.size).toBeGreaterThan(0);
});

test('credentials that are missing are asked for by their names', async () => {
  expect(await run('list', 's3://backups')).toMatchObject({ code: 2, stderr: expect.stringContaining('AWS_ACCESS_KEY_ID') });
  expect(await run('list', 'swift://backups?cloud=nowhere')).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere') });
});

test.each(['fast', '0', '-1', '5X', ''])('%j is no limit on uploads', async (rate) => {
  expect(await run('export', './vault', '--limit-upload', rate)).toMatchObject({ code: 2, stderr: expect.stringContaining('500K') });
});
