import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { newPassphrase, readKey, type KeyOptions } from '../../src/cli/keys.ts';

let folder = '';
let open = '';
let locked = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baluchon-keys-'));
  open = (await generateKey({ userIDs: [{ name: 'Ana' }] })).privateKey;
  locked = (await generateKey({ userIDs: [{ name: 'Bo' }], passphrase: 'of the key' })).privateKey;
  const files = { pw: 'of the vault\n', windows: 'of the vault\r\n', two: 'of the vault\n\n', spaces: '  a b  ', empty: '\n', 'of-key': 'of the key\n', 'open.asc': open, 'locked.asc': locked, 'no-key': 'hello' };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true }));

const asked: string[] = [];
const read = (options: KeyOptions, env: NodeJS.ProcessEnv = {}, typed?: string): ReturnType<typeof readKey> => readKey(context(env, typed), options, './vault');
const context = (env: NodeJS.ProcessEnv, ...typed: (string | undefined)[]): Context => {
  const lines = typed.filter((line) => line !== undefined);
  const secret = async (question: string): Promise<string> => (asked.push(question), lines.shift() ?? '');
  return { env, cwd: folder, terminal: { interactive: lines.length > 0, confirm: async () => false, secret } } as unknown as Context;
};

describe('the key of a vault', () => {
  test.each([
    ['without its line end', 'pw', 'of the vault'],
    ['without a line end of Windows', 'windows', 'of the vault'],
    ['without one line end and no more', 'two', 'of the vault\n'],
    ['with the spaces that it has', 'spaces', '  a b  '],
  ])('is the passphrase in the file, %s', async (_, passphraseFile, passphrase) => {
    expect(await read({ passphraseFile })).toEqual({ passphrase });
  });

  test('is the passphrase in the file that the environment names', async () => {
    expect(await read({}, { BALUCHON_PASSPHRASE_FILE: 'pw' })).toEqual({ passphrase: 'of the vault' });
  });

  test('is an OpenPGP key that needs no passphrase', async () => {
    expect(await read({ identity: 'open.asc' }, { BALUCHON_PASSPHRASE_FILE: 'missing' })).toEqual({ identity: open });
  });

  test('is an OpenPGP key with the passphrase of its own, from the file', async () => {
    expect(await read({ identity: 'locked.asc', passphraseFile: 'of-key' })).toEqual({ identity: locked, passphrase: 'of the key' });
    expect(await read({}, { BALUCHON_IDENTITY: 'locked.asc', BALUCHON_PASSPHRASE_FILE: 'of-key' })).toEqual({ identity: locked, passphrase: 'of the key' });
  });

  test('is what the command line says, though the environment names an identity', async () => {
    expect(await read({ passphraseFile: 'pw' }, { BALUCHON_IDENTITY: 'locked.asc' })).toEqual({ passphrase: 'of the vault' });
  });

  test('is asked for when there is a terminal, with the name of what it opens', async () => {
    asked.length = 0;
    expect(await read({}, {}, 'typed')).toEqual({ passphrase: 'typed' });
    expect(await read({ identity: 'locked.asc' }, {}, 'typed')).toEqual({ identity: locked, passphrase: 'typed' });
    expect(asked).toEqual(['Passphrase of ./vault', 'Passphrase of locked.asc']);
  });

  test.each([
    ['no key and no terminal', {}, /^no key to open the vault with, and no terminal/],
    ['a file that is not there', { passphraseFile: 'nope' }, /^cannot read the passphrase file nope: no such file or directory$/],
    ['an empty file', { passphraseFile: 'empty' }, /^the passphrase file empty is empty$/],
    ['an identity that is none', { identity: 'no-key' }, /^no-key is not an OpenPGP secret key/],
  ])('is a usage error with %s', async (_, options: KeyOptions, message) => {
    await expect(read(options)).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  });
});

describe('the passphrase of a new vault', () => {
  test('is typed twice', async () => {
    expect(await newPassphrase(context({}, 'one', 'one'), undefined)).toBe('one');
    await expect(newPassphrase(context({}, 'one', 'two'), undefined)).rejects.toMatchObject({ code: 'usage', message: 'the two passphrases differ' });
  });

  test('is not empty', async () => {
    await expect(newPassphrase(context({}, '', ''), undefined)).rejects.toMatchObject({ code: 'usage', message: 'the passphrase is empty' });
  });
});
