import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baluchon } from './kit.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'baluchon-usage-'));
  await writeFile(join(cwd, 'pw'), 'secret\n');
});
afterAll(() => rm(cwd, { recursive: true }));

describe('a command line that is wrong is one line, a hint, and exit code 2', () => {
  test.each([
    ['an unknown command', ['lsit'], "unknown command 'lsit' (did you mean list?)", 'see: baluchon --help'],
    ['an unknown option', ['list', 'v', '--pasphrase-file', 'x'], "unknown option '--pasphrase-file' (did you mean --passphrase-file?)", 'see: baluchon list --help'],
    ['a missing argument', ['export'], "missing required argument 'vault'", 'see: baluchon export --help'],
    ['an argument too many', ['list', 'a', 'b'], "too many arguments for 'list': expected 1 argument but got 2", 'see: baluchon list --help'],
    ['a value that is none of the choices', ['export', 'v', '--consistency', 'none'], "option '--consistency <how>' argument 'none' is invalid: allowed choices are crash, quiesce, stop", 'see: baluchon export --help'],
    ['no command', ['--quiet'], 'no command given', 'see: baluchon --help'],
    ['a command of a later version', ['mount', 'v', 'd'], "unknown command 'mount'", 'see: baluchon --help'],
  ])('%s', async (_, args, message, hint) => {
    expect(await baluchon(args, { cwd })).toEqual({ exit: 2, out: '', err: `baluchon: ${message}\n  ${hint}\n` });
  });
});

describe('without a terminal nothing is asked', () => {
  test.each([
    ['a passphrase for a new vault', ['init', './new'], 'a vault needs a passphrase or an owner, and there is no terminal to ask for a passphrase'],
    ['whether to import', ['import', './v', '--os-cloud', 'x'], 'an import asks before it begins, and there is no terminal to ask on'],
    ['whether to clean up', ['cleanup', '--os-cloud', 'x'], 'cleanup asks before it removes anything, and there is no terminal to ask on'],
  ])('not for %s', async (_, args, message) => {
    const { exit, out, err } = await baluchon(args, { cwd });
    expect({ exit, out, line: err.split('\n')[0] }).toEqual({ exit: 2, out: '', line: `baluchon: ${message}` });
  });
});

test('a vault that is none is told before a passphrase is asked for: exit code 5', async () => {
  const { exit, err } = await baluchon(['list', './nothing'], { cwd });
  expect({ exit, err }).toEqual({ exit: 5, err: 'baluchon: there is no vault at ./nothing: no baluchon.yaml\n  check the path, or make one with: baluchon init ./nothing\n' });
  for (const command of [['list'], ['verify', '--without-keys'], ['extract', '-o', 'out']]) {
    const { exit, err } = await baluchon([command[0]!, './gone.baluchon', ...command.slice(1)], { cwd });
    expect({ exit, err }).toEqual({ exit: 5, err: expect.stringMatching(/^baluchon: there is no vault at .*gone\.baluchon: no baluchon\.yaml\n  check the path; such a file is made with: baluchon pack\n$/) });
  }
});

test('a cloud that clouds.yaml does not have is told with those that it has: exit code 2', async () => {
  await writeFile(join(cwd, 'clouds.yaml'), 'clouds:\n  alpha:\n    auth: {auth_url: "http://127.0.0.1:9/v3"}\n');
  const { exit, err } = await baluchon(['cleanup', '--os-cloud', 'nope', '--dry-run'], { cwd });
  expect(exit).toBe(2);
  expect(err).toMatch(/^baluchon: no cloud "nope".*alpha/);
});

test('a cloud that does not answer: exit code 4', async () => {
  const { exit, err } = await baluchon(['cleanup', '--dry-run'], { cwd, env: { OS_AUTH_URL: 'http://127.0.0.1:9/v3', OS_USERNAME: 'u', OS_PASSWORD: 's3cret', OS_PROJECT_NAME: 'p' } });
  expect(exit).toBe(4);
  expect(err).toMatch(/^baluchon: .*127\.0\.0\.1:9/);
  expect(err).not.toContain('s3cret');
});

test('with --json an error is the one document on stdout, and told on stderr as well', async () => {
  const { exit, out, err } = await baluchon(['list', './nothing', '--json'], { cwd });
  expect(JSON.parse(out)).toEqual({ format: 'baluchon-error/1', code: 'vault', message: 'there is no vault at ./nothing: no baluchon.yaml', hint: 'check the path, or make one with: baluchon init ./nothing', exit: 5 });
  expect(exit).toBe(5);
  expect(err).toMatch(/^baluchon: /);
});

test('with --progress ndjson an error is a line of JSON like all others', async () => {
  const { err } = await baluchon(['list', './nothing', '--progress', 'ndjson'], { cwd });
  expect(err.trimEnd().split('\n').map((line) => JSON.parse(line) as object)).toEqual([expect.objectContaining({ type: 'error', code: 'vault', exit: 5, time: expect.any(String) })]);
});

test('a stack trace is shown with --verbose, and without it never', async () => {
  expect((await baluchon(['list', './nothing'], { cwd })).err).not.toContain('    at ');
  expect((await baluchon(['list', './nothing', '--verbose'], { cwd })).err).toContain('    at ');
});

test('without arguments it prints a short help on stdout', async () => {
  const { exit, out, err } = await baluchon([], { cwd });
  expect({ exit, err }).toEqual({ exit: 0, err: '' });
  expect(out).toContain('export <vault>');
  expect(out.split('\n').length).toBeLessThan(45);
});

test('a reader that goes away is no error', async () => {
  expect(await baluchon(['--help'], { cwd, deaf: true })).toMatchObject({ exit: 0, err: '' });
});

test('docs/cli.md is what the program says of itself', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['src/cli/docs.ts']);
  expect(stdout).toBe(await readFile('docs/cli.md', 'utf8'));
});
