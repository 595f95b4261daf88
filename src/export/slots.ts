/** Lets `count` holders in at once; the others wait in order. `enter` gives the function that leaves. */
export function gate(count: number): () => Promise<() => void> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    };
  };
}

/** Runs at most `count` tasks at once. */
export function slots(count: number): <T>(task: () => Promise<T>) => Promise<T> {
  const enter = gate(count);
  return async (task) => {
    const leave = await enter();
    try {
      return await task();
    } finally {
      leave();
    }
  };
}
