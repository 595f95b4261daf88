import { setTimeout as sleep } from 'node:timers/promises';
import { isError } from '../errors.ts';
import { shorter } from './names.ts';
import type { Store } from './store.ts';

/** Worth another try: no answer, or the service said that it can't just now. */
function passing(error: unknown): boolean {
  return isError(error, 'network') || (isError(error, 'cloud') && (error.status === undefined || error.status >= 500 || error.status === 429));
}

/** A store that tries again, `tries` times in all, after 0.2 s, 0.4 s, ... with jitter. Every operation of a store may be repeated. */
export function retryStore(store: Store, { tries = 5, wait = sleep as (milliseconds: number) => Promise<unknown> } = {}): Store {
  const persist = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tried = 1; ; tried++) {
      try {
        return await work();
      } catch (error) {
        if (tried >= tries || !passing(error)) throw error;
        await wait(200 * 2 ** (tried - 1) * (0.5 + Math.random()));
      }
    }
  };
  return {
    name: store.name,
    put: (name, body) => persist(() => store.put(name, body)),
    get: (name, range) =>
      persist(async () => {
        const bytes = await store.get(name, range);
        if (range && bytes.length !== range.length) throw shorter(store.name, name);
        return bytes;
      }),
    async *list(prefix) {
      // Names given already are not given again when the listing has to start over.
      yield* await persist(async () => {
        const files = [];
        for await (const file of store.list(prefix)) files.push(file);
        return files;
      });
    },
    stat: (name) => persist(() => store.stat(name)),
    remove: (name) => persist(() => store.remove(name)),
    close: () => store.close(),
  };
}
