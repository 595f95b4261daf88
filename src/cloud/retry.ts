import { setTimeout as sleepFor } from 'node:timers/promises';
import { BaluchonError } from '../errors.ts';

/** How stubborn calls are. Times in milliseconds. */
export interface Patience {
  /** Tries in all after lost connections and 502, 503, 504. */
  tries: number;
  /** The wait before try n is drawn evenly from 0 to `min(most, base * 2^(n-1))` ("full jitter"). */
  base: number;
  most: number;
  /** The longest Retry-After that is waited for; one beyond it is an error. */
  retryAfter: number;
  /** How many answers with Retry-After are put up with for one call. */
  refusals: number;
}

export const patience: Patience = { tries: 5, base: 500, most: 8_000, retryAfter: 120_000, refusals: 10 };

export function backoff(attempt: number, { base, most }: Patience): number {
  return Math.random() * Math.min(most, base * 2 ** (attempt - 1));
}

/** Milliseconds that a `Retry-After` header asks for (seconds or an HTTP date, RFC 9110), undefined where it makes no sense. */
export function retryAfter(header: string | undefined, now: number = Date.now()): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Throws `interrupted` where the signal has fired. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted(signal);
}

export function interrupted(signal?: AbortSignal): BaluchonError {
  return new BaluchonError('interrupted', 'interrupted', signal?.reason === undefined ? {} : { cause: signal.reason });
}

/** Waits, and throws `interrupted` at once when the signal fires. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  checkSignal(signal);
  try {
    await sleepFor(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    checkSignal(signal);
    throw error;
  }
}

/** One signal that fires with any of those given. */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = [...new Set(signals.filter((signal) => signal !== undefined))];
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
