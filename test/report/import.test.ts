import { describe, expect, test } from 'vitest';
import type { ActionType, ImportReport, Plan } from '../../src/import/types.ts';
import { exportText } from '../../src/report/export.ts';
import { importText } from '../../src/report/fidelity.ts';
import { plain } from '../../src/report/look.ts';
import { planText, RUNES } from '../../src/report/plan.ts';
import { displayWidth } from '../../src/report/width.ts';
import { info } from './miop.ts';

const action = (type: ActionType, kind: string, id: string, name: string, reason: string, target?: { id: string; name: string }) => ({ id: `${kind}-0000000000${id}`, kind, name, action: type, reason, ...(target && { target }) });

const plan: Plan = {
  format: 'baluchon-plan/1',
  bundle: { id: info.id, created: info.created, cloud: 'alpha', project: 'miop' },
  target: { cloud: 'beta', region: 'beta-west-1', project: { id: 'b1', name: 'miop-next' } },
  actions: [
    action('map', 'flavor', '01', 'm1.nano', 'the smallest that fits (1 vCPU, 128 MiB, 1 GiB)', { id: 'f1', name: 'b2.xs' }),
    action('map', 'network', '02', 'ext-net', 'external network', { id: 'n1', name: 'public' }),
    action('create', 'network', '03', 'miop-net', ''),
    { ...action('update', 'security-group', '04', 'default', 'there already, with other rules', { id: 'g1', name: 'default' }), changes: ['- in any from anywhere', '+ in tcp 22 from anywhere'] },
    action('create', 'security-group', '05', 'web', ''),
    action('create', 'server', '06', 'mysql', ''),
    action('create', 'server', '07', 'mysql', ''),
    action('create', 'server', '08', '負荷\u001b[31m分散', ''),
    action('reuse', 'server', '09', 'wiki', 'there already, the same', { id: 's1', name: 'wiki' }),
    action('skip', 'volume-snapshot', '10', 'mysql-storage-snap', 'only described'),
    action('conflict', 'keypair', '11', 'demo', 'there is one of this name with another fingerprint'),
    action('manual', 'load-balancer', '12', 'lb', 'a kind that this version does not know'),
  ],
  quota: [
    { resource: 'cores', needed: 3, free: 12, fits: true },
    { resource: 'ram', needed: 384, free: 256, unit: 'MiB', fits: false },
    { resource: 'floating_ips', needed: 1, free: -1, fits: true },
  ],
  bytes: 64 * 2 ** 20,
  seconds: 95,
  fidelity: [
    { id: 'server-000000000006', kind: 'server', name: 'mysql', verdict: 'kept' },
    { id: 'server-000000000008', kind: 'server', name: 'php-1', attribute: 'user_data', verdict: 'unknown', reason: 'this cloud shows user_data to administrators only; the mapping file can supply it' },
    { id: 'flavor-000000000001', kind: 'flavor', name: 'm1.nano', verdict: 'mapped', from: 'm1.nano', to: 'b2.xs', reason: 'the smallest that fits' },
  ],
  warnings: ['the project is not empty: 1 server is there that is not in the bundle'],
};

const done: ImportReport = {
  format: 'baluchon-import/1',
  plan,
  created: [{ id: 'network-000000000003', kind: 'network', name: 'miop-net', target: 'x', seconds: 1 }],
  failed: [],
  blocked: [],
  addresses: [{ from: '198.51.100.17', to: '203.0.113.44', server: 'haproxy' }, { from: '198.51.100.99', to: null, server: '' }],
  fidelity: plan.fidelity,
  seconds: 71.4,
};

describe('a plan', () => {
  test('shows each action with its rune and reason, the quota, and counts them in its last line', async () => {
    await expect(planText(plan, { ...plain, width: 100 })).toMatchFileSnapshot('plan.txt');
  });

  test('counts every action that it shows', () => {
    const text = planText(plan, plain);
    const counts = [...(text.match(/^Plan: (.*)\./m)?.[1] ?? '').matchAll(/(\d+) /g)].map(([, number]) => Number(number));
    expect(counts.reduce((sum, number) => sum + number, 0)).toBe(plan.actions.length);
    for (const { rune } of Object.values(RUNES)) expect(text).toMatch(new RegExp(`^  \\${rune} `, 'm'));
  });

  test('says that there is nothing to do when there is nothing to do', () => {
    expect(planText({ ...plan, actions: [], quota: [], fidelity: [], warnings: [], bytes: 0 }, plain)).toMatch(/\nPlan: nothing to do\.\n$/);
  });

  test('fits a narrow terminal', () => {
    for (const line of planText(plan, { ...plain, width: 80 }).split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
  });
});

describe('the report of an import', () => {
  test('counts the verdicts, gives a reason for each that is not "kept", and maps old addresses to new ones', async () => {
    await expect(importText(done, { ...plain, width: 100 })).toMatchFileSnapshot('import.txt');
  });

  test('begins with what failed, and with what was not done because of it', () => {
    const failed = importText(
      {
        ...done,
        failed: [{ id: 'volume-1', kind: 'volume', name: 'mysql-storage', message: 'cinder: no valid host', hint: 'ask the provider' }],
        blocked: [{ id: 'server-1', kind: 'server', name: 'mysql', by: 'volume mysql-storage' }],
      },
      plain,
    );
    expect(failed).toMatch(/^not imported\n {2}failed {4}volume mysql-storage {2}cinder: no valid host \(ask the provider\)\n {2}not done {2}server mysql {10}needs volume mysql-storage\n/);
    expect(failed).toContain('Not complete: 1 resource created, 2 not');
  });
});

describe('the report of an export', () => {
  test('says once what is the same for several', () => {
    const note = { kind: 'server', attribute: 'user_data', verdict: 'unknown' as const, reason: 'hidden' };
    const notes = ['a', 'b', 'c'].map((name) => ({ ...note, id: `server-${name}`, name }));
    expect(exportText({ format: 'baluchon-export/1', bundle: info, disks: [], notes, seconds: 1 }, './vault', plain)).toContain('\n  unknown  3 servers user_data: hidden (a, b, c)\n');
  });

  test('tells each disk, what is missing and why, and the name of the bundle', async () => {
    const disk = { id: 'volume-1', name: '負荷', size: 2 ** 30, data: 61 * 2 ** 20, new_bytes: 2 ** 20, stored_bytes: 400 * 2 ** 10, consistency: 'crash', format: 'qcow2', seconds: 12.3 };
    const notes = [{ id: 'server-1', kind: 'server', name: 'php-1', attribute: 'user_data', verdict: 'unknown' as const, reason: 'shown to administrators only' }];
    await expect(exportText({ format: 'baluchon-export/1', bundle: info, disks: [disk], notes, seconds: 31 }, './vault', plain)).toMatchFileSnapshot('export.txt');
  });
});
