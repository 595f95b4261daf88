import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from './kit.ts';
import { killLoop } from './kill-loop.ts';

test('exports, forgets, prunes, repacks and copies killed at any moment lose nothing that was committed', async () => {
  const at = folder();
  const { killed, committed, problems } = await killLoop(join(at, 'vault'), join(at, 'copy'), 12);
  expect(problems).toEqual([]);
  expect(killed).toBe(12);
  expect(committed).toBeGreaterThan(2);
}, 180_000);
