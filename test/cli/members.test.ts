import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsQR from 'jsqr';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DECLARATIONS } from '../../src/cli/program.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { baluchon, type Ran, type RunOptions } from './kit.ts';

let cwd = '';
const run = (args: string[], options: Partial<RunOptions> = {}): Promise<Ran> => baluchon(args, { cwd, ...options });
const pw = ['--passphrase-file', 'pw'];
const host = ['--identity', 'host.key'];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-members-'));
  await writeFile(join(cwd, 'pw'), 'of the vault\n');
  await writeFile(join(cwd, 'second'), 'another\n');
  for (const name of ['host', 'alice']) {
    const key = await generateIdentity(`${name} <${name}@example.org>`);
    await writeFile(join(cwd, `${name}.asc`), key.toPublic().armor());
    await writeFile(join(cwd, `${name}.key`), key.armor());
  }
  await writeFile(join(cwd, 'disk.raw'), 'a disk of a few words');
  await truncate(join(cwd, 'disk.raw'), 1 << 20);
  expect((await run(['init', './vault', ...pw, '--writer', 'host.asc'])).out).toContain('1 writer can add bundles and read none.');
});
afterAll(() => rm(cwd, { recursive: true }));

/** What a camera makes of the half blocks in a text. */
function scan(text: string): string | undefined {
  const rows = text.split('\n').filter((line) => /^[█▀▄ ]{20,}$/.test(line));
  const scale = 4;
  const width = rows[0]!.length * scale;
  const pixels = new Uint8ClampedArray(width * rows.length * 2 * scale * 4).fill(255);
  for (let y = 0; y < rows.length * 2 * scale; y++) {
    for (let x = 0; x < width; x++) {
      const block = rows[Math.floor(y / scale / 2)]![Math.floor(x / scale)]!;
      const ink = block === '█' || block === (Math.floor(y / scale) % 2 === 0 ? '▀' : '▄');
      if (ink) pixels.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return jsQR.default(pixels, width, rows.length * 2 * scale)?.data;
}

describe('a backup host that can’t read', () => {
  test('exports with its own key, a second time for next to nothing', async () => {
    expect(await run(['export', './vault', '--disk', 'd=disk.raw', ...host])).toMatchObject({ exit: 0 });
    const again = JSON.parse((await run(['export', './vault', '--disk', 'd=disk.raw', '--json', ...host])).out);
    expect(again.disks).toMatchObject([{ new_bytes: 0, stored_bytes: 0 }]);
    expect((await run(['list', './vault', ...pw])).out).toContain('2 bundles');
  });

  const reading: string[][] = [
    ['list', './vault'],
    ['list', './vault', '--allow-unknown-writer'],
    ['show', './vault'],
    ['show', './vault', 'volume/d'],
    ['cat', './vault', 'volume/d'],
    ['extract', './vault', '-o', 'out'],
    ['extract', './vault', '-o', 'out', '--salvage'],
    ['verify', './vault'],
    ['verify', './vault', '--read-data'],
    ['diff', './vault', './vault'],
    ['map', './vault', '--os-cloud', 'x'],
    ['plan', './vault', '--os-cloud', 'x'],
    ['import', './vault', '--os-cloud', 'x', '--yes'],
    ['forget', './vault', '--keep-last', '1'],
    ['prune', './vault', '--repack'],
    ['repair', './vault'],
    ['keys add', './vault', '--new-passphrase-file', 'second'],
    ['keys remove', './vault', 'passphrase-1'],
    ['keys rotate', './vault'],
    ['keys paper', './vault'],
  ];
  test.each(reading)('gets nothing out of it: %s %s', async (command, ...more) => {
    const { exit, out, err } = await run([...command!.split(' '), ...more, ...host]);
    expect(err).toContain("baluchon: a writer's key adds bundles to ./vault and reads none\n  use an owner's key or passphrase\n");
    expect({ exit, out }).toEqual({ exit: 5, out: '' });
    expect(await readdir(cwd)).not.toContain('out');
  });

  test('no command that opens a vault is left out above', () => {
    const others = ['init', 'export', 'keys list', 'cleanup', 'demo', 'pack', 'unpack', 'copy'];
    const commands = DECLARATIONS.map(({ usage }) => usage.replace(/ [<[].*/, ''));
    expect([...new Set(reading.map(([command]) => command!)), ...others].sort()).toEqual([...commands].sort());
  });
});

describe('keys', () => {
  test('list shows owners and writers', async () => {
    const { out, exit } = await run(['keys', 'list', './vault', ...pw]);
    expect(exit).toBe(0);
    expect(out).toMatch(/^owner +passphrase-1 +20.*$/m);
    expect(out).toMatch(/^writer +[0-9A-F]{40} +20.* host <host@example.org>$/m);
    expect(out).toMatch(/^1 owner, 1 writer; epoch 1; root [0-9A-F]{40}\.$/m);
  });

  test('add lets an owner in, who reads what is there already', async () => {
    expect((await run(['keys', 'add', './vault', '--owner', 'alice.asc', '--new-passphrase-file', 'second', ...pw])).out).toMatch(/^Added owner alice <alice@example.org> \([0-9A-F]{40}\): reads everything, what is there already included\.$/m);
    for (const key of [['--identity', 'alice.key'], ['--passphrase-file', 'second']]) expect((await run(['list', './vault', ...key])).out).toContain('2 bundles');
    expect(await run(['keys', 'add', './vault', '--owner', 'alice.asc', ...pw])).toMatchObject({ exit: 2, err: expect.stringContaining('is an owner already') });
    expect(await run(['keys', 'add', './vault', ...pw])).toMatchObject({ exit: 2, err: expect.stringContaining('no terminal to ask for a passphrase') });
  });

  test('rotate begins an epoch, and all go on with what they have', async () => {
    expect((await run(['keys', 'rotate', './vault', '--identity', 'alice.key'])).out).toContain('Rotated: epoch 2 has begun');
    expect((await run(['export', './vault', '--disk', 'd=disk.raw', ...host])).exit).toBe(0);
    expect((await run(['verify', './vault', '--read-data', ...pw])).out).toContain('Whole:');
  });

  test('remove says what it can’t do, and shuts out', async () => {
    const { out } = await run(['keys', 'remove', './vault', 'passphrase-2', 'host <host@example.org>', ...pw]);
    expect(out).toContain('Removed owner passphrase-2.\nRemoved writer host <host@example.org> (');
    expect(out).toContain('Epoch 3 has begun');
    expect(out).toContain('This protects what comes, not what was');
    expect(await run(['list', './vault', '--passphrase-file', 'second'])).toMatchObject({ exit: 5, err: 'baluchon: wrong passphrase or key\n' });
    expect(await run(['export', './vault', '--disk', 'd=disk.raw', ...host])).toMatchObject({ exit: 5, err: 'baluchon: wrong passphrase or key\n' });
    expect((await run(['list', './vault', ...pw])).out).toContain('3 bundles');
    expect(await run(['keys', 'remove', './vault', 'nobody', ...pw])).toMatchObject({ exit: 2, err: expect.stringMatching(/^baluchon: no owner or writer nobody\n {2}there are: passphrase-1, /) });
  });

  test('a copy from before says who may still open it, and remove there takes that away', async () => {
    expect((await run(['keys', 'add', './vault', '--new-passphrase-file', 'second', ...pw])).out).toContain('Added owner passphrase-2');
    expect((await run(['copy', './vault', './shelf'])).exit).toBe(0);
    await run(['keys', 'remove', './vault', 'passphrase-2', ...pw]);
    const { exit, out } = await run(['copy', './vault', './shelf']);
    expect(out).toMatch(/^Copied 0 bundles to \.\/shelf: .*\n( {2}! only there: keys\/epoch-\d\/owner-.*\n)+ {2}! only there: keys\/pass-2\..*\nWho was put out of \.\/vault may still open \.\/shelf with these files\. Put them out there as well: baluchon keys remove \.\/shelf <who>\n$/);
    expect(exit).toBe(0);
    const taken = (await run(['keys', 'remove', './shelf', 'passphrase-2', ...pw])).out;
    expect(taken).toMatch(/^(Removed keys\/\S+, which let in who was no member any more\.\n)+$/);
    expect((await run(['copy', './vault', './shelf'])).out).toBe('./shelf has all of it already.\n');
  });
});

describe('a paper key', () => {
  test('is one page; typed or scanned in it opens the vault', async () => {
    const { out, exit } = await run(['keys', 'paper', './vault', ...pw]);
    expect(exit).toBe(0);
    expect(out.split('\n').length).toBeLessThan(60);
    const typed = out.split('\n').filter((line) => /^ +[1-4] {2}/.test(line));
    const scanned = scan(out);
    expect(scanned).toMatch(/^BALUCHON-PAPER\/1 [0-9A-Z]{64}$/);
    for (const [name, text] of [['page', out], ['typed', typed.join('\n')], ['scanned', scanned!]] as const) {
      await writeFile(join(cwd, name), text);
      expect((await run(['list', './vault', '--paper', name])).out, name).toContain('3 bundles');
    }
    expect((await run(['list', './vault', '--identity', 'page'])).out).toContain('3 bundles');
    await writeFile(join(cwd, 'wrong'), typed.join('\n').replace(/(?<=^ *2 {2})./m, (char) => (char === '7' ? '8' : '7')));
    expect(await run(['list', './vault', '--paper', 'wrong'])).toMatchObject({ exit: 2, err: expect.stringContaining('wrong: line 2 is mistyped') });
  });

  test('goes into a file that is its user’s alone, to print, and never over another', async () => {
    expect((await run(['keys', 'paper', './vault', '-o', 'paper.html', ...pw])).out).toMatch(/^Written: paper\.html\./);
    expect((await stat(join(cwd, 'paper.html'))).mode & 0o777).toBe(0o600);
    const html = await readFile(join(cwd, 'paper.html'), 'utf8');
    expect(html).toContain('<svg');
    expect(html).not.toMatch(/(src|href)=/);
    expect((await run(['list', './vault', '--paper', 'paper.html'])).out).toContain('3 bundles');
    const before = await readdir(join(cwd, 'vault/keys'));
    expect(await run(['keys', 'paper', './vault', '-o', 'paper.html', ...pw])).toMatchObject({ exit: 2, err: expect.stringContaining('cannot write paper.html') });
    expect(await readdir(join(cwd, 'vault/keys'))).toEqual(before);
  });

  test('is removed like any owner', async () => {
    expect((await run(['keys', 'remove', './vault', 'paper-3', ...pw])).out).toMatch(/^Removed owner paper-3\.$/m);
    expect((await run(['list', './vault', '--paper', 'paper.html'])).exit).toBe(5);
    expect((await run(['list', './vault', '--paper', 'page'])).exit).toBe(0);
  });
});

describe('what vanishes', () => {
  test('is named by list and by verify', async () => {
    const bundles = join(cwd, 'vault/bundles');
    const newest = (await readdir(bundles)).filter((name) => name.endsWith('.pgp')).sort().at(-1)!;
    await rm(join(bundles, newest));
    const listed = await run(['list', './vault', ...pw]);
    expect(listed).toMatchObject({ exit: 1, err: expect.stringContaining(`missing: bundles/${newest}: it was here at 20`) });
    expect(listed.out).toContain('2 bundles');
    const verified = await run(['verify', './vault', ...pw]);
    expect(verified).toMatchObject({ exit: 5, out: expect.stringContaining(`missing: bundles/${newest}`) });
  });
});

describe('profiles', () => {
  test('init takes one; what does not fit it is refused in one line', async () => {
    const { out } = await run(['init', './modern', '--profile', 'rfc9580', '--owner', 'alice.asc', '--json']);
    expect(JSON.parse(out)).toMatchObject({ format: 'baluchon-init/1', profile: 'rfc9580', owners: ['alice.asc'], passphrases: 0 });
    expect((await run(['export', './modern', '--disk', 'd=disk.raw', '--identity', 'alice.key'])).exit).toBe(0);
    expect((await run(['verify', './modern', '--read-data', '--identity', 'alice.key'])).out).toContain('Whole:');
    const { publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'new' }], config: { v6Keys: true } });
    await writeFile(join(cwd, 'v6.asc'), publicKey);
    expect(await run(['init', './other', '--owner', 'v6.asc'])).toMatchObject({ exit: 2, err: expect.stringMatching(/^baluchon: openpgp key [0-9A-F]{64} is of version 6, which gpg 2\.2 does not read\n {2}make one with: /) });
    expect((await run(['init', './other', '--owner', 'v6.asc', '--profile', 'rfc9580'])).exit).toBe(0);
  });
});
