/**
 * The first Ctrl-C or SIGTERM asks everything under way to stop and to clean up after itself; `onFirst` says so. The
 * second ends the program at once.
 */
export function watchSignals(onFirst: () => void): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    onFirst();
  };
  for (const name of names) process.on(name, handle);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of names) process.off(name, handle);
    },
  };
}
