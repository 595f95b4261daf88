import type { Document, Json, JsonObject } from './document.ts';
import { escape } from './refs.ts';

/** Lists whose order means something: interfaces and devices as the guest sees them, addresses of a port. */
const ORDERED = new Set(['server/networks', 'server/volumes', 'port/fixed_ips']);

/** Whether the list at this pointer of a kind's params is a sequence, not a set. */
export const isOrdered = (kind: string, pointer: string): boolean => ORDERED.has(`${kind}${pointer}`);

/**
 * A document's params with every reference translated, and lists of references sorted where only membership counts: ids
 * differ from cloud to cloud, and with them the order in which a set of references was sorted.
 */
export function comparable(document: Document, translate: (id: string) => string): JsonObject {
  const refs = new Set(Object.keys(document.refs));
  const refers = (pointer: string, item: Json) =>
    refs.has(pointer) || (item !== null && typeof item === 'object' && Object.keys(item).some((key) => refs.has(`${pointer}/${escape(key)}`)));
  const walk = (value: Json, pointer: string): Json => {
    if (Array.isArray(value)) {
      const items = value.map((item, at) => walk(item, `${pointer}/${at}`));
      const isSet = value.some((item, at) => refers(`${pointer}/${at}`, item)) && !isOrdered(document.kind, pointer);
      return isSet ? items.map((item) => [canonical(item), item] as const).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item) : items;
    }
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, `${pointer}/${escape(key)}`)]));
    }
    return refs.has(pointer) ? translate(value as string) : value;
  };
  return walk(document.params, '') as JsonObject;
}

/** JSON with the keys of every object sorted: equal values give equal text. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}
