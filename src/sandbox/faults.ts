import type { Reply } from './http.ts';

/**
 * What shall go wrong. Requests are matched as `compute POST /v2.1/servers` (service, method, path), by a part of
 * that text or by a regular expression.
 */
export interface Fault {
  match: string | RegExp;
  /** How many requests it meets; default 1. */
  times?: number;
  /** Lets this many matching requests pass first. */
  skip?: number;
  /**
   * A status with the service's usual body; `drop`: no answer at all; `drop-answer`: done, but the answer gets lost;
   * `drop-body`: the connection ends after `after` bytes of the answer's body.
   */
  answer: 400 | 401 | 409 | 413 | 429 | 500 | 502 | 503 | 504 | 'drop' | 'drop-answer' | 'drop-body';
  /** Seconds, for 413, 429 and 503. */
  retryAfter?: number;
  /** Bytes, for `drop-body`; default 0. */
  after?: number;
}

export type Taken = { reply(): Reply; drop?: undefined } | { drop: 'before' | 'answer' } | { drop: 'body'; after: number };

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** Every request so far, as `compute POST /v2.1/servers`. */
  readonly seen: string[];
  take(request: string): Taken | undefined;
}

export function makeFaults(): Faults {
  const list: (Fault & { left: number; pass: number })[] = [];
  const seen: string[] = [];
  return {
    seen,
    add: (fault) => void list.push({ ...fault, left: fault.times ?? 1, pass: fault.skip ?? 0 }),
    clear: () => void list.splice(0),
    take(request) {
      seen.push(request);
      const fault = list.find(({ match, left }) => left > 0 && (typeof match === 'string' ? request.includes(match) : match.test(request)));
      if (!fault) return undefined;
      if (fault.pass > 0) {
        fault.pass -= 1;
        return undefined;
      }
      fault.left -= 1;
      if (fault.answer === 'drop') return { drop: 'before' };
      if (fault.answer === 'drop-answer') return { drop: 'answer' };
      if (fault.answer === 'drop-body') return { drop: 'body', after: fault.after ?? 0 };
      return { reply: () => errorReply(fault.answer as number, fault.retryAfter) };
    },
  };
}

/** What proxies and rate limiters in front of the services say, so not in the services' own shapes. */
function errorReply(status: number, retryAfter?: number): Reply {
  const headers: Record<string, string> = { 'content-type': 'text/html' };
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  const words: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 409: 'Conflict', 413: 'Request Entity Too Large', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Time-out' };
  return { status, headers, body: `<html><body><h1>${status} ${words[status]}</h1></body></html>` };
}
