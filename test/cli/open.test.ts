import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCode, known } from '../../src/cli/exit.ts';
import { parseBundle } from '../../src/cli/open.ts';
import { BaluchonError, type ErrorCode } from '../../src/errors.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baluchon-open-'));
  await mkdir(join(folder, 'me@home'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['./vault', './vault', 'latest'],
  ['./vault@3f2a', './vault', '3f2a'],
  ['./vault@', './vault', 'latest'],
  ['./vault@2026-11-21T12:00:00Z', './vault', '2026-11-21T12:00:00Z'],
  ['me@home', 'me@home', 'latest'],
  ['me@home@3f2a', 'me@home', '3f2a'],
  ['/mnt/me@work/vault', '/mnt/me@work/vault', 'latest'],
  ['swift://box/a?cloud=x@3f2a', 'swift://box/a?cloud=x', '3f2a'],
])('%s is the vault %s and its bundle %s', (text, vault, ref) => {
  expect(parseBundle(text, folder)).toEqual({ vault, ref });
});

test('every sort of error has its exit code', () => {
  const codes: Record<ErrorCode, number> = { differs: 1, usage: 2, auth: 3, forbidden: 3, cloud: 4, network: 4, 'not-found': 4, conflict: 4, quota: 4, vault: 5, key: 5, store: 5, interrupted: 130 };
  for (const [code, exit] of Object.entries(codes)) expect(exitCode(new BaluchonError(code as ErrorCode, 'x')), code).toBe(exit);
});

test('a full disk and an abort are told for what they are, and a fault of ours is not dressed up', () => {
  expect(known(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))).toMatchObject({ code: 'store', message: 'no space left on the device' });
  expect(known(Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: 'EACCES', path: '/x' }))).toMatchObject({ code: 'store', message: '/x: permission denied' });
  expect(known(new DOMException('This operation was aborted', 'AbortError'))).toMatchObject({ code: 'interrupted' });
  expect(known(new TypeError('x is not a function'))).toBeUndefined();
});
