import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openImage } from '../../src/disk/open.ts';
import type { Event } from '../../src/events.ts';
import { exportImages } from '../../src/export/index.ts';
import { applyPlan, guessMapping, planImport, takeInventory } from '../../src/import/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { createVault, openVault, type Vault } from '../../src/vault/index.ts';
import { rawView } from '../disk/memory.ts';
import { digestOf, notedVault, withCloud } from './kit.ts';

const golden = fileURLToPath(new URL('../../fixtures/qcow2/v3-4k-zeros.qcow2', import.meta.url));
let folder: string;
let raw: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-test-'));
  raw = join(folder, 'system.img');
  const file = await open(raw, 'w');
  await file.truncate(2 ** 30 + 512);
  const boot = Buffer.alloc(512);
  boot.write('boot code');
  boot.writeUInt16BE(0x55aa, 510);
  await file.write(boot, 0, 512, 0);
  await file.write(Buffer.alloc(100_000, 'data'), 0, 100_000, 700 << 20);
  await file.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function realVault(): Promise<Vault> {
  const store = memoryStore();
  await createVault(store, { passphrases: ['p'] });
  return openVault(store, { passphrase: 'p' });
}

const digestOfFile = async (path: string, format: string): Promise<string> => {
  const disk = await openImage(path, format);
  return digestOf(disk).finally(() => disk.close());
};

