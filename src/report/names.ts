import type { Document } from '../tenant/document.ts';

/**
 * A label for each document, by id: its name; where that is empty what else tells it apart (an address), and where two of a
 * kind share it, the beginning of the id as well.
 */
export function labels(documents: readonly Document[]): Map<string, string> {
  const plain = new Map(documents.map((document) => [document.id, document.name.trim() === '' ? nameless(document) : document.name]));
  const key = (document: Document): string => `${document.kind}\0${plain.get(document.id)}`;
  const names = new Map<string, string>();
  for (const namesakes of Map.groupBy(documents, key).values()) {
    const distinct = new Set(namesakes.map(({ id }) => short(id))).size === namesakes.length;
    for (const { id } of namesakes) names.set(id, `${plain.get(id)}${namesakes.length > 1 ? ` [${distinct ? short(id) : digits(id)}]` : ''}`);
  }
  return names;
}

/** The first six digits of a document's id. */
export function short(id: string): string {
  return digits(id).slice(0, 6);
}

function digits(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1);
}

function nameless(document: Document): string {
  const fixed = document.params['fixed_ips'];
  const first = Array.isArray(fixed) ? fixed[0] : undefined;
  const address = first !== null && typeof first === 'object' && !Array.isArray(first) ? first['ip_address'] : undefined;
  return typeof address === 'string' ? address : `(no name, ${short(document.id)})`;
}
