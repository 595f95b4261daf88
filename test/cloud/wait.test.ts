import { describe, expect, test } from 'vitest';
import { mapConcurrent } from '../../src/cloud/pool.ts';
import { waitFor } from '../../src/cloud/wait.ts';
import { BaluchonError } from '../../src/errors.ts';
import { failure } from './support.ts';

const fast = { first: 1, most: 5 };
const states = (...all: (string | Error)[]) => {
  let looks = 0;
  const poll = async () => {
    const state = all[Math.min(looks, all.length - 1)]!;
    looks += 1;
    if (state instanceof Error) throw state;
    return { status: state };
  };
  return { poll, looks: () => looks };
};
const ready = ({ status }: { status: string }) => (status === 'ERROR' ? 'no valid host was found' : status === 'ACTIVE');
const broken = (status: number) => new BaluchonError('cloud', 'compute: oops', { status });

describe('waiting', () => {
  test('looks until it is ready, and gives what it saw last', async () => {
    const { poll, looks } = states('BUILD', 'BUILD', 'ACTIVE');
    expect(await waitFor('server web', poll, ready, fast)).toEqual({ status: 'ACTIVE' });
    expect(looks()).toBe(3);
  });

  test('ends with the reason why it will never be ready', async () => {
    expect(await failure(waitFor('server web', states('BUILD', 'ERROR').poll, ready, fast))).toMatchObject({ code: 'cloud', message: 'server web: no valid host was found' });
  });

  test('looks less and less often', async () => {
    const times: number[] = [];
    const { poll } = states('BUILD', 'BUILD', 'BUILD', 'BUILD', 'BUILD', 'ACTIVE');
    await waitFor('x', async () => (times.push(performance.now()), poll()), ready, { first: 20, most: 60 });
    const pauses = times.slice(1).map((time, n) => time - times[n]!);
    expect(Math.min(...pauses.slice(-2))).toBeGreaterThanOrEqual(55);
    expect(pauses[0]!).toBeGreaterThanOrEqual(15);
  });

  test.each([['no answer', new BaluchonError('network', 'reset')], ['a 503', broken(503)]])('puts up with %s once in a row, not twice', async (_, error) => {
    expect(await waitFor('x', states('BUILD', error, 'BUILD', error, 'ACTIVE').poll, ready, fast)).toEqual({ status: 'ACTIVE' });
    expect(await failure(waitFor('x', states('BUILD', error, error, 'ACTIVE').poll, ready, fast))).toBe(error);
  });

  test('leaves all other errors to its caller', async () => {
    const gone = new BaluchonError('not-found', 'gone', { status: 404 });
    expect(await failure(waitFor('x', states('BUILD', gone, 'ACTIVE').poll, ready, fast))).toBe(gone);
  });

  test('gives up on what does not move, and only then', async () => {
    expect(await failure(waitFor('volume data', states('creating').poll, ready, { ...fast, stall: 60 }))).toMatchObject({ code: 'cloud', message: expect.stringContaining('volume data: nothing has moved') });
    const moving = states(...Array.from({ length: 40 }, (_, n) => `step ${n}`), 'ACTIVE');
    expect(await waitFor('x', moving.poll, ready, { first: 20, most: 20, stall: 700 })).toEqual({ status: 'ACTIVE' });
    const noise = states(...Array.from({ length: 100 }, (_, n) => `noise ${n}`));
    expect((await failure(waitFor('x', noise.poll, ready, { ...fast, stall: 60, progress: () => 'the same' }))).message).toContain('nothing has moved');
  });

  test('ends at once when it is interrupted', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const started = performance.now();
    expect((await failure(waitFor('x', states('BUILD').poll, ready, { first: 60_000, signal: controller.signal }))).code).toBe('interrupted');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('doing many things at once', () => {
  test('never does more than it may, and gives the results in order', async () => {
    let [running, most] = [0, 0];
    const results = await mapConcurrent(Array.from({ length: 20 }, (_, n) => n), 4, async (n) => {
      most = Math.max(most, (running += 1));
      await new Promise((done) => setTimeout(done, (n % 3) * 5));
      running -= 1;
      return n * 2;
    });
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
    expect(most).toBe(4);
  });

  test('stops at the first error, tells the others, and waits for them', async () => {
    const done: number[] = [];
    const told: number[] = [];
    const work = mapConcurrent([0, 1, 2, 3, 4, 5], 2, async (n, signal) => {
      if (n === 1) throw new BaluchonError('cloud', 'one failed');
      await new Promise((go) => setTimeout(go, 30));
      if (signal.aborted) told.push(n);
      done.push(n);
    });
    expect((await failure(work)).message).toBe('one failed');
    expect([done, told]).toEqual([[0], [0]]);
  });

  test('begins nothing more once interrupted', async () => {
    const controller = new AbortController();
    const begun: number[] = [];
    const work = mapConcurrent([0, 1, 2, 3], 1, async (n) => void (begun.push(n), n === 1 && controller.abort()), controller.signal);
    expect((await failure(work)).code).toBe('interrupted');
    expect(begun).toEqual([0, 1]);
  });
});
