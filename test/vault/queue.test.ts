import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ordered } from '../../src/vault/queue.ts';

const numbers = Array.from({ length: 40 }, (_, nth) => nth);

/** Work that says what was begun and how many times it is done at once; what is to be held waits for `go`. */
function watched(hold?: number) {
  const begun: number[] = [];
  const seen = { now: 0, most: 0 };
  let go = (): void => {};
  const held = new Promise<void>((resolve) => { go = resolve; });
  const work = async (nth: number): Promise<number> => {
    begun.push(nth);
    seen.most = Math.max(seen.most, (seen.now += 1));
    await (nth === hold ? held : sleep(1));
    seen.now -= 1;
    return nth;
  };
  return { work, begun, seen, go: () => go() };
}

describe('work in order', () => {
  test('comes in order, and so much is done at once and no more', async () => {
    const { work, seen } = watched();
    const got: number[] = [];
    for await (const nth of ordered(numbers, 12, work, 3)) got.push(nth);
    expect(got).toEqual(numbers);
    expect(seen.most).toBe(3);
  });

  test('a slow one does not hold up those behind it, as far as results may wait', async () => {
    const { work, begun, go } = watched(0);
    const all = Array.fromAsync(ordered(numbers, 12, work, 3));
    await sleep(60);
    expect(begun).toHaveLength(12);
    go();
    expect(await all).toEqual(numbers);
  });

  test('after one that failed nothing more is begun, and what was begun has ended', async () => {
    const { work, begun, seen } = watched();
    const failing = async (nth: number) => (nth === 5 ? Promise.reject(new Error('the fifth')) : work(nth));
    await expect(Array.fromAsync(ordered(numbers, 12, failing, 3))).rejects.toThrow('the fifth');
    expect(seen.now).toBe(0);
    expect(begun.length).toBeLessThan(12);
    const before = begun.length;
    await sleep(20);
    expect(begun).toHaveLength(before);
  });

  test('so it is when whoever asked goes away', async () => {
    const { work, begun, seen } = watched();
    for await (const nth of ordered(numbers, 12, work, 3)) if (nth === 2) break;
    expect(seen.now).toBe(0);
    const before = begun.length;
    expect(before).toBeLessThan(20);
    await sleep(20);
    expect(begun).toHaveLength(before);
  });
});
