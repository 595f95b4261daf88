import type { Document, Json } from '../tenant/document.ts';

/** The documents of a bundle and who refers to whom, by id. */
export interface Graph {
  readonly documents: ReadonlyMap<string, Document>;
  /** What a document refers to, with where it says so. */
  from(id: string): readonly Link[];
  /** What refers to it. */
  to(id: string): readonly Link[];
}

export interface Link {
  /** JSON pointer in the params of the document that refers. */
  pointer: string;
  document: Document;
}

export function graphOf(documents: readonly Document[]): Graph {
  const byId = new Map(documents.map((document) => [document.id, document]));
  const from = new Map<string, Link[]>();
  const to = new Map<string, Link[]>();
  for (const document of documents) {
    for (const pointer of Object.keys(document.refs)) {
      const id = at(document.params, pointer);
      const target = typeof id === 'string' ? byId.get(id) : undefined;
      if (target === undefined) continue;
      from.set(document.id, [...(from.get(document.id) ?? []), { pointer, document: target }]);
      to.set(target.id, [...(to.get(target.id) ?? []), { pointer, document }]);
    }
  }
  return { documents: byId, from: (id) => from.get(id) ?? [], to: (id) => to.get(id) ?? [] };
}

/** The documents reached from one by a path of kinds, in either direction of a reference; each once. */
export function reached(graph: Graph, start: Document, path: readonly string[]): Document[] {
  let here = [start];
  for (const kind of path) {
    const next = here.flatMap(({ id }) => [...graph.from(id), ...graph.to(id)].map((link) => link.document).filter((document) => document.kind === kind));
    here = [...new Set(next)];
  }
  return here.filter((document) => document !== start);
}

function at(params: Json, pointer: string): Json | undefined {
  let value: Json | undefined = params;
  for (const part of pointer.split('/').slice(1)) {
    if (value === null || typeof value !== 'object') return undefined;
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Array.isArray(value) ? value[Number(key)] : value[key];
  }
  return value;
}
