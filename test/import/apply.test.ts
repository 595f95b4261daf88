import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Cloud } from '../../src/cloud/index.ts';
import type { Disk } from '../../src/disk/disk.ts';
import type { Event } from '../../src/events.ts';
import { readTenant } from '../../src/export/index.ts';
import { applyPlan, guessMapping, planImport, takeInventory, type ImportReport, type Mapping } from '../../src/import/index.ts';
import { journalPath } from '../../src/import/journal.ts';
import { isForeign, kindOf } from '../../src/kinds/index.ts';
import { seedMiop, startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';
import type { DiskDocument } from '../../src/tenant/document.ts';
import type { Bundle } from '../../src/vault/types.ts';
import { interruptedAfter } from '../interrupt.ts';

/** A small disk whose bytes tell whose it is. */
function diskOf(name: string): Disk {
  const text = Buffer.from(`the bytes of ${name}`);
  return {
    size: 2 ** 20,
    async *extents() {
      yield { offset: 4096, length: text.length };
    },
    async read(offset, into) {
      into.fill(0);
      for (let at = 0; at < text.length; at++) if (4096 + at >= offset && 4096 + at < offset + into.length) into[4096 + at - offset] = text[at]!;
    },
    async close() {},
  };
}

let bundle: Bundle;
let state: string;
const before = process.env.XDG_STATE_HOME;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'journal-test-'));
  process.env.XDG_STATE_HOME = state;
  const alpha = await startSandbox({ name: 'alpha', pace: 0.1 });
  const cloud = await connect({ env: alpha.env() });
  await seedMiop(alpha);
  const { source, documents } = await readTenant(cloud);
  const disks = documents
    .filter((each) => !isForeign(each) && kindOf(each.kind)?.hasDisk?.(each))
    .map(({ id, kind, name }) => ({ id, kind: kind as DiskDocument['kind'], name, size: 2 ** 20, source_format: 'qcow2', consistency: 'crash' as const, taken_at: '2026-11-21T12:00:00Z', data_bytes: 20, depth: 1, root: null }));
  const info = { id: 'b'.repeat(32), created: '2026-11-21T12:00:00Z', source, counts: {}, disk_bytes: 0, added_bytes: 0 };
  bundle = { info, source, notes: {}, documents, disks, disk: async (id) => diskOf(disks.find((disk) => disk.id === id)!.name), pages: (id) => ({ ...disks.find((disk) => disk.id === id)!, chunkSize: 262_144, page: async () => [] }) };
  await cloud.close();
  await alpha.close();
});

afterAll(async () => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  await rm(state, { recursive: true });
});

interface Target {
  sandbox: Sandbox;
  cloud: Cloud;
  /** Plans anew, as the command does, and applies. */
  run(options?: { signal?: AbortSignal; emit?: (event: Event) => void; of?: Bundle; only?: string[]; mapping?: Partial<Mapping> }): Promise<ImportReport>;
  journal: string;
}

async function withTarget(options: SandboxOptions, work: (target: Target) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ name: 'beta', pace: 0.2, externalNetwork: { name: 'public', cidr: '203.0.113.0/24' }, publicImage: { name: 'Tiny Web 1.0' }, ...options });
  const cloud = await connect({ env: sandbox.env(), patience: { base: 10, most: 50 } });
  try {
    await work({
      sandbox,
      cloud,
      journal: journalPath({ bundle: bundle.info.id, project: cloud.project.id }),
      async run({ signal, emit, of = bundle, only, mapping: more } = {}) {
        const inventory = await takeInventory(cloud, { bundle: of.info.id });
        const mapping = { ...guessMapping(of.documents, inventory).mapping, default_security_group: 'exact' as const, ...more };
        const plan = planImport(of, inventory, mapping, { ...(only && { only }) });
        return applyPlan(cloud, of, plan, mapping, { ...(signal && { signal }), ...(emit && { emit }) });
      },
    });
  } finally {
    await cloud.close();
    await sandbox.close();
  }
}

const OWN = ['network', 'subnet', 'router', 'security-group', 'port', 'floating-ip', 'image', 'volume', 'server-group', 'server', 'keypair'];

