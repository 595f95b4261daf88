import type { Document } from '../tenant/document.ts';

/**
 * A label for each document, by id: its name; where that is empty what else tells it apart (an address), and where two of a
 * kind share it, the beginning of the id as well.
 */
export function labels(documents: readonly Document[]): Map<string, string> {
  const seen = new Map<string, number>();
  const plain = new Map(documents.map((document) => [document.id, document.name.trim() === '' ? nameless(document) : document.name]));
  const key = (document: Document): string => `${document.kind}\0${plain.get(document.id)}`;
  for (const document of documents) seen.set(key(document), (seen.get(key(document)) ?? 0) + 1);
  return new Map(
    documents.map((document) => {
      const label = plain.get(document.id) ?? '';
      return [document.id, (seen.get(key(document)) ?? 0) > 1 ? `${label} [${short(document.id)}]` : label];
    }),
  );
}

/** The first six digits of a document's id. */
export function short(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1).slice(0, 6);
}

function nameless(document: Document): string {
  const fixed = document.params['fixed_ips'];
  const first = Array.isArray(fixed) ? fixed[0] : undefined;
  const address = first !== null && typeof first === 'object' && !Array.isArray(first) ? first['ip_address'] : undefined;
  return typeof address === 'string' ? address : `(no name, ${short(document.id)})`;
}
