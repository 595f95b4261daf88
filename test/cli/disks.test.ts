import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeRaw } from '../../src/disk/sparse.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { memoryDisk, noise } from '../disk/memory.ts';
import { baluchon, type Ran, type RunOptions } from './kit.ts';

let cwd = '';
const mib = 1 << 20;
const data = noise(1_500_000, 11);
const run = (args: string[], options: Partial<RunOptions> = {}): Promise<Ran> => baluchon(args, { cwd, ...options, env: { BALUCHON_PASSPHRASE_FILE: 'pw', ...options.env } });
const file = (name: string): string => join(cwd, name);

/** A disk of 40 MiB with a boot sector and `data` at 20 MiB, `change` of it replaced. */
async function image(name: string, change = 0): Promise<void> {
  const boot = Buffer.alloc(512);
  boot.write('boot code');
  boot.writeUInt16BE(0x55aa, 510);
  const bytes = Buffer.concat([noise(change, 12), data.subarray(change)]);
  await writeRaw(memoryDisk(40 * mib, [{ offset: 0, bytes: boot }, { offset: 20 * mib, bytes }]), file(name));
}

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-disks-'));
  await writeFile(file('pw'), 'of the vault\n');
  await image('disk.img');
  await image('changed.img', 1000);
  expect((await run(['init', './vault'])).exit).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true }));

