import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../vault/kit.ts';
import { killLoop } from '../vault/kill-loop.ts';

test('killed 200 times, and nothing that was committed is lost', async () => {
  const at = folder();
  const result = await killLoop(join(at, 'vault'), join(at, 'copy'), 200, ({ killed, committed, problems }) => {
    if (killed % 10 === 0) console.log(`killed ${killed} times, ${committed} bundles committed, ${problems.length} problems`);
  });
  expect(result.problems).toEqual([]);
  expect(result.killed).toBe(200);
}, 3_600_000);
