import { setTimeout as sleep } from 'node:timers/promises';
import { isError } from '../errors.ts';
import { shorter } from './names.ts';
import type { Store } from './store.ts';

/** Worth another try: no answer, or the service said that it can't just now. */
function passing(error: unknown): boolean {
  return isError(error, 'network') || (isError(error, 'cloud') && (error.status === undefined || error.status >= 500 || error.status === 429));
}

export interface Patience {
  tries?: number;
  /** For tests: how the milliseconds between tries are spent. */
  wait?: (milliseconds: number) => Promise<unknown>;
}

/** Does the work again when it failed in passing: `tries` times in all, after 0.2 s, 0.4 s, ... with jitter. */
export async function persist<T>(work: () => Promise<T>, { tries = 5, wait = sleep }: Patience = {}): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried >= tries || !passing(error)) throw error;
      await wait(200 * 2 ** (tried - 1) * (0.5 + Math.random()));
    }
  }
}

/** A store that tries again. Every operation of a store may be repeated. */
export function retryStore(store: Store, patience: Patience = {}): Store {
  const again = <T>(work: () => Promise<T>): Promise<T> => persist(work, patience);
  // What was given already is not given again when the listing has to start over.
  async function* listed<T>(list: () => AsyncIterable<T>): AsyncGenerator<T> {
    yield* await again(() => Array.fromAsync(list()));
  }
  return {
    name: store.name,
    put: (name, body) => again(() => store.put(name, body)),
    get: (name, range, room) =>
      again(async () => {
        const bytes = await store.get(name, range, room);
        if (range && bytes.length !== range.length) throw shorter(store.name, name);
        return bytes;
      }),
    names: (prefix) => listed(() => store.names(prefix)),
    list: (prefix) => listed(() => store.list(prefix)),
    stat: (name) => again(() => store.stat(name)),
    remove: (name) => again(() => store.remove(name)),
    close: () => store.close(),
  };
}
