import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import type { Event } from '../../src/events.ts';
import { exportTenant } from '../../src/export/index.ts';
import { seedMiop, type Sandbox } from '../../src/sandbox/index.ts';
import { interruptedAfter } from '../interrupt.ts';
import { digestOf, notedVault, residue, withCloud } from './kit.ts';

const serverOf = (sandbox: Sandbox, name: string) => [...sandbox.state.servers.values()].find((server) => server.name === name)!;
const volumeOf = (sandbox: Sandbox, name: string) => [...sandbox.state.volumes.values()].find((volume) => volume.name === name)!;

describe.concurrent('an export', () => {
  test('takes every disk, bit for bit, and leaves nothing behind', async () => {
    await withCloud({}, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      const { vault, noted } = notedVault();
      const report = await exportTenant(cloud, vault, { scratch });
      expect(report.disks.map(({ name }) => name).toSorted()).toEqual(['haproxy', 'mysql-primary', 'mysql-standby', 'mysql-storage', 'php-1', 'php-snapshot', 'wiki-root']);
      const taken = new Map([...noted.disks.values()].map((disk) => [disk.name, disk]));
      expect(taken.get('mysql-storage')!.sha256).toBe(await digestOf(sandbox.disk(volumeOf(sandbox, 'mysql-storage').id)));
      expect(taken.get('php-1')!.sha256).toBe(await digestOf(sandbox.disk(serverOf(sandbox, 'php-1').id)));
      expect(taken.get('mysql-storage')).toMatchObject({ kind: 'volume', source_format: 'qcow2', consistency: 'crash' });
      expect(noted.committed).toHaveLength(1);
      expect(noted.aborted).toBe(0);
      expect(await residue(place)).toEqual([]);
    });
  });

  test('of documents alone asks the cloud for nothing but documents', async () => {
    await withCloud({}, async ({ sandbox, cloud, scratch }) => {
      await seedMiop(sandbox);
      sandbox.faults.seen.length = 0;
      const { vault, noted } = notedVault();
      const report = await exportTenant(cloud, vault, { scratch, disks: false, only: ['server:mysql-*'] });
      expect(report.disks).toEqual([]);
      expect(noted.committed[0]!.documents.filter(({ kind }) => kind === 'server').map(({ name }) => name)).toEqual(['mysql-primary', 'mysql-standby']);
      expect(sandbox.faults.seen.filter((request) => !request.includes(' GET ') && !request.includes('identity'))).toEqual([]);
    });
  });

  test('of a volume that the cloud can\'t copy says so in a note, and has the others', async () => {
    await withCloud({}, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      sandbox.faults.add({ match: /volume POST .*\/snapshots/, answer: 500 });
      const { vault, noted } = notedVault();
      const report = await exportTenant(cloud, vault, { scratch, only: ['volume'] });
      expect(report.notes.filter(({ verdict }) => verdict === 'lost')).toMatchObject([{ kind: 'volume', attribute: 'disk' }]);
      expect(report.disks).toHaveLength(1);
      expect(noted.committed).toHaveLength(1);
      expect(await residue(place)).toEqual([]);
    });
  });

  test('whose vault can\'t be written ends at once, with nothing left on the cloud and nobody at work', async () => {
    await withCloud({}, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      const full = new BaluchonError('store', 'the vault is full');
      const { vault, noted } = notedVault(async () => {
        throw full;
      });
      await expect(exportTenant(cloud, vault, { scratch })).rejects.toBe(full);
      expect(noted).toMatchObject({ aborted: 1, workingAtAbort: 0, committed: [] });
      expect(await residue(place)).toEqual([]);
      const requests = sandbox.faults.seen.length;
      await sandbox.idle();
      expect(sandbox.faults.seen).toHaveLength(requests);
    });
  });

  test('interrupted at any moment leaves nothing on the cloud, nothing in the scratch folder, and no bundle', async () => {
    await withCloud({}, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      let whole = 0;
      await exportTenant(cloud, notedVault().vault, { scratch, emit: () => void (whole += 1) });
      for (const share of [0, 0.1, 0.2, 0.35, 0.5, 0.8]) {
        const { vault, noted } = notedVault();
        await expect(exportTenant(cloud, vault, { scratch, ...interruptedAfter(share * whole) })).rejects.toMatchObject({ code: 'interrupted' });
        expect(noted).toMatchObject({ committed: [], workingAtAbort: 0 });
        await sandbox.idle();
        expect(await residue(place)).toEqual([]);
      }
    });
  });

  test('sees before it begins that there is no room for a temporary copy', async () => {
    await withCloud({ quotas: { volume: { snapshots: 1 } } }, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      sandbox.faults.seen.length = 0;
      const { vault } = notedVault();
      await expect(exportTenant(cloud, vault, { scratch })).rejects.toMatchObject({ code: 'quota', message: expect.stringContaining('volume snapshots') });
      expect(sandbox.faults.seen.filter((request) => request.includes(' POST '))).toEqual([]);
      expect(await residue(place)).toEqual([]);
    });
  });

  test('with room for one copy takes all volumes, one after the other', async () => {
    // Two volumes and a snapshot of 1 GiB are there, and a snapshot with its copy takes 2 more.
    await withCloud({ quotas: { volume: { gigabytes: 5 } } }, async ({ sandbox, cloud, scratch }) => {
      await seedMiop(sandbox);
      const { vault } = notedVault();
      const report = await exportTenant(cloud, vault, { scratch, only: ['volume'] });
      expect(report.notes.filter(({ verdict }) => verdict === 'lost')).toEqual([]);
      expect(report.disks).toHaveLength(2);
    });
  });

  test('of what can\'t be removed afterwards warns, and is an export all the same', async () => {
    await withCloud({}, async ({ sandbox, cloud, scratch }) => {
      await seedMiop(sandbox);
      sandbox.faults.add({ match: /image DELETE/, answer: 401, times: 1000 });
      const { vault, noted } = notedVault();
      const warnings: string[] = [];
      await exportTenant(cloud, vault, { scratch, only: ['server:php-1'], emit: (event) => void (event.type === 'warning' && warnings.push(event.message)) });
      expect(noted.committed).toHaveLength(1);
      expect(warnings).toEqual([expect.stringMatching(/temporary resources may be left on .* \(image [0-9a-f-]+\): .*`baluchon cleanup`/)]);
      expect(await readdir(scratch)).toEqual([]);
    });
  });
});

