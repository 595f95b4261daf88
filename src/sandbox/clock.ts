/** Lets states take their time, and ends with the cloud. */
export interface Clock {
  /** Runs `work` later. What it throws ends up as an unhandled error: a fault of the sandbox, never of its user. */
  after(milliseconds: number, work: () => void | Promise<void>): void;
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>;
  stop(): void;
}

export function startClock(): Clock {
  const timers = new Set<NodeJS.Timeout>();
  const waiting: (() => void)[] = [];
  let running = 0;
  let stopped = false;
  const settle = (): void => {
    if (timers.size === 0 && running === 0) for (const done of waiting.splice(0)) done();
  };
  return {
    after(milliseconds, work) {
      if (stopped) return;
      const timer = setTimeout(async () => {
        timers.delete(timer);
        running += 1;
        try {
          await work();
        } finally {
          running -= 1;
          settle();
        }
      }, milliseconds);
      timers.add(timer);
    },
    idle: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        settle();
      }),
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      settle();
    },
  };
}

/** `2026-11-21T11:57:30Z`, as Neutron, Nova and Glance write times. */
export function stamp(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `2026-11-21T11:57:30.000000`, as Cinder and Nova's usage write them. */
export function longStamp(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, '.000000');
}
