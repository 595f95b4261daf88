import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { fingerprint, generateIdentity, newPaperKey, paperCode, paperLines, readIdentity } from '../../src/keys/index.ts';
import { openStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { openSession } from '../../src/vault/session.ts';
import { beginBundle } from '../../src/vault/writer.ts';
import { about, chunk, disk, documents, folder, noise, prose, source } from './kit.ts';
import { newSq, sqKey } from '../sq.ts';
import { gpg, needs, pathWith, run, stopAgent, type Made } from '../tools.ts';

const base = ['sh', 'tar', 'zstd', 'awk', 'sed', 'sha256sum', 'dd', 'sort', 'join', 'cut', 'truncate', 'mktemp', 'mkdir', 'rm', 'mv', 'cp', 'cat', 'ls', 'tail', 'head', 'tr', 'wc', 'od', 'grep'];
const programs = { gpg: ['gpg', 'gpg-agent', 'gpgconf'], sq: ['sq', 'openssl'], both: ['gpg', 'gpg-agent', 'gpgconf', 'sq', 'openssl'] };
const paths: Record<string, string> = {};
const paper = newPaperKey();
const bytes: Buffer = Buffer.concat([prose(chunk * 2, 'log'), noise(chunk, 'noise')]);
const later: Buffer = Buffer.concat([noise(chunk, 'later'), bytes.subarray(chunk)]);
const made: Record<string, Made> = {};
let vault: string;
let ids: string[];

function file(text: string): string {
  const path = join(folder(), 'f');
  writeFileSync(path, text);
  return path;
}

/** With these programs on the path and no others. */
function recover(tool: string, args: string[], cwd = vault): { out: string; status: number | null; text: string } {
  const out = join(folder(), 'out');
  const { status, text } = run('/bin/sh', ['recover.sh', ...args, out], { cwd, env: { PATH: paths[tool]!, HOME: '/nonexistent' } });
  return { out, status, text };
}

function expectDisk({ out, status, text }: ReturnType<typeof recover>, expected: Buffer): void {
  expect(text).toContain('all is in');
  expect(status).toBe(0);
  expect(readFileSync(join(out, 'disks/volume-a.raw')).equals(expected)).toBe(true);
}

const ready = needs('gpg', 'sq', 'openssl', 'zstd', 'tar', 'awk');
beforeAll(async () => {
  if (!ready) return;
  for (const [tool, own] of Object.entries(programs)) paths[tool] = pathWith(join(folder(), 'bin'), [...base, ...own]);
  const home = join(folder(), 'g');
  const pgp = gpg(home);
  pgp(['--passphrase', '', '--quick-gen-key', 'made by gpg', 'rsa3072', 'default', 'never']);
  const id = /^fpr:+([0-9A-F]{40}):/m.exec(pgp(['--with-colons', '--list-keys']).text)![1]!;
  pgp(['--passphrase', '', '--quick-add-key', id, 'rsa3072', 'encr', 'never']);
  made['gpg'] = { secret: pgp(['--armor', '--export-secret-keys']).stdout.toString(), certificate: pgp(['--armor', '--export']).stdout.toString() };
  stopAgent(home);
  for (const name of ['sq', 'writer']) {
    made[name] = sqKey(join(folder(), 'key.pgp'), `${name} <${name}@example.org>`);
  }
  vault = join(folder(), 'vault');
  const store = await openStore(vault);
  await createVault(store, { passphrases: ['correct horse'], papers: [paper], owners: [made['gpg']!.certificate, made['sq']!.certificate], writers: [made['writer']!.certificate] });
  const add = async (key: Parameters<typeof openVault>[1], content: Buffer) => {
    const writer = await (await openVault(store, key)).begin();
    await writer.addDisk(disk(content), about('volume-a', content.length));
    return (await writer.commit({ source, documents: documents(2) })).id;
  };
  // By an owner; by a writer in epoch 1; by the same in epoch 2; then it is removed.
  const owner = { identity: made['sq']!.secret };
  const writer = { identity: made['writer']!.secret };
  ids = [await add(owner, bytes), await add(writer, bytes)];
  const held = await openSession(store, writer);
  await (await openVault(store, owner)).keys.rotate();
  ids.push(await add(writer, later));
  await (await openVault(store, owner)).keys.remove([fingerprint(await readIdentity(writer.identity))]);
  ids.push(await add(owner, bytes));
  // What the removed writer still brings, dated back and with what it had kept.
  const late = await beginBundle(held, new Date('2020-01-01T00:00:00Z'));
  await late.addDisk(disk(later), about('volume-a', later.length));
  ids.push((await late.commit({ source, documents: [] })).id);
});

describe.each(['gpg', 'sq'])('recover.sh with %s alone', (tool) => {
  test('opens with a passphrase', () => {
    expectDisk(recover(tool, ['--passphrase-file', file('correct horse\n')]), bytes);
  });

  test.each([
    ['typed', paperLines(paper).join('\n').toUpperCase().replaceAll('0', 'O')],
    ['on its page', `Paper key\n\n    ${paperLines(paper).join('\n    ')}\n\nKeep it.\n`],
    ['scanned', `${paperCode(paper)}\n`],
  ])('opens with a paper key, %s', (_, text) => {
    expectDisk(recover(tool, ['--paper', file(text)]), bytes);
  });

  test('names the line of a paper key that is mistyped', () => {
    const lines = paperLines(paper);
    lines[2] = lines[2]!.replace(/^3 {2}(.)/, (_, char: string) => `3  ${char === '7' ? '8' : '7'}`);
    expect(recover(tool, ['--paper', file(lines.join('\n'))])).toMatchObject({ status: 2, text: expect.stringMatching(/line 3 of the paper key is missing or mistyped/) });
    expect(recover(tool, ['--paper', file(lines.slice(0, 2).join('\n'))])).toMatchObject({ status: 2, text: expect.stringContaining('line 3') });
  });

  test.each(['gpg', 'sq'])('opens with the key of an owner, made by %s', (maker) => {
    expectDisk(recover(tool, ['--identity', file(made[maker]!.secret)]), bytes);
  });

  test('opens with a key that has a passphrase, or says that this sq does not take one from a file', async () => {
    const privateKey = await openpgp.readPrivateKey({ armoredKey: made['sq']!.secret });
    const locked = (await openpgp.encryptKey({ privateKey, passphrase: 'of the key' })).armor();
    const recovered = recover(tool, ['--identity', file(locked), '--identity-passphrase-file', file('of the key\n')]);
    if (tool === 'gpg' || newSq) expectDisk(recovered, bytes);
    else expect(recovered).toMatchObject({ status: 2, text: expect.stringMatching(/^recover: this sq does not take a key's passphrase from a file/) });
  });

  test('takes the bundles that a writer made before it was removed, of every epoch', () => {
    expectDisk(recover(tool, ['--identity', file(made['sq']!.secret), '--bundle', ids[1]!]), bytes);
    expectDisk(recover(tool, ['--identity', file(made['sq']!.secret), '--bundle', ids[2]!]), later);
  });

  test('refuses one that it made afterwards', () => {
    expect(recover(tool, ['--identity', file(made['sq']!.secret), '--bundle', ids[4]!])).toMatchObject({ status: 1, text: expect.stringMatching(/not signed by a key of this vault, or by a writer that was removed/) });
  });

  test('a writer’s key, a stranger’s or a wrong passphrase open nothing: exit 5', async () => {
    for (const args of [['--identity', file(made['writer']!.secret)], ['--identity', file((await generateIdentity('stranger')).armor())], ['--passphrase-file', file('wrong')]]) {
      expect(recover(tool, args)).toMatchObject({ status: 5, text: 'recover: wrong passphrase or key\n' });
    }
  });
});

test('recover.sh opens a vault of profile rfc9580 with sq from 1.0 on, and says so with others', async () => {
  const place = join(folder(), 'vault');
  await createVault(await openStore(place), { passphrases: ['correct horse'], papers: [paper], owners: [made['sq']!.certificate], sealing: 'rfc9580' });
  const writer = await (await openVault(await openStore(place), { identity: made['sq']!.secret })).begin();
  await writer.addDisk(disk(bytes), about('volume-a', bytes.length));
  await writer.commit({ source, documents: documents(2) });
  for (const tool of ['gpg', 'sq', 'both']) {
    for (const key of [['--identity', file(made['sq']!.secret)], ['--passphrase-file', file('correct horse\n')], ['--paper', file(paperCode(paper))]]) {
      const recovered = recover(tool, key, place);
      if (tool !== 'gpg' && newSq) expectDisk(recovered, bytes);
      else expect(recovered).toMatchObject({ status: 2, text: 'recover: this vault is sealed with profile rfc9580, which takes sq 1.0 or later: install that, or use Baluchon\n' });
    }
  }
});
