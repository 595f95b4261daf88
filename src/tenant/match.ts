import { createHash } from 'node:crypto';
import type { Document, Json, JsonObject } from './document.ts';
import { setAt, valueAt } from './refs.ts';

export interface MatchOptions {
  /** Pairs known beforehand: left id -> right id. */
  given?: ReadonlyMap<string, string>;
  /** What of a name counts: nothing, where the cloud chooses it. */
  label?(document: Document): string;
}

/**
 * Pairs the documents of two tenants that stand for the same resource. Names are neither unique nor always there and ids
 * are each cloud's own, so what counts is the shape: kind, name, and what it refers to, as deep as that goes.
 * The same id wins; then equal documents; then documents that are alone in their kind with their name and neighbours.
 */
export function matchDocuments(left: readonly Document[], right: readonly Document[], { given = new Map(), label = ({ name }) => name }: MatchOptions = {}): Map<string, string> {
  const pairs = new Map<string, string>();
  const taken = new Set<string>();
  const rightIds = new Map(right.map((document) => [document.id, document]));
  const pair = (a: string, b: string) => {
    pairs.set(a, b);
    taken.add(b);
  };
  for (const document of left) {
    const other = given.get(document.id) ?? document.id;
    if (rightIds.get(other)?.kind === document.kind && !taken.has(other)) pair(document.id, other);
  }
  // From the strictest reading to the loosest; equals are paired in the order in which they stand.
  for (const level of ['whole', 'neighbours', 'name'] as const) {
    const free = (documents: readonly Document[], gone: (id: string) => boolean) => documents.filter(({ id }) => !gone(id));
    const leftSigns = signatures(left, level, label);
    const rightSigns = signatures(right, level, label);
    const waiting = new Map<string, string[]>();
    for (const { id } of free(right, (id) => taken.has(id))) {
      const sign = rightSigns.get(id) as string;
      waiting.set(sign, [...(waiting.get(sign) ?? []), id]);
    }
    for (const { id } of free(left, (id) => pairs.has(id))) {
      const other = waiting.get(leftSigns.get(id) as string)?.shift();
      if (other !== undefined) pair(id, other);
    }
  }
  return pairs;
}

type Level = 'whole' | 'neighbours' | 'name';

/**
 * A digest of each document that does not depend on ids: references count as the digest of what they point at,
 * one step deeper with every round, and so do the documents that point here.
 */
function signatures(documents: readonly Document[], level: Level, label: (document: Document) => string): Map<string, string> {
  let signs = new Map(documents.map((document) => [document.id, digest([document.kind, label(document)])]));
  if (level === 'name') return signs;
  const referrers = new Map<string, string[]>();
  for (const document of documents) {
    for (const pointer of Object.keys(document.refs)) {
      const target = valueAt(document.params, pointer) as string;
      referrers.set(target, [...(referrers.get(target) ?? []), document.id]);
    }
  }
  for (let round = 0; round < 4; round++) {
    const next = new Map<string, string>();
    for (const document of documents) {
      const sign = (id: string) => signs.get(id) ?? 'nowhere';
      const content = level === 'whole' ? withRefs(document, sign) : Object.keys(document.refs).map((pointer) => [pointer.replace(/\/\d+(?=\/|$)/g, '/*'), sign(valueAt(document.params, pointer) as string)]).sort();
      const seen = (referrers.get(document.id) ?? []).map(sign).sort();
      next.set(document.id, digest([document.kind, label(document), content as Json, seen]));
    }
    signs = next;
  }
  return signs;
}

/** A copy of the params with every reference replaced. */
export function withRefs(document: Document, replace: (id: string) => Json): JsonObject {
  const params = structuredClone(document.params);
  for (const pointer of Object.keys(document.refs)) setAt(params, pointer, replace(valueAt(params, pointer) as string));
  return params;
}

/** JSON with the keys of every object sorted: equal values give equal text. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}

const digest = (value: Json) => createHash('sha256').update(canonical(value)).digest('base64url').slice(0, 22);
