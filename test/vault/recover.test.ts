import { readFileSync, readdirSync, statSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, afterAll } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { createVault, documentYaml, openVault } from '../../src/vault/index.ts';
import { openSession } from '../../src/vault/session.ts';
import { beginBundle } from '../../src/vault/writer.ts';
import { about, chunk, contents, disk, documents, folder, noise, prose, source } from './kit.ts';
import { gpg, needs, pathWith, run, stopAgent } from '../tools.ts';

/** What a rescue system has: no Node, nothing of ours. */
const stock = ['sh', 'gpg', 'gpg-agent', 'gpgconf', 'tar', 'zstd', 'awk', 'sed', 'sha256sum', 'dd', 'sort', 'join', 'cut', 'truncate', 'mktemp', 'mkdir', 'rm', 'cp', 'cat', 'ls', 'tail'];

let vault: string;
let stockPath: string;
let home: string;
const keys: Record<string, { certificate: string; secret: string; passphrase?: string }> = {};
const big = Buffer.concat([prose(chunk * 5 + 17, 'log'), Buffer.alloc(chunk * 3), noise(chunk * 4, 'noise'), Buffer.alloc(chunk * 2000), prose(chunk * 2 + 1, 'end')]);
/** A chunk that no compressor shrinks, and that itself begins like a zstd frame. */
const trap = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), noise(chunk - 4, 'trap'), prose(chunk, 'after')]);
const disks: Record<string, Buffer> = { 'volume-big': big, 'volume-trap': trap, 'volume-copy': Buffer.from(trap), 'volume-zero': Buffer.alloc(5_000_000), 'volume-none': Buffer.alloc(0), 'volume-tiny': Buffer.from('x') };

async function makeBundle(changed: Record<string, Buffer>, docs = documents(5)): Promise<string> {
  const opened = await openVault(await openStore(vault), { passphrase: 'correct horse' });
  const writer = await opened.begin();
  await Promise.all(Object.entries(changed).map(([id, bytes]) => writer.addDisk(disk(bytes), about(id, bytes.length))));
  return (await writer.commit({ source, documents: docs })).id;
}

const ready = needs('gpg', 'tar', 'zstd', 'awk');
beforeAll(async () => {
  if (!ready) return;
  vault = join(folder(), 'vault');
  stockPath = pathWith(join(folder(), 'bin'), stock);
  home = join(folder(), 'g');
  const pgp = gpg(home);
  for (const [name, algorithm, usage, passphrase] of [['rsa', 'rsa2048', 'rsa2048', ''], ['curve', 'ed25519', 'cv25519', ''], ['locked', 'ed25519', 'cv25519', 'key pass']] as const) {
    pgp(['--passphrase', passphrase, '--quick-gen-key', `${name} <${name}@example.org>`, algorithm, 'sign', 'never']);
    const listing = pgp(['--with-colons', '--list-keys', `${name}@example.org`]).text;
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)![1]!;
    pgp(['--passphrase', passphrase, '--quick-add-key', fingerprint, usage, 'encr', 'never']);
    const certificate = pgp(['--armor', '--export', fingerprint]).stdout.toString();
    const secret = pgp(['--passphrase', passphrase, '--armor', '--export-secret-keys', fingerprint]).stdout.toString();
    keys[name] = { certificate, secret, ...(passphrase ? { passphrase } : {}) };
  }
  stopAgent(home);
  await createVault(await openStore(vault), { passphrases: ['correct horse', 'second'], owners: Object.values(keys).map((key) => key.certificate) });
  await makeBundle(disks);
});

afterAll(() => {
  if (ready) stopAgent(home);
});

function recover(args: string[], out = join(folder(), 'out')): { out: string; status: number | null; text: string } {
  const { status, text } = run('/bin/sh', ['recover.sh', ...args, out], { cwd: vault, env: { PATH: stockPath, HOME: '/nonexistent' } });
  return { out, status, text };
}

function file(text: string): string {
  const path = join(folder(), 'f');
  writeFileSync(path, text);
  return path;
}

function tree(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort();
}

function expectAll(out: string): void {
  expect(tree(out)).toEqual([...documents(5).map(({ kind, id }) => `documents/${kind}/${id}.yaml`), ...Object.keys(disks).map((id) => `disks/${id}.raw`)].sort());
  for (const [id, bytes] of Object.entries(disks)) expect(readFileSync(join(out, 'disks', `${id}.raw`)).equals(bytes), id).toBe(true);
  for (const document of documents(5)) expect(readFileSync(join(out, 'documents', document.kind, `${document.id}.yaml`), 'utf8')).toBe(documentYaml(document));
}