/** How many of each the project has. */
async function census(cloud: Cloud): Promise<Record<string, number>> {
  const { documents } = await readTenant(cloud);
  return Object.fromEntries(OWN.map((kind) => [kind, documents.filter((each) => each.kind === kind && !isForeign(each)).length]));
}

const WHOLE = { network: 1, subnet: 1, router: 1, 'security-group': 3, port: 6, 'floating-ip': 1, image: 1, volume: 2, 'server-group': 1, server: 5, keypair: 1 };

/** What is wrong after an import that should have made all: numbers, temporaries, bytes. */
async function faults({ sandbox, cloud }: Target): Promise<string[]> {
  await sandbox.idle();
  const found = [...sandbox.leftovers('baluchon-tmp-')];
  const numbers = await census(cloud);
  for (const [kind, count] of Object.entries(WHOLE)) if (numbers[kind] !== count) found.push(`${numbers[kind]} ${kind}`);
  const text = async (bytes: ReturnType<Sandbox['disk']>) => {
    const into = Buffer.alloc(40);
    await bytes.read(4096, into);
    return into.toString().replace(/\0+$/, '');
  };
  for (const { id, name, root } of sandbox.state.servers.values()) if (root && (await text(sandbox.disk(id))) !== `the bytes of ${name}`) found.push(`server ${name} has other bytes`);
  for (const { id, name } of sandbox.state.volumes.values()) if ((await text(sandbox.disk(id))) !== `the bytes of ${name}`) found.push(`volume ${name} has other bytes`);
  return found;
}

