import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from './store.ts';

/**
 * A store into which no more than `rate` bytes a second are put on average, over all puts together. A file is sent in one go, and the
 * next waits until the time that it should have taken is over.
 */
export function limitStore(store: Store, rate: number, { now = performance.now.bind(performance) as () => number, wait = sleep as (milliseconds: number) => Promise<unknown> } = {}): Store {
  // When the line is free again, in milliseconds.
  let free = 0;
  return {
    ...store,
    async put(name, body) {
      const start = Math.max(now(), free);
      free = start + (body.length / rate) * 1000;
      if (start > now()) await wait(start - now());
      await store.put(name, body);
    },
  };
}
