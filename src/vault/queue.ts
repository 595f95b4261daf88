/** At most `limit` holders at once; the others wait in order. */
export interface Gate {
  enter(): Promise<void>;
  leave(): void;
}

export function gate(limit: number): Gate {
  let free = limit;
  const waiting: (() => void)[] = [];
  return {
    async enter() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave() {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
}

/**
 * Applies `work` to each item, at most `atOnce` of them at once, and gives the results in the items' order; `ahead` of them at most wait for
 * one before them. Ends what was begun before it throws, and begins nothing more.
 */
export async function* ordered<T, R>(items: AsyncIterable<T> | Iterable<T>, ahead: number, work: (item: T) => Promise<R>, atOnce = ahead): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  const { enter, leave } = gate(atOnce);
  let over = false;
  const begin = async (item: T): Promise<R> => {
    await enter();
    try {
      if (over) throw new Error('nobody waits for this any more');
      return await work(item);
    } finally {
      leave();
    }
  };
  try {
    for await (const item of items) {
      const promise = begin(item);
      promise.catch(() => {});
      running.push(promise);
      if (running.length >= ahead) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
  } finally {
    over = true;
    await Promise.allSettled(running);
  }
}

/** Does a piece of work ahead of its turn: what came of it, or what it failed with, is told when it is asked for. */
export async function settled<T>(work: () => Promise<T>): Promise<() => Promise<T>> {
  const outcome = work();
  await outcome.catch(() => {});
  return () => outcome;
}

/** How far somebody has come, for others to wait for. */
export interface Frontier {
  /** Waits until `index` is passed. */
  until(index: number): Promise<void>;
  /** All before `next` is. */
  passed(next: number): void;
}

export function frontier(): Frontier {
  let through = 0;
  let waiting: { index: number; go(): void }[] = [];
  return {
    until: (index) => (index < through ? Promise.resolve() : new Promise((go) => waiting.push({ index, go }))),
    passed(next) {
      through = next;
      for (const { index, go } of waiting) if (index < next) go();
      waiting = waiting.filter(({ index }) => index >= next);
    },
  };
}
