import type { Event } from '../src/events.ts';

/** Options for a run that is interrupted a moment after its n-th event, however fast the machine is. */
export function interruptedAfter(events: number): { signal: AbortSignal; emit(event: Event): void } {
  const controller = new AbortController();
  let left = Math.max(1, Math.round(events));
  return {
    signal: controller.signal,
    emit: () => void (--left === 0 && setTimeout(() => controller.abort(), 10 * Math.random())),
  };
}
