import { anySignal, checkSignal } from './retry.ts';

/**
 * Does `work` for all items, at most `limit` at a time, and gives the results in the items' order. The first error stops it:
 * the signal that the others were given fires, they are waited for, and it is thrown.
 */
export async function mapConcurrent<T, R>(items: Iterable<T>, limit: number, work: (item: T, signal: AbortSignal) => Promise<R>, signal?: AbortSignal): Promise<R[]> {
  const stop = new AbortController();
  const both = anySignal(stop.signal, signal)!;
  const queue = [...items].entries();
  const results: R[] = [];
  let failure: { error: unknown } | undefined;
  const worker = async () => {
    // The iterator is shared: each worker takes the next item.
    for (const [index, item] of queue) {
      if (both.aborted) return;
      try {
        results[index] = await work(item, both);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker));
  if (failure) throw failure.error;
  checkSignal(signal);
  return results;
}