describe('a bundle of image files', () => {
  test('has a volume for each, of whole GiB, with every byte', async () => {
    const vault = await realVault();
    const report = await exportImages([{ name: 'system', path: raw }, { name: 'data', path: golden }], vault, { scratch: folder });
    expect(report).toMatchObject({ format: 'baluchon-export/1', notes: [], disks: [{ name: 'system', size: 2 ** 30 + 512, format: 'raw', consistency: 'stopped' }, { name: 'data', size: 3 << 20, format: 'qcow2' }] });
    expect(report.disks[0]!.data).toBeLessThan(1 << 20);
    const bundle = await vault.open('latest');
    expect(bundle.source).toMatchObject({ cloud: 'file', services: {} });
    expect(bundle.info.counts).toEqual({ volume: 2 });
    const byName = new Map(bundle.documents.map((document) => [document.name, document]));
    expect(byName.get('system')).toMatchObject({ kind: 'volume', params: { size: 2, bootable: true }, info: { file: 'system.img', bytes: 2 ** 30 + 512, bootable_because: 'its boot sector has code' } });
    expect(byName.get('data')).toMatchObject({ kind: 'volume', params: { size: 1, bootable: false, image_metadata: {} }, info: { format: 'qcow2' } });
    expect(await digestOf(await bundle.disk(byName.get('system')!.id))).toBe(await digestOfFile(raw, 'raw'));
    const original = await openImage(golden, 'qcow2');
    expect((await rawView(await bundle.disk(byName.get('data')!.id))).equals(await rawView(original))).toBe(true);
    await original.close();
    expect((await readdir(folder)).filter((name) => name.includes('scratch'))).toEqual([]);
  });

  test('made again stores nothing new, under the same ids', async () => {
    const vault = await realVault();
    const first = await exportImages([{ name: 'data', path: golden }], vault);
    const second = await exportImages([{ name: 'data', path: golden }], vault);
    expect(first.disks[0]!.new_bytes).toBeGreaterThan(0);
    expect(second.disks[0]).toMatchObject({ id: first.disks[0]!.id, new_bytes: 0 });
  });

  test('imports on a cloud like every other: the volume bootable, its bytes those of the file', async () => {
    const vault = await realVault();
    await exportImages([{ name: 'system', path: raw }, { name: 'data', path: golden }], vault);
    const bundle = await vault.open('latest');
    await withCloud({}, async ({ sandbox, cloud }) => {
      const inventory = await takeInventory(cloud);
      const { mapping } = guessMapping(bundle.documents, inventory);
      const plan = planImport(bundle, inventory, mapping);
      expect(plan.actions.map(({ kind, action }) => `${kind} ${action}`)).toEqual(['volume create', 'volume create']);
      const report = await applyPlan(cloud, bundle, plan, mapping);
      expect(report.failed).toEqual([]);
      expect(report.fidelity.filter(({ verdict }) => verdict !== 'kept' && verdict !== 'mapped')).toEqual([]);
      const volumes = [...sandbox.state.volumes.values()];
      expect(volumes.map(({ name, size }) => [name, size]).toSorted()).toEqual([['data', 1], ['system', 2]]);
      const system = volumes.find(({ name }) => name === 'system')!;
      const written = sandbox.disk(system.id);
      const start = Buffer.alloc(512);
      await written.read(0, start);
      expect(start.toString('latin1', 0, 9)).toBe('boot code');
      const part = Buffer.alloc(100_000);
      await written.read(700 << 20, part);
      expect(part.equals(Buffer.alloc(100_000, 'data'))).toBe(true);
      expect(sandbox.leftovers('baluchon-tmp-')).toEqual([]);
    });
  });

  test('a file that is written to meanwhile is refused: a machine may be running from it', async () => {
    const busy = join(folder, 'busy.img');
    writeFileSync(busy, Buffer.alloc(4096, 1));
    const { vault, noted } = notedVault(async () => appendFileSync(busy, 'more'));
    await expect(exportImages([{ name: 'busy', path: busy }], vault)).rejects.toMatchObject({ code: 'usage', message: `disk image ${busy} changed while it was read`, hint: expect.stringContaining('shut') });
    expect(noted).toMatchObject({ committed: [], aborted: 1 });
  });

  test.each([
    ['a name that comes twice', [{ name: 'a', path: golden }, { name: 'a', path: golden }], 'two disks are called a'],
    ['no name', [{ name: '', path: golden }], 'has no name'],
    ['a file that is not there', [{ name: 'a', path: '/nonexistent.img' }], 'no such file'],
    ['a folder', [{ name: 'a', path: tmpdir() }], 'not a regular file'],
  ])('%s is refused before anything is read', async (_what, images, message) => {
    const { vault, noted } = notedVault();
    await expect(exportImages(images, vault)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
    expect(noted).toMatchObject({ committed: [], aborted: 0 });
  });

  test('a pipe, which nobody may ever write to, is refused at once', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const { vault, noted } = notedVault();
    await expect(exportImages([{ name: 'a', path }], vault)).rejects.toMatchObject({ code: 'usage', message: `can't read disk image ${path}: not a regular file` });
    expect(noted).toMatchObject({ committed: [], aborted: 0 });
  });

  test.each([
    ['disk.raw.gz', gzipSync('bytes of a disk'), /^unpack it first: gunzip -k /],
    ['appliance.ova', Buffer.from('appliance.ovf'), /tar -xf/],
  ])('an archive is not taken for a raw disk: %s', async (name, bytes, hint) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const { vault, noted } = notedVault();
    await expect(exportImages([{ name: 'a', path }], vault)).rejects.toMatchObject({ code: 'usage', message: `${path} is no disk image but an archive`, hint: expect.stringMatching(hint) });
    expect(noted.committed).toEqual([]);
  });

  test('an empty file and a damaged qcow2 are matters of the file, not of a cloud', async () => {
    const empty = join(folder, 'empty.img');
    writeFileSync(empty, '');
    const damaged = join(folder, 'damaged.qcow2');
    copyFileSync(golden, damaged);
    writeFileSync(damaged, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.from([0, 0, 0, 3]), Buffer.alloc(500)]));
    for (const path of [empty, damaged]) {
      const { vault, noted } = notedVault();
      await expect(exportImages([{ name: 'a', path }], vault)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(path) });
      expect(noted).toMatchObject({ committed: [], aborted: 1 });
    }
  });

  test('interrupted: no bundle, and events that end what they began', async () => {
    const controller = new AbortController();
    const events: Event[] = [];
    const vault = await realVault();
    const exporting = exportImages([{ name: 'system', path: raw }], vault, { signal: controller.signal, scratch: folder, emit: (event) => {
      events.push(event);
      if (event.type === 'start') controller.abort();
    } });
    await expect(exporting).rejects.toMatchObject({ code: 'interrupted' });
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(await vault.list()).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.includes('scratch'))).toEqual([]);
  });

  test('one of several that fails ends all: its cause is told, those still to come are not begun, each event has its end', async () => {
    const damaged = join(folder, 'one-of-many.qcow2');
    writeFileSync(damaged, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.from([0, 0, 0, 3]), Buffer.alloc(500)]));
    const events: Event[] = [];
    const vault = await realVault();
    const images = [{ name: 'a', path: raw }, { name: 'b', path: damaged }, { name: 'c', path: raw }, { name: 'd', path: raw }];
    await expect(exportImages(images, vault, { emit: (event) => void events.push(event) })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(damaged) });
    const of = (type: string) => events.flatMap((event) => (event.type === type && 'what' in event ? [event.what] : [])).sort();
    expect(of('end')).toEqual(of('start'));
    expect(of('start')).not.toContain('disk d');
    expect(await vault.list()).toEqual([]);
  });
});
