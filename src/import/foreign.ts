import { isForeign, isMissing, kindOf } from '../kinds/index.ts';
import type { Document } from '../tenant/document.ts';
import { targets, valueAt } from '../tenant/refs.ts';
import type { Decision } from './decide.ts';
import { bestOffer, keypairName, mappedName, namedOffers, SECTIONS } from './mapping.ts';
import type { Inventory, Mapping } from './types.ts';

/**
 * What is decided without a look at the project's own: documents that stand for something of a cloud's are mapped, what
 * can't be made is left out, and with it what can't be without it.
 */
export function settleForeign(documents: readonly Document[], disks: ReadonlySet<string>, inventory: Inventory, mapping: Mapping): Map<string, Decision> {
  const decided = new Map<string, Decision>();
  const needed = neededForeign(documents, disks);
  for (const document of documents) {
    const settled = settle(document, { disks, inventory, mapping, needed });
    if (settled) decided.set(document.id, settled);
  }
  const byId = new Map(documents.map((document) => [document.id, document]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const document of documents) {
      if (decided.has(document.id)) continue;
      const lost = required(document).find((id) => !byId.has(id) || (decided.has(id) && decided.get(id)?.action !== 'map'));
      if (lost === undefined) continue;
      const gone = byId.get(lost);
      const kind = gone?.kind ?? lost.slice(0, lost.lastIndexOf('-'));
      const what = `its ${kind}${gone?.name ? ` "${gone.name}"` : ''} is not in the bundle, or not made here`;
      // What a mapping may name is for a person to say; without the rest it can't be.
      const action = kind in SECTIONS ? 'conflict' : 'skip';
      decided.set(document.id, { document, action, reason: action === 'conflict' ? `${what}: name one for ${lost} under ${SECTIONS[kind as keyof typeof SECTIONS]} in the mapping file` : what });
      changed = true;
    }
  }
  return decided;
}

/** Ids without which a document can't be made: the references that its schema requires. */
function required(document: Document): string[] {
  const names = new Set((kindOf(document.kind)?.schema as { required?: string[] } | undefined)?.required ?? []);
  return Object.keys(document.refs).filter((pointer) => names.has(pointer.slice(1))).map((pointer) => valueAt(document.params, pointer) as string);
}

/** Foreign documents that something needs; what only tells where bytes came from is not needed when the bytes are here. */
function neededForeign(documents: readonly Document[], disks: ReadonlySet<string>): Set<string> {
  return new Set(documents.flatMap((document) => targets(document, disks.has(document.id) ? kindOf(document.kind)?.origin : [])));
}

interface Context {
  disks: ReadonlySet<string>;
  inventory: Inventory;
  mapping: Mapping;
  needed: ReadonlySet<string>;
}

function settle(document: Document, { disks, inventory, mapping, needed }: Context): Decision | undefined {
  const kind = kindOf(document.kind);
  const skip = (reason: string): Decision => ({ document, action: 'skip', reason });
  const map = (target: Document, reason: string): Decision => ({ document, action: 'map', target, reason });
  if (!kind) return skip(`this version knows no kind "${document.kind}"`);
  const named = mappedName(document, mapping);
  const [chosen] = named === undefined ? [] : namedOffers(document.kind, named, inventory);
  const best = isForeign(document) && !isMissing(document) ? bestOffer(document, inventory) : undefined;
  // Where no mapping is given it is our guess, which has a reason.
  if (chosen) return map(chosen, chosen === best?.offer ? best.reason : 'as the mapping says');
  if (isMissing(document)) {
    const key = document.kind === 'keypair' ? keypairName(document, mapping) : undefined;
    const mine = key === undefined ? undefined : inventory.documents.find(({ kind, name }) => kind === 'keypair' && name === key);
    return mine ? map(mine, 'as the mapping says') : skip(String(document.info.missing));
  }
  if (isForeign(document)) {
    if (best) return map(best.offer, best.reason);
    if (!needed.has(document.id)) return skip('only tells what others were made from; their own bytes are in the bundle');
    return { document, action: 'conflict', reason: `nothing on ${inventory.cloud} stands for it: name one in the mapping file` };
  }
  const reason = kind.skip?.(document);
  if (reason !== undefined) return skip(reason);
  if (document.kind === 'image' && !disks.has(document.id)) return skip('its bytes are not in the bundle');
  return undefined;
}
