import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder for this file's tests, removed after them. */
export async function testFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'baluchon-test-'));
  afterAll(() => rm(path, { recursive: true, force: true }));
  return path;
}
