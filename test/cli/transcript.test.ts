import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seedTalk, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { baluchon, type Ran, type RunOptions } from './kit.ts';

let cwd = '';
let alpha: Sandbox;
let beta: Sandbox;

const PACE = 0.2;
const run = (args: string[], options: Partial<RunOptions> = {}): Promise<Ran> => baluchon(args, { cwd, ...options, env: { BALUCHON_PASSPHRASE_FILE: 'pw', ...options.env } });

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-cli-'));
  alpha = await startSandbox({ name: 'alpha', pace: PACE });
  beta = await startSandbox({
    name: 'beta',
    projectName: 'miop-next',
    externalNetwork: { name: 'public', cidr: '203.0.113.0/24' },
    volumeTypes: ['standard'],
    flavors: [{ name: 'b2.s', vcpus: 1, ram: 256, disk: 2 }],
    pace: PACE,
  });
  await seedTalk(alpha);
  await writeFile(join(cwd, 'clouds.yaml'), JSON.stringify({ clouds: { ...alpha.clouds(), ...beta.clouds() } }));
  await writeFile(join(cwd, 'pw'), 'of the vault\n');
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sandbox) => sandbox.close()));
  await rm(cwd, { recursive: true });
});

describe('the main job, command by command', () => {
  test('init makes a vault, and not a second one in its place', async () => {
    const first = await run(['init', './vault']);
    expect(first.exit, first.err).toBe(0);
    expect(first.out).toContain('Created the vault ./vault.');
    expect((await run(['init', './vault'])).exit).toBe(2);
  });

  test('export packs the project, leaves nothing behind, and says what it could not see', async () => {
    const { exit, out, err } = await run(['export', './vault', '--os-cloud', 'alpha']);
    expect(exit, err).toBe(0);
    expect(out).toMatch(/^ {2}mysql-storage +1 GiB +/m);
    expect(out).toMatch(/unknown {2}\d servers user_data: /);
    expect(out).toMatch(/^Packed miop from alpha into \.\/vault@[0-9a-f]{8} in /m);
    expect(alpha.leftovers('baluchon-tmp-')).toEqual([]);
  });

  test('list, show and show KIND/NAME tell what is in it', async () => {
    expect((await run(['list', './vault'])).out).toMatch(/^[0-9a-f]{8} {2}\d{4}-.* miop@alpha /m);
    const tree = (await run(['show', './vault'])).out;
    expect(tree).toMatch(/^network talk-net/m);
    expect(tree).toMatch(/^ {3}├─ server load-balancer .*\n {3}│ {2}└─ port 10\.1\.0\.10 .*\n {3}│ {5}└─ floating IP 198\.51\.100\.\d+/m);
    expect((await run(['show', './vault', 'volume/mysql-storage'])).out).toMatch(/^id: volume-[0-9a-f]{12}$[^]*^kind: volume$/m);
    expect(await run(['show', './vault', 'volume/nope'])).toMatchObject({ exit: 2, err: 'baluchon: the bundle holds no volume called nope\n  it holds: mysql-storage\n' });
  });

  test('map writes a mapping file that plan and import take', async () => {
    const { exit, out, err } = await run(['map', './vault', '--os-cloud', 'beta']);
    expect(exit, err).toBe(0);
    expect(out).toMatch(/^ {2}ext-net: public\b/m);
    await writeFile(join(cwd, 'map.yaml'), out);
  });

  test('plan touches nothing, and ends with a line that counts', async () => {
    const { exit, out, err } = await run(['plan', './vault', '--os-cloud', 'beta', '--map', 'map.yaml']);
    expect(exit, err).toBe(0);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^Plan: \d+ to create, \d+ mapped/);
    expect(beta.state.servers.size).toBe(0);
  });

  test('import shows the plan, does it, and ends with fidelity and addresses', async () => {
    const { exit, out, err } = await run(['import', './vault', '--os-cloud', 'beta', '--map', 'map.yaml', '--yes']);
    expect(exit, err).toBe(0);
    expect(out).toMatch(/^Plan: [^]*^fidelity {2}\d+ kept, \d+ mapped, 0 degraded, 0 lost, \d+ unknown$[^]*^ {2}198\.51\.100\.\d+ +203\.0\.113\.\d+ +load-balancer$[^]*^Done: /m);
    expect(beta.state.servers.size).toBe(4);
    expect(beta.leftovers('baluchon-tmp-')).toEqual([]);
  });

  test('import run again creates nothing', async () => {
    const { exit, out, err } = await run(['import', './vault', '--os-cloud', 'beta', '--map', 'map.yaml', '--yes', '--json']);
    expect(exit, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ format: 'baluchon-import/1', created: [], failed: [], blocked: [] });
    expect(beta.state.servers.size).toBe(4);
  });

  test('diff tells what the mapping changed, with exit code 1, and nothing of a bundle and itself', async () => {
    const { exit, out } = await run(['diff', './vault', 'cloud:beta']);
    expect(exit).toBe(1);
    expect(out).toMatch(/^~ server php-1\n {4}\/flavor {2}"m1\.nano" -> "b2\.s"$/m);
    expect(await run(['diff', './vault', './vault'])).toMatchObject({ exit: 0, out: 'No difference between ./vault and ./vault.\n' });
  });

  test('extract writes documents and sparse disks, and nothing into a folder that holds something', async () => {
    const { exit, out, err } = await run(['extract', './vault', '-o', 'out']);
    expect(exit, err).toBe(0);
    expect(out).toMatch(/^Extracted \d+ documents and \d disks \(\d GiB as raw\) into out\.$/m);
    const documents = await readdir(join(cwd, 'out', 'documents', 'server'));
    expect(documents).toHaveLength(4);
    expect(await readFile(join(cwd, 'out', 'documents', 'server', documents[0] ?? ''), 'utf8')).toMatch(/^id: server-/);
    expect(await run(['extract', './vault', '-o', 'out'])).toMatchObject({ exit: 2, err: expect.stringMatching(/^baluchon: out is not empty\n/) });
  });

  test('--json gives one document on stdout, --progress ndjson one object a line on stderr', async () => {
    const { exit, out, err } = await run(['export', './vault', '--os-cloud', 'alpha', '--json', '--progress', 'ndjson', '--only', 'volume']);
    expect(exit, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ format: 'baluchon-export/1', disks: [{ name: 'mysql-storage', new_bytes: 0 }] });
    const events = err.trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string; id?: string });
    const of = (type: string): string[] => events.filter((event) => event.type === type).map(({ id }) => id ?? '').sort();
    expect(of('start').length).toBeGreaterThan(0);
    expect(of('end')).toEqual(of('start'));
  });

  test('a reader of stdout that goes away stops nothing', async () => {
    const { exit, err } = await run(['show', './vault'], { deaf: true });
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
  });
});
