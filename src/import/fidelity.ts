import { diffRules, isForeign, isMissing, kindOf } from '../kinds/index.ts';
import { diffDocuments } from '../tenant/diff.ts';
import type { Document, Json } from '../tenant/document.ts';
import type { Decision } from './decide.ts';
import { userDataFile } from './mapping.ts';
import type { Fidelity, Mapping } from './types.ts';

/** What will become of every document and attribute, as far as it can be told beforehand; one `kept` where nothing is to be told. */
export function foresee(decisions: readonly Decision[], disks: ReadonlySet<string>, mapping: Mapping): Fidelity[] {
  return decisions.flatMap((decision) => {
    const { document, action, reason, target } = decision;
    const about = { id: document.id, kind: document.kind, name: document.name };
    if (action === 'map') return [{ ...about, verdict: 'mapped' as const, from: document.name, to: target?.name, reason }];
    if (action === 'skip') return isForeign(document) && !isMissing(document) ? [] : [{ ...about, verdict: 'lost' as const, reason }];
    if (action === 'conflict' || action === 'manual') return [{ ...about, verdict: 'unknown' as const, reason }];
    const found: Fidelity[] = (decision.translation?.changes ?? []).map((change) => ({ ...about, ...change }));
    const kind = kindOf(document.kind);
    for (const note of kind?.unknown?.(document) ?? []) {
      const file = note.attribute === 'user_data' ? userDataFile(document, mapping) : undefined;
      found.push(file === undefined ? { ...about, ...note } : { ...about, attribute: 'user_data', verdict: 'mapped', to: file, reason: 'from the mapping file' });
    }
    if (action === 'create' && kind?.hasDisk?.(document) && !disks.has(document.id)) {
      found.push({ ...about, attribute: 'disk', verdict: 'lost', reason: 'its bytes are not in the bundle' });
    }
    if (document.kind === 'floating-ip' && action === 'create' && mapping.floating_ips !== 'same') {
      found.push({ ...about, attribute: 'address', verdict: 'mapped', from: document.name, to: 'a new address' });
    }
    return found.length > 0 ? found : [{ ...about, verdict: 'kept' as const }];
  });
}

/**
 * What became of them, by looking: the documents as they were to be (in the target's terms) beside the target as it is.
 * What was foretold stays; what differs beyond that is told as degraded, with both values.
 */
export function measure(foretold: readonly Fidelity[], wanted: readonly Document[], there: readonly Document[], made: ReadonlyMap<string, string>, failed: ReadonlyMap<string, string>): Fidelity[] {
  const expected = wanted.filter(({ id }) => made.has(id));
  const idThere = new Map(there.map((document) => [`${document.kind} ${document.info.id}`, document.id]));
  const given = new Map(expected.flatMap((document) => {
    const id = idThere.get(`${document.kind} ${made.get(document.id)}`);
    return id === undefined ? [] : [[document.id, id] as const];
  }));
  const surprises = diffDocuments({ documents: expected }, { documents: there }, { ...diffRules, given }).filter(({ left }) => left !== undefined);
  const told = new Set(foretold.map(({ id, attribute }) => `${id} ${attribute ?? ''}`));
  const found = surprises
    .filter(({ left, attribute }) => !told.has(`${left} ${attribute?.split('/')[1] ?? ''}`))
    .map(({ kind, name, left, attribute, from, to }): Fidelity => {
      const about = { id: left as string, kind, name };
      if (attribute === undefined) return { ...about, verdict: 'lost', reason: 'it is not there' };
      // A volume type or zone that nobody asked for is the cloud's to choose.
      if (from === null && kindOf(kind)?.names?.[attribute]) return { ...about, attribute: attribute.slice(1), verdict: 'mapped', from: 'any', to: text(to), reason: 'the cloud chose it' };
      return { ...about, attribute: attribute.slice(1), verdict: 'degraded', from: text(from), to: text(to), reason: 'the cloud made it so' };
    });
  const surprised = new Set([...found.map(({ id }) => id), ...failed.keys()]);
  const lost = foretold.filter(({ id }) => failed.has(id)).map(({ id, kind, name }): Fidelity => ({ id, kind, name, verdict: 'lost', reason: failed.get(id) }));
  const unique = [...new Map(lost.map((item) => [item.id, item])).values()];
  return [...foretold.filter(({ id, verdict }) => !failed.has(id) && !(verdict === 'kept' && surprised.has(id))), ...found, ...unique];
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
