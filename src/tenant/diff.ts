import { canonical, comparable } from './comparable.ts';
import type { Document, Json, JsonObject } from './document.ts';
import { matchDocuments, type MatchOptions } from './match.ts';
import { escape, matches, valueAt } from './refs.ts';

export interface Side {
  documents: readonly Document[];
  /** Where disks were taken: document id -> something that is equal when the bytes are (a Merkle root). */
  disks?: ReadonlyMap<string, string>;
}

export interface Difference {
  kind: string;
  name: string;
  /** Document ids on both sides; one is missing when the resource is. */
  left?: string;
  right?: string;
  /** JSON pointer into `params`, or `disk`; missing when the whole resource is on one side only. */
  attribute?: string;
  from?: Json;
  to?: Json;
  /** With `disk`: how many bytes differ, at most (whole chunks do), of how many. */
  changed?: { bytes: number; size: number };
}

export interface DiffRules extends MatchOptions {
  /** Kinds that stand for the cloud's own: they differ only through what refers to them. */
  foreign(document: Document): boolean;
  /** Pointer patterns that are no difference, by kind. */
  ignored(kind: string): readonly string[];
}

/** Attribute by attribute, in the order of the left side, then what only the right side has. */
export function diffDocuments(left: Side, right: Side, rules: DiffRules): Difference[] {
  const pairs = matchDocuments(left.documents, right.documents, rules);
  const rightById = new Map(right.documents.map((document) => [document.id, document]));
  const name = (documents: readonly Document[]) => {
    const names = new Map(documents.map((document) => [document.id, document.name || document.id]));
    return (id: string) => names.get(id) ?? id;
  };
  const [leftName, rightName] = [name(left.documents), name(right.documents)];
  const found: Difference[] = [];
  for (const document of left.documents) {
    if (rules.foreign(document)) continue;
    const other = rightById.get(pairs.get(document.id) ?? '');
    const about = { kind: document.kind, name: document.name, left: document.id };
    if (other === undefined) {
      found.push(about);
      continue;
    }
    const both = { ...about, right: other.id };
    const ignored = rules.ignored(document.kind);
    const from = comparable(document, (id) => pairs.get(id) ?? id);
    const to = comparable(other, (id) => id);
    for (const pointer of changed(from, to, '')) {
      if (ignored.some((pattern) => matches(pointer, pattern))) continue;
      found.push({ ...both, attribute: pointer, from: named(document, pointer, leftName), to: named(other, pointer, rightName) });
    }
    const [a, b] = [left.disks?.get(document.id), right.disks?.get(other.id)];
    if (left.disks && right.disks && a !== b) found.push({ ...both, attribute: 'disk', from: a ?? null, to: b ?? null });
  }
  const matched = new Set(pairs.values());
  for (const document of right.documents) {
    if (!matched.has(document.id) && !rules.foreign(document)) found.push({ kind: document.kind, name: document.name, right: document.id });
  }
  return found;
}

/** Pointers of the attributes that differ; a list is one attribute, an object is its members. */
function changed(a: Json | undefined, b: Json | undefined, pointer: string): string[] {
  if (a !== undefined && b !== undefined && canonical(a) === canonical(b)) return [];
  // What one side does not know of and the other leaves empty is the same.
  if (isEmpty(a) && isEmpty(b)) return [];
  if (isObject(a) && isObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => changed(a[key], b[key], `${pointer}/${escape(key)}`));
  }
  return [pointer];
}

const isObject = (value: Json | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);
const isEmpty = (value: Json | undefined): boolean => value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.values(value).every(isEmpty));

/** The attribute's value with references told by name, for a person. */
function named(document: Document, pointer: string, nameOf: (id: string) => string): Json {
  const walk = (value: Json, at: string): Json => {
    if (at in document.refs) return nameOf(value as string);
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${at}/${index}`));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, `${at}/${escape(key)}`)]));
    return value;
  };
  return walk(valueAt(document.params, pointer) ?? null, pointer);
}