describe.concurrent('an export that stops servers', () => {
  const states = (sandbox: Sandbox, name: string) => {
    const seen: { status: string; images: number }[] = [];
    const { id } = serverOf(sandbox, name);
    const timer = setInterval(() => seen.push({ status: sandbox.state.servers.get(id)!.status, images: sandbox.leftovers('baluchon-tmp-').filter((each) => /root|snapshot$/.test(each)).length }), 3);
    return { seen, stop: () => clearInterval(timer) };
  };

  test('takes all disks of one while it is off, and starts it again', async () => {
    await withCloud({}, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      const { vault, noted } = notedVault();
      const watch = states(sandbox, 'mysql-primary');
      await exportTenant(cloud, vault, { scratch, only: ['server:mysql-primary'], consistency: 'stop' });
      watch.stop();
      expect([...noted.disks.values()].map(({ name, consistency }) => [name, consistency]).toSorted()).toEqual([['mysql-primary', 'stopped'], ['mysql-storage', 'stopped']]);
      expect(watch.seen.find(({ images }) => images > 0)!.status).toBe('SHUTOFF');
      expect(serverOf(sandbox, 'mysql-primary').status).toBe('ACTIVE');
    });
  });

  test('keeps one off for its other disks when the first fails, and starts it again', async () => {
    await withCloud({ delays: { serverImage: 3_000 } }, async ({ sandbox, cloud, scratch }) => {
      await seedMiop(sandbox);
      sandbox.faults.add({ match: /volume POST .*\/snapshots/, answer: 500 });
      const { vault, noted } = notedVault();
      const { id } = serverOf(sandbox, 'mysql-primary');
      let failed = false;
      const whileSaving: string[] = [];
      const timer = setInterval(() => {
        if (failed && [...sandbox.state.images.values()].some(({ name, status }) => name?.endsWith('-root') && status !== 'active')) whileSaving.push(sandbox.state.servers.get(id)!.status);
      }, 5);
      const emit = (event: Event) => void (event.type === 'end' && event.outcome === 'failed' && (failed = true));
      const report = await exportTenant(cloud, vault, { scratch, only: ['server:mysql-primary'], consistency: 'stop', emit });
      clearInterval(timer);
      expect(report.notes.filter(({ verdict }) => verdict === 'lost')).toMatchObject([{ name: 'mysql-storage' }]);
      expect([...noted.disks.values()].map(({ consistency }) => consistency)).toEqual(['stopped']);
      expect(new Set(whileSaving)).toEqual(new Set(['SHUTOFF']));
      expect(serverOf(sandbox, 'mysql-primary').status).toBe('ACTIVE');
    });
  });

  test('starts them again when it is interrupted, also while they are stopping', async () => {
    await withCloud({ delays: { attach: 1_500 } }, async (place) => {
      const { sandbox, cloud, scratch } = place;
      await seedMiop(sandbox);
      for (const moment of ['stopping', 'php-1']) {
        const controller = new AbortController();
        const emit = (event: Event) => {
          if (event.type === 'start' && event.what.includes(moment)) setTimeout(() => controller.abort(), 300);
        };
        await expect(exportTenant(cloud, notedVault().vault, { scratch, only: ['server:php-1'], consistency: 'stop', signal: controller.signal, emit })).rejects.toMatchObject({ code: 'interrupted' });
        expect(serverOf(sandbox, 'php-1').status).toBe('ACTIVE');
        expect(await residue(place)).toEqual([]);
      }
    });
  });

  test('say so where one does not start again, and keep what was taken', async () => {
    await withCloud({}, async ({ sandbox, cloud, scratch }) => {
      await seedMiop(sandbox);
      const { id } = serverOf(sandbox, 'php-1');
      const { vault, noted } = notedVault(async () => {
        Object.assign(sandbox.state.servers.get(id)!, { status: 'ERROR', vm_state: 'error' });
      });
      sandbox.faults.add({ match: new RegExp(`compute POST .*${id}/action`), answer: 409, skip: 2, times: 1000 });
      const report = await exportTenant(cloud, vault, { scratch, only: ['server:php-1'], consistency: 'stop' });
      expect(noted.committed).toHaveLength(1);
      expect(report.notes).toContainEqual(expect.objectContaining({ name: 'php-1', attribute: 'running', verdict: 'degraded', reason: expect.stringContaining('does not start again') }));
    });
  });
});

test('asked to quiesce, an export tells which guests can\'t be', async () => {
  await withCloud({}, async ({ sandbox, cloud, scratch }) => {
    await seedMiop(sandbox);
    const { vault, noted } = notedVault();
    const report = await exportTenant(cloud, vault, { scratch, only: ['server:mysql-primary'], consistency: 'quiesce' });
    expect([...noted.disks.values()].map(({ consistency }) => consistency)).toEqual(['crash', 'crash']);
    expect(report.notes.filter(({ attribute }) => attribute === 'disk').map(({ name, verdict }) => [name, verdict]).toSorted()).toEqual([['mysql-primary', 'degraded'], ['mysql-storage', 'degraded']]);
  });
});
