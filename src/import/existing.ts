import { diffRules, isForeign } from '../kinds/index.ts';
import { diffDocuments, type Difference } from '../tenant/diff.ts';
import type { Document } from '../tenant/document.ts';
import { matchDocuments } from '../tenant/match.ts';
import { targets } from '../tenant/refs.ts';
import { RENAMED } from './translate.ts';
import type { Inventory } from './types.ts';

/** What of the target stands where a document of the bundle would, and in what it differs. */
export interface Existing {
  document: Document;
  differences: Difference[];
  /** Why it may stand for the bundle's: an earlier run made it, it is the very same resource, or it is equal. */
  because?: 'journal' | 'same' | 'equal';
}

/** Kinds with bytes: that two have the same attributes does not tell that they hold the same. */
export const BEARS_DATA = new Set(['volume', 'image', 'server']);

/**
 * For each document (in the target's terms) the target's own that could be it. `because` is there only where everything
 * that the document refers to is there as well: an equal port on another network is another port.
 */
export function findExisting(documents: readonly Document[], inventory: Inventory, { offers = [], renamed = false }: { offers?: readonly Document[]; renamed?: boolean } = {}): Map<string, Existing> {
  const there = inventory.documents;
  const original = (document: Document) => !(renamed && RENAMED.has(document.kind));
  const byCloudId = new Map(there.map((document) => [`${document.kind} ${document.info.id}`, document]));
  const given = new Map<string, string>();
  const made = new Set<string>();
  for (const document of documents) {
    const target = inventory.journal[document.id]?.target;
    const other = target === undefined ? undefined : byCloudId.get(`${document.kind} ${target}`);
    if (other) {
      given.set(document.id, other.id);
      made.add(document.id);
    }
  }
  for (const { id } of offers) given.set(id, id);
  // Under other names a second one is wanted beside the very resource that the bundle was made of.
  const pairs = matchDocuments([...documents, ...new Set(offers)], there, { ...diffRules, given, sameIds: !renamed });
  const differences = Map.groupBy(
    diffDocuments({ documents }, { documents: there }, { ...diffRules, given: pairs, foreign: (document) => isForeign(document) || document.kind === 'flavor' }),
    ({ left }) => left ?? '',
  );
  const thereById = new Map(there.map((document) => [document.id, document]));
  const found = new Map<string, Existing>();
  for (const document of documents) {
    const other = thereById.get(pairs.get(document.id) ?? '');
    if (!other || isForeign(other)) continue;
    const own = differences.get(document.id) ?? [];
    const because = made.has(document.id) ? 'journal' : document.info.id === other.info.id && document.kind !== 'keypair' && original(document) ? 'same' : own.length === 0 ? 'equal' : undefined;
    found.set(document.id, { document: other, differences: own, because });
  }
  // What refers to something that will be made anew is made anew itself; until nothing changes any more.
  const ours = new Set(documents.map(({ id }) => id));
  for (let changed = true; changed; ) {
    changed = false;
    for (const document of documents) {
      const existing = found.get(document.id);
      if (existing?.because !== 'equal') continue;
      // A server that an earlier run was cut off in making is known by its ports. Volumes and images bear a temporary name until they are whole.
      const journal = inventory.journal[document.id];
      const cutOff = document.kind === 'server' && journal !== undefined && journal.target === undefined && ((document.params.networks ?? []) as unknown[]).length > 0;
      const sound = (!BEARS_DATA.has(document.kind) || cutOff) && targets(document).every((id) => !ours.has(id) || found.get(id)?.because !== undefined);
      if (!sound) {
        existing.because = undefined;
        changed = true;
      }
    }
  }
  return found;
}