describe('recover.sh, with stock tools and no node', () => {
  test('the path it runs with holds no node', () => {
    expect(run('/bin/sh', ['-c', 'command -v node'], { env: { PATH: stockPath } }).status).not.toBe(0);
  });

  test('gives back every document and every disk with a passphrase, disks sparse', () => {
    const { out, status, text } = recover(['--passphrase-file', file('second\n')]);
    expect(text).toContain('all is in');
    expect(status).toBe(0);
    expectAll(out);
    expect(statSync(join(out, 'disks/volume-big.raw')).blocks * 512).toBeLessThan(16 * chunk);
  });

  test.each(['rsa', 'locked'])('gives them back with an OpenPGP key made by gpg: %s', (name) => {
    const { secret, passphrase } = keys[name]!;
    const { out, status, text } = recover(['--identity', file(secret), ...(passphrase ? ['--identity-passphrase-file', file(passphrase)] : [])]);
    expect(text).toContain('all is in');
    expect(status).toBe(0);
    expectAll(out);
  });

  test.each(['rsa', 'curve', 'locked'])('the program opens the vault with the same key: %s', async (name) => {
    const { secret, passphrase } = keys[name]!;
    const opened = await openVault(await openStore(vault), { identity: secret, ...(passphrase ? { passphrase } : {}) });
    const bundle = await opened.open('latest');
    expect((await contents(await bundle.disk('volume-big'))).equals(big)).toBe(true);
  });

  test.each([[['--passphrase-file'], 'wrong'], [['--identity-passphrase-file'], 'wrong']])('a wrong passphrase: exit 5, one line', ([option], wrong) => {
    const key = option === '--identity-passphrase-file' ? ['--identity', file(keys['locked']!.secret)] : [];
    const { status, text, out } = recover([...key, option!, file(wrong)]);
    expect(text).toBe('recover: wrong passphrase or key\n');
    expect(status).toBe(5);
    expect(() => readdirSync(out)).toThrow('ENOENT');
  });

  test('the secret key of somebody who is no owner: exit 5', () => {
    const other = join(folder(), 'o');
    const pgp = gpg(other);
    pgp(['--passphrase', '', '--quick-gen-key', 'other', 'ed25519', 'sign', 'never']);
    const { status } = recover(['--identity', file(pgp(['--armor', '--export-secret-keys']).stdout.toString())]);
    stopAgent(other);
    expect(status).toBe(5);
  });

  test('an older bundle by its id, without the index', async () => {
    const first = (await (await openVault(await openStore(vault), { passphrase: 'second' })).list())[0]!.id;
    await makeBundle({ 'volume-big': Buffer.concat([noise(chunk, 'new'), big.subarray(chunk)]) }, []);
    rmSync(join(vault, 'index'), { recursive: true });
    const { out, status } = recover(['--passphrase-file', file('second'), '--bundle', first.slice(0, 8)]);
    expect(status).toBe(0);
    expectAll(out);
  });

  test('chunks of another size, where baluchon.yaml says so', async () => {
    const place = join(folder(), 'vault');
    const store = await openStore(place);
    await createVault(store, { passphrases: ['small chunks'] });
    const session = await openSession(store, { passphrase: 'small chunks' });
    session.header.profile.chunk_size = 4096;
    const writer = await beginBundle(session);
    const bytes = Buffer.concat([noise(5 * 4096, 'a'), Buffer.alloc(9 * 4096), prose(4 * 4096 + 7, 'b')]);
    await writer.addDisk(disk(bytes), about('volume-a', bytes.length));
    await writer.commit({ source, documents: [] });
    const header = join(place, 'baluchon.yaml');
    writeFileSync(header, readFileSync(header, 'utf8').replace('chunk_size: 262144', 'chunk_size: 4096'));
    const out = join(folder(), 'out');
    const { status, text } = run('/bin/sh', ['recover.sh', '--passphrase-file', file('small chunks'), out], { cwd: place, env: { PATH: stockPath, HOME: '/nonexistent' } });
    expect(text).toContain('all is in');
    expect(status).toBe(0);
    expect(readFileSync(join(out, 'disks/volume-a.raw')).equals(bytes)).toBe(true);
  });

  test('a pack changed by one bit: named, the rest recovered, exit 1', () => {
    const packs = tree(join(vault, 'packs')).map((name) => join(vault, 'packs', name));
    const largest = packs.sort((a, b) => statSync(b).size - statSync(a).size)[0]!;
    const bytes = readFileSync(largest);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(largest, bytes);
    const { out, status, text } = recover(['--passphrase-file', file('second')]);
    expect(status).toBe(1);
    expect(text).toContain(`damaged: ${largest.slice(vault.length + 1)}`);
    expect(text).toMatch(/disk volume-big: [0-9]+ pieces .* lost/);
    expect(readFileSync(join(out, 'disks/volume-big.raw')).subarray(0, chunk).equals(noise(chunk, 'new'))).toBe(true);
  });
});
