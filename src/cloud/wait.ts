import { BaluchonError } from '../errors.ts';
import { sleep } from './retry.ts';

export interface WaitOptions<T> {
  signal?: AbortSignal;
  /** Milliseconds without any change of what `progress` gives after which it is given up. Default: never. */
  stall?: number;
  /** What must change for it to count as moving on. Default: the whole value. */
  progress?: (value: T) => unknown;
  /** The first and the longest pause between two looks, milliseconds. Default 500 and 5,000. */
  first?: number;
  most?: number;
}

/**
 * Looks again and again until `ready` says true. There is no time limit of its own, since how long a cloud takes is not
 * ours to know; `stall` gives up on what no longer moves. A reason instead of true or false ends it as the error `cloud`:
 * `what: reason`. One failed look in a row (no answer, or a 5xx) is put up with; all other errors are the caller's.
 */
export async function waitFor<T>(what: string, poll: () => Promise<T>, ready: (value: T) => boolean | string, options: WaitOptions<T> = {}): Promise<T> {
  const { signal, stall, progress = (value: T) => value, first = 500, most = 5_000 } = options;
  let pause = first;
  let failed = false;
  let mark: string | undefined;
  let moved = performance.now();
  for (;;) {
    try {
      const value = await poll();
      failed = false;
      const verdict = ready(value);
      if (verdict === true) return value;
      if (typeof verdict === 'string') throw new BaluchonError('cloud', `${what}: ${verdict}`);
      const now = JSON.stringify(progress(value)) ?? '';
      if (now !== mark) [mark, moved] = [now, performance.now()];
    } catch (error) {
      const passing = error instanceof BaluchonError && (error.code === 'network' || (error.status ?? 0) >= 500);
      if (!passing || failed) throw error;
      failed = true;
    }
    if (stall !== undefined && performance.now() - moved >= stall) {
      throw new BaluchonError('cloud', `${what}: nothing has moved for ${Math.round(stall / 1000)} s`, { hint: "look at the resource in the provider's dashboard, then run the same command again" });
    }
    await sleep(pause, signal);
    pause = Math.min(most, pause * 1.5);
  }
}
