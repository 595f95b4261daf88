import { BaluchonError } from '../errors.ts';
import type { Store } from './store.ts';

export type Operation = 'put' | 'get' | 'list' | 'stat' | 'remove';
/**
 * What goes wrong with one operation: `drop` fails before anything happens, `lost-answer` after it was done, `truncate`
 * gives back half the bytes (of a get) or stores nothing and fails (of a put), `repeat` does it twice; a number delays by
 * so many milliseconds.
 */
export type Fault = 'drop' | 'lost-answer' | 'truncate' | 'repeat' | 'full' | number;

/** For tests: a store on which `fault` decides, operation by operation, what goes wrong. */
export function faultyStore(store: Store, fault: (operation: Operation, name: string, count: number) => Fault | undefined): Store {
  let count = 0;
  const broken = (name: string) => new BaluchonError('network', `${store.name}: connection reset: ${name}`);
  const act = async <T>(operation: Operation, name: string, work: () => Promise<T>): Promise<{ value: T; fault: Fault | undefined }> => {
    const what = fault(operation, name, count++);
    if (what === 'drop' || (what === 'truncate' && operation === 'put')) throw broken(name);
    if (what === 'full') throw new BaluchonError('store', `${store.name}: no space left: ${name}`);
    if (typeof what === 'number') await new Promise((resolve) => setTimeout(resolve, what));
    if (what === 'repeat') await work();
    const value = await work();
    if (what === 'lost-answer') throw broken(name);
    return { value, fault: what };
  };
  return {
    name: store.name,
    put: async (name, body) => (await act('put', name, () => store.put(name, body))).value,
    async get(name, range) {
      const { value, fault: what } = await act('get', name, () => store.get(name, range));
      return what === 'truncate' ? value.subarray(0, value.length >> 1) : value;
    },
    async *names(prefix) {
      await act('list', prefix, async () => {});
      yield* store.names(prefix);
    },
    async *list(prefix) {
      await act('list', prefix, async () => {});
      yield* store.list(prefix);
    },
    stat: async (name) => (await act('stat', name, () => store.stat(name))).value,
    remove: async (name) => (await act('remove', name, () => store.remove(name))).value,
    close: () => store.close(),
  };
}
