import { Refusal, type Reply, type Request } from './http.ts';

/** Nova's and Cinder's errors: `{"itemNotFound": {"code": 404, "message": ...}}`. */
export function fault(status: number, message: string, headers: Record<string, string> = {}): Reply {
  const names: Record<number, string> = { 400: 'badRequest', 401: 'unauthorized', 403: 'forbidden', 404: 'itemNotFound', 405: 'badMethod', 409: 'conflictingRequest', 413: 'overLimit', 415: 'badMediaType', 429: 'overLimit', 501: 'notImplemented', 503: 'serviceUnavailable' };
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8', ...headers }, body: { [names[status] ?? 'computeFault']: { code: status, message, ...(status === 413 ? { retryAfter: '0' } : {}) } } };
}

export function refuse(status: number, message: string, headers?: Record<string, string>): Refusal {
  return new Refusal(fault(status, message, headers));
}

export const denied = (rule: string): Refusal => refuse(403, `Policy doesn't allow ${rule} to be performed.`);

/** JSON Schema's complaint as both services word it. */
export function invalid(field: string, value: unknown, why: string): Refusal {
  return refuse(400, `Invalid input for field/attribute ${field}. Value: ${python(value, false)}. ${why}`);
}

/** The value as Python prints it: messages quote bodies that way. */
export function python(value: unknown, quoted = true): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return quoted ? `'${value}'` : value;
  if (Array.isArray(value)) return `[${value.map((one) => python(one)).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([key, one]) => `'${key}': ${python(one)}`).join(', ')}}`;
  return String(value);
}

/** Throws the services' 400 for attributes that the schema does not know. */
export function onlyKnown(what: string, body: Record<string, unknown>, known: readonly string[]): void {
  const strange = Object.keys(body).filter((key) => !known.includes(key));
  if (strange.length === 0) return;
  throw invalid(what, body, `Additional properties are not allowed (${strange.map((key) => `'${key}'`).join(', ')} ${strange.length === 1 ? 'was' : 'were'} unexpected)`);
}

export function checkStrings(metadata: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(metadata)) if (typeof value !== 'string') throw invalid(key, value, `${python(value)} is not of type 'string'`);
}

/** What one request asks for: `2.93` is 93. */
export interface Microversion {
  minor: number;
  text: string;
}

/** Reads the request's microversion; throws 400 and 406 as the services do. */
export function microversion(request: Request, service: 'compute' | 'volume', most: string): Microversion {
  const major = service === 'compute' ? 2 : 3;
  const least = service === 'compute' ? '2.1' : '3.0';
  const header = String(request.headers['openstack-api-version'] ?? '');
  const asked = header.match(new RegExp(`(?:^|,)\\s*${service}\\s+(\\S+?)\\s*(?:,|$)`))?.[1] ?? (service === 'compute' ? request.headers['x-openstack-nova-api-version'] : undefined);
  let text = asked === undefined ? least : String(asked);
  if (text === 'latest') text = most;
  const match = /^([1-9]\d*)\.(0|[1-9]\d*)$/.exec(text);
  if (!match) throw refuse(400, `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.`);
  const minor = Number(match[2]);
  if (Number(match[1]) !== major || minor > Number(most.split('.')[1]) || minor < Number(least.split('.')[1])) {
    const body = { computeFault: { code: 406, message: `Version ${text} is not supported by the API. Minimum is ${least} and maximum is ${most}.` } };
    throw new Refusal({ status: 406, body, headers: { 'openstack-api-version': `${service} ${text}` } });
  }
  return { minor, text };
}

/** One page of a list, and whether the service would say that there is another. */
export function page<T>(all: T[], request: Request, id: (item: T) => string, cap = 1000): { items: T[]; next: string | undefined } {
  const given = request.query.get('limit');
  if (given !== null && !/^\d+$/.test(given)) throw refuse(400, `limit param must be an integer`);
  // Nova and Cinder take 0 for "none".
  const limit = Math.min(given === null || given === '0' ? cap : Number(given), cap);
  let from = 0;
  const marker = request.query.get('marker');
  if (marker !== null && marker !== '') {
    from = all.findIndex((item) => id(item) === marker) + 1;
    if (from === 0) throw refuse(400, `marker [${marker}] not found`);
  }
  const items = all.slice(from, from + limit);
  const last = items.at(-1);
  if (last === undefined || items.length < limit) return { items, next: undefined };
  const query = new URLSearchParams(request.query);
  query.set('marker', id(last));
  return { items, next: `${request.root}${request.path}?${query}` };
}

/** A list's body, with its links where there is more. */
export function listBody<T>(key: string, page: { items: T[]; next: string | undefined }, show: (item: T) => unknown): object {
  return { [key]: page.items.map(show), ...(page.next === undefined ? {} : { [`${key}_links`]: [{ rel: 'next', href: page.next }] }) };
}