describe.concurrent('an import', () => {
  test('makes everything once, with its bytes, and a second run makes nothing', async () => {
    await withTarget({}, async (target) => {
      const events: Event[] = [];
      const report = await target.run({ emit: (event) => void events.push(event) });
      expect(report.failed).toEqual([]);
      expect(report.blocked).toEqual([]);
      expect(await faults(target)).toEqual([]);
      expect(report.addresses).toEqual([{ from: expect.stringMatching(/^198\.51\.100\./), to: expect.stringMatching(/^203\.0\.113\./), server: 'haproxy' }]);
      const ended = events.flatMap((event) => (event.type === 'end' ? event.id : []));
      expect(new Set(ended).size).toBe(ended.length);
      target.sandbox.faults.seen.length = 0;
      const again = await target.run();
      expect(again.created).toEqual([]);
      expect(target.sandbox.faults.seen.filter((request) => /(POST|PUT|PATCH|DELETE)/.test(request) && !request.includes('identity'))).toEqual([]);
    });
  });

  test('that has lost its journal makes no second one of what has no bytes', async () => {
    await withTarget({}, async (target) => {
      const only = ['port', 'security-group', 'keypair', 'server-group'];
      await target.run({ only });
      await rm(target.journal);
      const again = await target.run({ only });
      expect(again.created.map(({ kind }) => kind)).toEqual([]);
    });
  });

  test('goes on after a journal that a crash cut off in the middle of a line', async () => {
    await withTarget({}, async (target) => {
      await target.run({ only: ['port'] });
      const text = await readFile(target.journal, 'utf8');
      await truncate(target.journal, text.length - 20);
      const again = await target.run({ only: ['port'] });
      expect(again.created).toEqual([]);
      await writeFile(target.journal, `${text}{"step":"creating","id"`);
      await target.run();
      expect(await faults(target)).toEqual([]);
    });
  });

  test('of which one volume fails makes all that does not need it, and the rest the next time', async () => {
    await withTarget({}, async (target) => {
      const { sandbox } = target;
      const volume = bundle.documents.find(({ kind, name }) => kind === 'volume' && name === 'mysql-storage')!;
      const broken: Bundle = { ...bundle, disk: async (id) => (id === volume.id ? { ...diskOf('x'), size: 2 ** 31 + 512 } : bundle.disk(id)) };
      const report = await target.run({ of: broken });
      expect(report.failed.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['volume mysql-storage']);
      expect(report.blocked).toMatchObject([{ kind: 'server', name: 'mysql-primary', by: 'volume mysql-storage' }]);
      expect([...sandbox.state.servers.values()].map(({ name }) => name).toSorted()).toEqual(['haproxy', 'mysql-standby', 'php-1', 'wiki']);
      expect(report.fidelity.filter(({ verdict }) => verdict === 'lost').map(({ name }) => name).toSorted()).toEqual(expect.arrayContaining(['mysql-primary', 'mysql-storage']));
      expect(sandbox.leftovers('baluchon-tmp-')).toEqual([]);
      expect((await target.run()).created.map(({ name }) => name).toSorted()).toEqual(['mysql-primary', 'mysql-storage']);
      expect(await faults(target)).toEqual([]);
    });
  });

  test('whose server does not start removes it and says why, once', async () => {
    await withTarget({}, async (target) => {
      const { sandbox } = target;
      sandbox.faults.add({ match: /compute POST .*\/servers$/, answer: 500 });
      const report = await target.run();
      expect(report.failed).toHaveLength(1);
      expect(report.failed[0]).toMatchObject({ kind: 'server' });
      expect(report.blocked).toEqual([]);
      expect(sandbox.leftovers('baluchon-tmp-')).toEqual([]);
      await target.run();
      expect(await faults(target)).toEqual([]);
    });
  });

  test('whose disk can\'t be read from the vault ends with that, and leaves nothing temporary', async () => {
    await withTarget({}, async (target) => {
      const { BaluchonError } = await import('../../src/errors.ts');
      const damaged = new BaluchonError('vault', 'damaged: packs/ab/cd');
      let reads = 0;
      const broken: Bundle = { ...bundle, disk: async (id) => ({ ...(await bundle.disk(id)), read: async () => {
        if (++reads > 2) throw damaged;
      } }) };
      await expect(target.run({ of: broken })).rejects.toBe(damaged);
      await target.sandbox.idle();
      expect(target.sandbox.leftovers('baluchon-tmp-')).toEqual([]);
      await target.run();
      expect(await faults(target)).toEqual([]);
    });
  });

  test('is refused before anything is made where it has conflicts, no room, or a plan for another bundle', async () => {
    await withTarget({ quotas: { compute: { instances: 2 } } }, async (target) => {
      const { sandbox, cloud, run } = target;
      const changes = () => sandbox.faults.seen.filter((request) => /(POST|PUT|PATCH|DELETE)/.test(request) && !request.includes('identity'));
      await expect(run()).rejects.toMatchObject({ code: 'quota', message: expect.stringContaining('servers: 5 needed, 2 free') });
      const inventory = await takeInventory(cloud, {});
      const mapping = { ...guessMapping(bundle.documents, inventory).mapping, default_security_group: 'ask' as const };
      const plan = planImport(bundle, inventory, mapping, { only: ['keypair'] });
      await expect(applyPlan(cloud, { ...bundle, info: { ...bundle.info, id: 'c'.repeat(32) } }, plan, mapping)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('not for cccc') });
      const stuck = { ...plan, actions: [{ ...plan.actions[0]!, action: 'conflict' as const, reason: 'in the way' }] };
      await expect(applyPlan(cloud, bundle, stuck, mapping)).rejects.toMatchObject({ code: 'usage', message: 'keypair demo: in the way' });
      expect(changes()).toEqual([]);
    });
  });
});

describe('an import that is interrupted', () => {
  let whole = 0;
  beforeAll(() => withTarget({}, async ({ run }) => void (await run({ emit: () => void (whole += 1) }))));

  test.each([0.03, 0.12, 0.25, 0.4, 0.6, 0.8])('after %d of its events leaves nothing temporary, and run again ends with exactly one of everything', async (share) => {
    await withTarget({}, async (target) => {
      await expect(target.run(interruptedAfter(share * whole))).rejects.toMatchObject({ code: 'interrupted' });
      await target.sandbox.idle();
      expect(target.sandbox.leftovers('baluchon-tmp-')).toEqual([]);
      const report = await target.run();
      expect(report.failed).toEqual([]);
      expect(await faults(target)).toEqual([]);
    });
  });
});
