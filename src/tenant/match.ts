import { createHash } from 'node:crypto';
import { canonical, comparable, isOrdered } from './comparable.ts';
import type { Document, Json } from './document.ts';
import { targets, valueAt, withRefs } from './refs.ts';

export interface MatchOptions {
  /** Pairs known beforehand: left id -> right id. */
  given?: ReadonlyMap<string, string>;
  /** False: that two have the same id tells nothing. */
  sameIds?: boolean;
  /** What of a name counts: nothing, where the cloud chooses it. */
  label?(document: Document): string;
  /** Documents that stand for the cloud's own: what refers to them is not told apart by them. */
  foreign?(document: Document): boolean;
}

/** What two documents must have in common to be a pair, from the strictest to the loosest. */
const LEVELS = ['whole', 'attributes', 'neighbours', 'name'] as const;
type Level = (typeof LEVELS)[number];

/** Documents of both sides that are alike. */
interface Alike {
  group: Document[];
  others: Document[];
}

/**
 * Pairs the documents of two tenants that stand for the same resource. Names are neither unique nor always there and ids
 * are each cloud's own, so what counts is the shape: kind, name, attributes, and what they refer to, as deep as that goes.
 * The same id wins; then whoever is alone in being alike; every pair found tells its neighbours apart. Where several are
 * alike the first two are paired, and what hangs on them follows.
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
    const other = options.given?.get(id) ?? (options.sameIds === false ? '' : id);
    if (rightIds.get(other)?.kind === kind && !taken.has(other)) pair(id, other);
  }
  const alikeAt = (level: Level): Alike[] => {
    const kinds = new Set(right.flatMap(({ id, kind }) => (taken.has(id) ? [] : kind)));
    if (!left.some(({ id, kind }) => kinds.has(kind) && !pairs.has(id))) return [];
    const [ours, theirs] = signatures([left, right], level, options, [(id) => (pairs.has(id) ? id : undefined), (id) => taken.get(id)]);
    const waiting = Map.groupBy(right.filter(({ id }) => !taken.has(id)), ({ id }) => theirs.get(id));
    return [...Map.groupBy(left.filter(({ id }) => !pairs.has(id)), ({ id }) => ours.get(id))].flatMap(([sign, group]) => {
      const others = waiting.get(sign);
      return others ? [{ group, others }] : [];
    });
  };
  const pairAll = (all: Alike[]) => all.forEach(({ group, others }) => group.slice(0, others.length).forEach(({ id }, at) => pair(id, (others[at] as Document).id)));
  // What nothing hangs on can be swapped at will; of the rest one choice decides on the next.
  const bound = new Set([...left, ...right].flatMap((document) => targets(document).flatMap((id) => [id, document.id])));
  const loose = ({ group, others }: Alike) => [...group, ...others].every(({ id }) => !bound.has(id));
  for (;;) {
    let unclear: Alike[] = [];
    // Each pair makes its neighbours known, so that the strictest level has the next word again.
    const clear = LEVELS.some((level) => {
      const alike = alikeAt(level);
      const unique = alike.filter(({ group, others }) => group.length === 1 && others.length === 1);
      pairAll(unique);
      if (unclear.length === 0) unclear = alike;
      return unique.length > 0;
    });
    if (clear) continue;
    if (unclear.length === 0) return pairs;
    const swappable = unclear.filter(loose);
    pairAll(swappable.length > 0 ? swappable : unclear.slice(0, 1).map(({ group, others }) => ({ group: group.slice(0, 1), others })));
  }
}

/** How a document that refers to itself is told: else a circle of one would look like a circle of two. */
const ITSELF = 'itself';

/**
 * For each side a digest of every document that does not depend on ids: references count as the digest of what they point
 * at, or as its pair where that is known. `whole` looks as far as references lead, and back at whoever refers here.
 */
function signatures(
  sides: [readonly Document[], readonly Document[]],
  level: Level,
  { label = ({ name }) => name, foreign }: MatchOptions,
  pairOf: ((id: string) => string | undefined)[],
): [Map<string, string>, Map<string, string>] {
  const own = (document: Document, content: Json) => digest([document.kind, label(document), content]);
  const both = (make: (document: Document, side: number) => string) => sides.map((documents, side) => new Map(documents.map((document) => [document.id, make(document, side)]))) as [Map<string, string>, Map<string, string>];
  const fixed = (document: Document, side: number) => pairOf[side]?.(document.id) ?? (foreign?.(document) ? document.kind : undefined);
  let signs = both((document, side) => fixed(document, side) ?? own(document, null));
  const sign = (side: number, from: Document) => (id: string) => (id === from.id ? ITSELF : (signs[side]?.get(id) ?? 'nowhere'));
  if (level === 'name') return both((document) => own(document, null));
  if (level === 'neighbours') return both((document, side) => own(document, neighbours(document, sign(side, document))));
  if (level === 'attributes') return both((document, side) => own(document, comparable(document, sign(side, document))));
  const referrers = sides.map((documents) => referrersOf(documents));
  for (let classes = 0; ; ) {
    const next = both((document, side) => own(document, [comparable(document, sign(side, document)), (referrers[side]?.get(document.id) ?? []).map(({ by, as }) => `${sign(side, document)(by)} ${as}`).sort()]));
    const found = new Set(next.flatMap((each) => [...each.values()])).size;
    if (found <= classes) return next;
    classes = found;
    signs = both((document, side) => fixed(document, side) ?? (next[side]?.get(document.id) as string));
  }
}

/** Who refers to each document, and as what: the list entry that the reference stands in tells a root disk from another. */
function referrersOf(documents: readonly Document[]): Map<string, { by: string; as: string }[]> {
  const referrers = new Map<string, { by: string; as: string }[]>();
  for (const document of documents) {
    const entries = withRefs(document, () => '');
    for (const pointer of Object.keys(document.refs)) {
      const [, list, index] = /^(.*)\/(\d+)(?=\/|$)/.exec(pointer) ?? [];
      const as = list === undefined ? pointer : `${list} ${isOrdered(document.kind, list) ? index : ''} ${canonical(valueAt(entries, `${list}/${index}`) ?? null)}`;
      const target = valueAt(document.params, pointer) as string;
      const known = referrers.get(target);
      if (known) known.push({ by: document.id, as });
      else referrers.set(target, [{ by: document.id, as }]);
    }
  }
  return referrers;
}

const neighbours = (document: Document, sign: (id: string) => string): Json =>
  Object.keys(document.refs).map((pointer) => `${pointer.replace(/\/\d+(?=\/|$)/g, '/*')} ${sign(valueAt(document.params, pointer) as string)}`).sort();

const digest = (value: Json) => createHash('sha256').update(canonical(value)).digest('base64url').slice(0, 22);
