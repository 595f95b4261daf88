import { createHash } from 'node:crypto';
import type { Document, Json, JsonObject } from './document.ts';
import { setAt, valueAt } from './refs.ts';

export interface MatchOptions {
  /** Pairs known beforehand: left id -> right id. */
  given?: ReadonlyMap<string, string>;
  /** What of a name counts: nothing, where the cloud chooses it. */
  label?(document: Document): string;
  /** Documents that stand for the cloud's own: what refers to them is not told apart by them. */
  foreign?(document: Document): boolean;
}

/** What two documents must have in common to be a pair, from the strictest to the loosest. */
const LEVELS = ['whole', 'attributes', 'neighbours', 'name'] as const;
type Level = (typeof LEVELS)[number];

/**
 * Pairs the documents of two tenants that stand for the same resource. Names are neither unique nor always there and ids
 * are each cloud's own, so what counts is the shape: kind, name, attributes, and what they refer to, as deep as that goes.
 * The same id wins; then whoever is alone in being alike; every pair found tells its neighbours apart. What is left and
 * alike is paired in the order in which it stands.
 */
export function matchDocuments(left: readonly Document[], right: readonly Document[], options: MatchOptions = {}): Map<string, string> {
  const pairs = new Map<string, string>();
  const taken = new Map<string, string>();
  const rightIds = new Map(right.map((document) => [document.id, document]));
  const pair = (a: string, b: string) => {
    pairs.set(a, b);
    taken.set(b, a);
  };
  for (const { id, kind } of left) {
    const other = options.given?.get(id) ?? id;
    if (rightIds.get(other)?.kind === kind && !taken.has(other)) pair(id, other);
  }
  const candidates = (level: Level) => {
    const [ours, theirs] = [signatures(left, level, options, (id) => (pairs.has(id) ? id : undefined)), signatures(right, level, options, (id) => taken.get(id))];
    const waiting = Map.groupBy(right.filter(({ id }) => !taken.has(id)), ({ id }) => theirs.get(id));
    return [...Map.groupBy(left.filter(({ id }) => !pairs.has(id)), ({ id }) => ours.get(id))].flatMap(([sign, group]) => {
      const others = waiting.get(sign);
      return others ? [{ group, others }] : [];
    });
  };
  for (let ambiguous = false; ; ) {
    const before = pairs.size;
    for (const level of LEVELS) {
      for (const { group, others } of candidates(level)) {
        if (!ambiguous && (group.length > 1 || others.length > 1)) continue;
        group.slice(0, others.length).forEach(({ id }, at) => pair(id, (others[at] as Document).id));
      }
      // Each pair makes its neighbours known: the strictest level has the next word again.
      if (pairs.size > before) break;
    }
    if (pairs.size === before && ambiguous) return pairs;
    ambiguous = pairs.size === before;
  }
}

/**
 * A digest of each document that does not depend on ids: references count as the digest of what they point at, or as
 * its pair where that is known. `whole` looks four references deep, and back at whoever refers here.
 */
function signatures(documents: readonly Document[], level: Level, { label = ({ name }) => name, foreign }: MatchOptions, pairOf: (id: string) => string | undefined): Map<string, string> {
  const fixed = new Map(documents.map((document) => [document.id, pairOf(document.id) ?? (foreign?.(document) ? document.kind : undefined)]));
  let signs = new Map(documents.map((document) => [document.id, fixed.get(document.id) ?? digest([document.kind, label(document)])]));
  const own = (document: Document, content: Json) => digest([document.kind, label(document), content]);
  if (level === 'name') return new Map(documents.map((document) => [document.id, own(document, null)]));
  const sign = (id: string) => signs.get(id) ?? 'nowhere';
  const references = (document: Document): Json => Object.keys(document.refs).map((pointer) => [pointer.replace(/\/\d+(?=\/|$)/g, '/*'), sign(valueAt(document.params, pointer) as string)]).sort();
  if (level !== 'whole') return new Map(documents.map((document) => [document.id, own(document, level === 'attributes' ? withRefs(document, sign) : references(document))]));
  const referrers = new Map<string, string[]>();
  for (const document of documents) {
    for (const pointer of Object.keys(document.refs)) {
      const target = valueAt(document.params, pointer) as string;
      referrers.set(target, [...(referrers.get(target) ?? []), document.id]);
    }
  }
  for (let round = 0; round < 4; round++) {
    const next = documents.map((document) => [document.id, own(document, [withRefs(document, sign), (referrers.get(document.id) ?? []).map(sign).sort()])] as const);
    // In the last round even those whose pair or stand-in is known get a digest of their own: it is they who are asked for.
    signs = new Map(next.map(([id, digested]) => [id, round < 3 ? (fixed.get(id) ?? digested) : digested]));
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
