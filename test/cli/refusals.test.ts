import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { seedTalk, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { baluchon, type Ran, type RunOptions } from './kit.ts';

let cwd = '';
let alpha: Sandbox;
let small: Sandbox;

const PACE = 0.2;
const run = (args: string[], options: Partial<RunOptions> = {}): Promise<Ran> => baluchon(args, { cwd, ...options, env: { BALUCHON_PASSPHRASE_FILE: 'pw', ...options.env } });

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-refusals-'));
  alpha = await startSandbox({ name: 'alpha', pace: PACE });
  small = await startSandbox({ name: 'small', pace: PACE, quotas: { compute: { instances: 1 } } });
  await seedTalk(alpha);
  await writeFile(join(cwd, 'clouds.yaml'), JSON.stringify({ clouds: { ...alpha.clouds(), ...small.clouds() } }));
  await writeFile(join(cwd, 'pw'), 'of the vault\n');
  await writeFile(join(cwd, 'wrong'), 'another\n');
  for (const args of [['init', './vault'], ['export', './vault', '--os-cloud', 'alpha', '--no-disks', '--only', 'server:mysql-*']]) {
    const { exit, err } = await run(args);
    expect(exit, err).toBe(0);
  }
});
afterAll(async () => {
  await Promise.all([alpha, small].map((sandbox) => sandbox.close()));
  await rm(cwd, { recursive: true });
});

describe('refused before anything is touched', () => {
  test('a wrong passphrase is exit code 5, and nothing more is said than that', async () => {
    expect(await run(['show', './vault', '--passphrase-file', 'wrong'])).toEqual({ exit: 5, out: '', err: 'baluchon: wrong passphrase or key\n' });
  });

  test('a mapping that names what does not exist is told line by line, before anything is created', async () => {
    await writeFile(join(cwd, 'bad.yaml'), 'flavors: {m1.nano: huge}\nnetworks: {ext-net: nowhere}\n');
    const { exit, out, err } = await run(['import', './vault', '--os-cloud', 'small', '--map', 'bad.yaml', '--yes']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toMatch(/huge/);
    expect(err).toMatch(/nowhere/);
    expect(small.state.servers.size).toBe(0);
  });

  test('a quota that is too small is told by plan, and import refuses with exit code 4 before anything is created', async () => {
    const plan = await run(['plan', './vault', '--os-cloud', 'small']);
    expect(plan.exit, plan.err).toBe(1);
    expect(plan.out).toMatch(/^ {2}servers .*does not fit$/m);
    const refused = await run(['import', './vault', '--os-cloud', 'small', '--yes']);
    expect(refused.exit).toBe(4);
    expect(refused.err).toMatch(/^baluchon: quota too small on small: servers \(2 needed, 1 free\)\n {2}nothing was changed; /m);
    expect(small.state.servers.size).toBe(0);
  });

  test('an import that is under way already: exit code 4, who is at it, and nothing is created', async () => {
    const { bundle, target } = JSON.parse((await run(['plan', './vault', '--os-cloud', 'small', '--json'])).out);
    const folder = join(cwd, 'baluchon', 'imports');
    const journal = join(folder, `${bundle.id}-${target.project.id}.jsonl`);
    await mkdir(folder, { recursive: true });
    const at = new Date().toISOString();
    await writeFile(journal, `${JSON.stringify({ step: 'begin', run: 'another', pid: process.pid, host: hostname(), at })}\n`);
    const { exit, out, err } = await run(['import', './vault', '--os-cloud', 'small', '--yes']);
    expect({ exit, out }).toEqual({ exit: 4, out: '' });
    expect(err).toBe(`baluchon: this bundle is being imported into this project already, by process ${process.pid} on ${hostname()} since ${at}\n  wait for it, or end it; where there is no such import any more, remove the line with another from ${journal}\n`);
    expect(small.state.servers.size).toBe(0);
    await rm(journal);
    // What is refused for another reason is no import under way.
    for (let time = 0; time < 2; time++) expect((await run(['import', './vault', '--os-cloud', 'small', '--yes'])).err).toContain('quota too small');
  });

  test('a bundle that is not in the vault: one line, and none of a stack', async () => {
    const { exit, out, err } = await run(['show', './vault@ffff0000']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toMatch(/^baluchon: .*ffff0000.*\n( {2}.*\n)?$/);
  });
});

describe('Ctrl-C', () => {
  test('during an export: exit code 130, one line, nothing left on the cloud, no bundle', async () => {
    const before = (await run(['list', './vault', '--json'])).out;
    let sent = false;
    const { exit, err } = await run(['export', './vault', '--os-cloud', 'alpha', '--verbose'], {
      onErr: (text, kill) => {
        if (sent || !/snapshot/.test(text)) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(sent, err).toBe(true);
    expect(exit, err).toBe(130);
    expect(err).toContain('warning: stopping, removing temporary snapshots, volumes and images on alpha; once more to stop at once\n');
    expect(err).toMatch(/^baluchon: interrupted/m);
    await alpha.idle();
    expect(alpha.leftovers('baluchon-tmp-')).toEqual([]);
    expect((await run(['list', './vault', '--json'])).out).toBe(before);
  });
});

test('cleanup lists what a crash left with --dry-run, removes it with --yes, and nothing else', async () => {
  const cloud = await connect({ env: alpha.env(), cwd });
  const volumes = await cloud.service('volume');
  for (const name of ['baluchon-tmp-0badcafe-volume', 'mine']) await volumes.post('/volumes', { volume: { name, size: 1 } });
  await cloud.close();
  await alpha.idle();
  const dry = await run(['cleanup', '--os-cloud', 'alpha', '--dry-run']);
  expect(dry).toMatchObject({ exit: 0, out: expect.stringMatching(/^volume {2}baluchon-tmp-0badcafe-volume {2}\S+\n\n1 temporary resource on alpha, project miop\.\n$/) });
  expect(alpha.leftovers('baluchon-tmp-')).toHaveLength(1);
  expect(await run(['cleanup', '--os-cloud', 'alpha', '--yes'])).toMatchObject({ exit: 0, out: expect.stringContaining('Removed 1 temporary resource from alpha') });
  expect(alpha.leftovers('baluchon-tmp-')).toEqual([]);
  expect(alpha.leftovers('mine')).toHaveLength(1);
  expect(await run(['cleanup', '--os-cloud', 'alpha', '--yes'])).toMatchObject({ exit: 0, out: 'Nothing temporary is left on alpha, project miop.\n' });
});