describe('disks without a cloud, command by command', () => {
  test('export --disk makes a bundle of image files; list and show tell what it is', async () => {
    const { exit, out, err } = await run(['export', './vault', '--disk', 'web=disk.img']);
    expect(exit, err).toBe(0);
    expect(out).toMatch(/^ {2}web +40 MiB +1\.8 MiB +1\.8 MiB .* stopped$/m);
    expect(out).toMatch(/^Packed disks from file into \.\/vault@[0-9a-f]{8} in /m);
    expect((await run(['list', './vault'])).out).toMatch(/^[0-9a-f]{8} {2}.* disks@file +40 MiB .* 1 volume$/m);
    expect((await run(['show', './vault'])).out).toMatch(/^volume web {2}1 GiB; .*disk 40 MiB, 1\.8 MiB data$/m);
    expect((await run(['show', './vault', 'volume/web'])).out).toMatch(/^ {2}bootable_because: its boot sector has code$[^]*^ {2}bootable: true$/m);
  });

  test.each([
    [['--disk', 'web'], '--disk web is not NAME=FILE'],
    [['--disk', 'a=disk.img', '--disk', 'a=disk.img'], 'two disks are called a'],
    [['--disk', 'a=disk.img', '--os-cloud', 'alpha'], '--disk makes a bundle of image files: --os-cloud has no place beside it'],
    [['--disk', 'a=disk.img', '--no-disks'], '--disk makes a bundle of image files: --no-disks has no place beside it'],
  ])('export %j is refused in one line', async (args, message) => {
    const { exit, err } = await run(['export', './vault', ...args]);
    expect({ exit, line: err.split('\n')[0] }).toEqual({ exit: 2, line: `baluchon: ${message}` });
  });

  test('cat writes the disk, or a part of it, and nothing else', async () => {
    const whole = await run(['cat', './vault', 'volume/web', '--range', '20MiB+1500000'], { binary: true });
    expect(whole.err).toBe('');
    expect(whole.exit).toBe(0);
    expect(createHash('sha256').update(whole.out, 'latin1').digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    expect((await run(['cat', './vault', 'volume/web', '--range', '0+9'])).out).toBe('boot code');
    expect((await run(['cat', './vault', 'volume/web', '--range', '39MiB'], { binary: true })).out).toHaveLength(mib);
  });

  test.each([
    [['volume/web', '--range', '40MiB+1'], 'baluchon: --range 40MiB+1 leads out of the disk\n  it has 41943040 bytes\n'],
    [['volume/web', '--range', 'all'], 'baluchon: --range all is not OFFSET or OFFSET+LENGTH\n  for example 512+512 or 1GiB+64KiB\n'],
    [['volume/nope'], 'baluchon: the bundle holds no volume called nope\n  it holds: web\n'],
    [['web'], 'baluchon: the bundle holds no web\n  say of what kind: volume/web\n'],
    [['volume/web', '--json'], 'baluchon: with --json stdout is one JSON document, and no place for the bytes of a disk\n'],
  ])('cat %j is refused', async (args, err) => {
    expect(await run(['cat', './vault', ...args])).toMatchObject({ exit: 2, err });
  });

  test('extract --only takes a part, --bagit gives a bag that sha256sum and any BagIt program check', async () => {
    const both = await run(['export', './vault', '--disk', 'web=disk.img', '--disk', 'other=changed.img']);
    expect(both.exit, both.err).toBe(0);
    const { exit, out, err } = await run(['extract', './vault', '-o', 'bag', '--only', 'volume:o*', '--bagit']);
    expect(exit, err).toBe(0);
    expect(out).toBe('Extracted 1 document and 1 disk (40 MiB as raw) into bag, a BagIt bag.\n');
    const manifest = await readFile(file('bag/manifest-sha256.txt'), 'utf8');
    const lines = manifest.trimEnd().split('\n').map((line) => line.split('  '));
    expect(lines.map(([, name]) => name)).toEqual([expect.stringMatching(/^data\/disks\/volume-[0-9a-f]{12}\.raw$/), expect.stringMatching(/^data\/documents\/volume\/volume-[0-9a-f]{12}\.yaml$/)]);
    for (const [digest, name] of lines) expect(createHash('sha256').update(await readFile(file(`bag/${name}`))).digest('hex')).toBe(digest);
    expect((await readFile(file(`bag/${lines[0]![1]}`))).equals(await readFile(file('changed.img')))).toBe(true);
    expect((await stat(file(`bag/${lines[0]![1]}`))).blocks * 512).toBeLessThan(4 * mib);
    expect(await readFile(file('bag/bagit.txt'), 'utf8')).toBe('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n');
    const octets = (await Promise.all(lines.map(([, name]) => stat(file(`bag/${name}`))))).reduce((sum, { size }) => sum + size, 0);
    expect(await readFile(file('bag/bag-info.txt'), 'utf8')).toContain(`Payload-Oxum: ${octets}.2\n`);
    const tags = (await readFile(file('bag/tagmanifest-sha256.txt'), 'utf8')).trimEnd().split('\n').map((line) => line.split('  '));
    expect(tags.map(([, name]) => name)).toEqual(['bagit.txt', 'bag-info.txt', 'manifest-sha256.txt']);
    for (const [digest, name] of tags) expect(createHash('sha256').update(await readFile(file(`bag/${name}`))).digest('hex')).toBe(digest);
    expect(await run(['extract', './vault', '-o', 'nothing', '--only', 'volume:z*'])).toMatchObject({ exit: 2, err: expect.stringContaining('nothing has that kind and name') });
    expect(await readdir(cwd)).not.toContain('nothing');
  });

  test('diff of two bundles of the vault tells how much of a disk differs, without reading it', async () => {
    expect((await run(['export', './vault', '--disk', 'web=changed.img'])).exit).toBe(0);
    const bundles = JSON.parse((await run(['list', './vault', '--json'])).out) as { bundles: { id: string }[] };
    const [first = ''] = bundles.bundles.map(({ id }) => id);
    const told = await run(['diff', `./vault@${first}`, './vault']);
    expect(told).toMatchObject({ exit: 1, out: expect.stringMatching(/^~ volume web\n {4}disk {2}256 KiB of 40 MiB differ\n/) });
    const { disks_compared, differences } = JSON.parse((await run(['diff', `./vault@${first}`, './vault', '--json'])).out) as { disks_compared: boolean; differences: object[] };
    expect(disks_compared).toBe(true);
    expect(differences).toEqual([expect.objectContaining({ kind: 'volume', name: 'web', attribute: 'disk', changed: { bytes: 262_144, size: 40 * mib } })]);
  });

  test('pack makes one file, which is read like a vault and unpacked into one; neither needs a key', async () => {
    const keyless = { env: { BALUCHON_PASSPHRASE_FILE: '' } };
    const packed = await run(['pack', './vault', '-o', 'one.baluchon'], keyless);
    expect(packed.exit, packed.err).toBe(0);
    expect(packed.out).toMatch(/^Packed \.\/vault@[0-9a-f]{8} into one\.baluchon: \d+ files, [\d.]+ MiB\. It opens with the vault's keys\.\n$/);
    expect((await run(['list', 'one.baluchon'])).out).toMatch(/^1 bundle, /m);
    expect((await run(['cat', 'one.baluchon', 'volume/web', '--range', '0+4'])).out).toBe('boot');
    const verified = await run(['verify', 'one.baluchon', '--read-data']);
    expect(verified.exit, verified.out + verified.err).toBe(0);
    expect(await run(['export', 'one.baluchon', '--disk', 'a=disk.img'])).toMatchObject({ exit: 2, err: expect.stringMatching(/^baluchon: one\.baluchon can't be added to\n {2}make a vault of it first: baluchon unpack /) });
    expect(await run(['pack', './vault', '-o', 'one.baluchon'], keyless)).toMatchObject({ exit: 2, err: expect.stringContaining('exists already') });

    const unpacked = await run(['unpack', 'one.baluchon', './other', '--json'], keyless);
    expect(unpacked.exit, unpacked.err).toBe(0);
    expect(JSON.parse(unpacked.out)).toMatchObject({ format: 'baluchon-unpack/1', to: './other', files: expect.any(Number), absent: [expect.stringContaining('bundles/')] });
    expect((await run(['cat', './other', 'volume/web', '--range', '0+4'])).out).toBe('boot');
    expect((await run(['unpack', 'one.baluchon', './vault'], keyless)).out).toMatch(/is all there already\.\n$/);
  });

  test('a file that was cut off: exit 5, and what is missing by name', async () => {
    const bytes = await readFile(file('one.baluchon'));
    await writeFile(file('cut.baluchon'), bytes);
    await truncate(file('cut.baluchon'), bytes.length - 10_000);
    expect(await run(['unpack', 'cut.baluchon', './third'])).toMatchObject({ exit: 5, err: expect.stringMatching(/^baluchon: cut\.baluchon is not whole: missing or damaged: packs\/..\/[0-9a-f]{64}\.tar\.pgp( and \d more)?\n/) });
    expect(await readdir(cwd)).not.toContain('third');
    await writeFile(file('notes.txt'), 'no tar');
    expect(await run(['show', 'notes.txt'])).toMatchObject({ exit: 5, err: 'baluchon: notes.txt is neither a folder nor a .baluchon file\n  baluchon pack makes such a file\n' });
  });

  test('it imports on a cloud, straight from the file', async () => {
    const sandbox = await startSandbox({ name: 'beta', pace: 0.2 });
    try {
      await writeFile(file('clouds.yaml'), JSON.stringify({ clouds: sandbox.clouds() }));
      const { exit, out, err } = await run(['import', 'one.baluchon', '--os-cloud', 'beta', '--yes', '--only', 'volume:web']);
      expect(exit, err).toBe(0);
      expect(out).toMatch(/^Done: 1 resource created/m);
      const [volume] = [...sandbox.state.volumes.values()];
      expect(volume).toMatchObject({ name: 'web', size: 1 });
      const start = Buffer.alloc(9);
      await sandbox.disk(volume!.id).read(0, start);
      expect(String(start)).toBe('boot code');
      expect(sandbox.leftovers('baluchon-tmp-')).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });
});
