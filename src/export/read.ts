import type { Cloud, ServiceType } from '../cloud/cloud.ts';
import { checkSignal } from '../cloud/retry.ts';
import { isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import { isMissing, kindOf, kinds } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Document } from '../tenant/document.ts';
import { documentId } from '../tenant/identity.ts';
import { findRefs, targets } from '../tenant/refs.ts';
import type { Source } from '../vault/types.ts';

/** Something that is not in the bundle, or not wholly. */
export interface Note {
  id: string;
  kind: string;
  name: string;
  attribute?: string;
  verdict: 'unknown' | 'lost' | 'degraded';
  reason: string;
}

export interface Tenant {
  source: Source;
  documents: Document[];
  notes: Note[];
}

const SERVICES: ServiceType[] = ['compute', 'network', 'volume', 'image'];

/** Reads a whole project as documents; nothing is changed on the cloud. `offers` adds what the cloud lets everybody use. */
export async function readTenant(cloud: Cloud, options: { offers?: boolean; emit?: Emit; signal?: AbortSignal } = {}): Promise<Tenant> {
  const { emit = silent, signal } = options;
  const collector = collect();
  emit({ type: 'start', id: 'read', what: `reading project ${cloud.project.name}`, total: kinds.length, unit: 'items' });
  let done = 0;
  const notes: Note[] = [];
  await Promise.all(
    kinds.map(async (kind) => {
      try {
        for (const list of [kind.list(cloud), ...(options.offers && kind.offers ? [kind.offers(cloud)] : [])]) {
          for await (const raw of list) {
            checkSignal(signal);
            collector.add(kind, raw);
          }
        }
      } catch (error) {
        if (!isError(error, 'forbidden')) throw error;
        notes.push({ id: '', kind: kind.name, name: '*', verdict: 'unknown', reason: `this user may not list them: ${error.message}` });
      }
      emit({ type: 'progress', id: 'read', done: ++done });
    }),
  );
  await collector.closeOver(cloud);
  const documents = collector.documents();
  for (const document of documents) {
    if (isMissing(document)) continue;
    for (const note of kindOf(document.kind)?.unknown?.(document) ?? []) notes.push({ id: document.id, kind: document.kind, name: document.name, ...note });
  }
  emit({ type: 'end', id: 'read', what: 'project read', outcome: 'done', detail: `${documents.length} resources` });
  return { source: await describe(cloud), documents, notes };
}

/** Gathers documents and remembers, for each reference, the key by which its target can be asked for. */
function collect() {
  const found = new Map<string, Document>();
  const keys = new Map<string, { kind: string; key: string }>();
  const ref = (kind: string, key: string) => {
    const id = documentId(kind, key);
    keys.set(id, { kind, key });
    return id;
  };
  const add = (kind: Kind, raw: unknown): Document => {
    const parts = kind.toDocument(raw, ref);
    const document = { kind: kind.name, id: ref(kind.name, kind.key(raw)), ...parts, refs: findRefs(parts.params, kind.refs) };
    // What an own list tells wins over what somebody else's answer tells on the side.
    if (!found.has(document.id) || Object.keys(document.info).length > 0) found.set(document.id, document);
    for (const other of kind.also?.(raw) ?? []) {
      const otherKind = kindOf(other.kind) as Kind;
      if (!found.has(documentId(other.kind, otherKind.key(other.raw)))) add(otherKind, other.raw);
    }
    return document;
  };
  return {
    add,
    /** Fetches what is referred to and not ours; what cannot be had gets a document that says so. */
    async closeOver(cloud: Cloud) {
      const waiting = [...found.values()];
      for (let document = waiting.pop(); document; document = waiting.pop()) {
        for (const id of targets(document)) {
          if (found.has(id)) continue;
          const { kind, key } = keys.get(id) ?? { kind: id.slice(0, id.lastIndexOf('-')), key: '' };
          const raw = key === '' ? undefined : await fetched(kind, cloud, key);
          if (raw !== undefined) waiting.push(add(kindOf(kind) as Kind, raw));
          else found.set(id, missing(kind, id, kind === 'keypair' ? key : '', 'this user cannot see it'));
        }
      }
    },
    documents() {
      const rank = new Map(kinds.map(({ name }, at) => [name, at]));
      const order = (document: Document) => rank.get(document.kind) ?? kinds.length;
      return [...found.values()].sort((a, b) => order(a) - order(b) || compare(a.name, b.name) || compare(a.id, b.id));
    },
  };
}

/** What is referred to and not ours, where this user may see it. */
async function fetched(kind: string, cloud: Cloud, key: string): Promise<unknown> {
  try {
    return await kindOf(kind)?.fetch?.(cloud, key);
  } catch (error) {
    if (isError(error, 'forbidden', 'not-found')) return undefined;
    throw error;
  }
}

/** Stands where a reference leads to nothing that the bundle has. */
export function missing(kind: string, id: string, name: string, reason: string): Document {
  return { kind, id, name, params: {}, refs: {}, info: { missing: reason } };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

async function describe(cloud: Cloud): Promise<Source> {
  const services: Source['services'] = {};
  for (const type of SERVICES) {
    if (cloud.has(type)) services[type] = { microversion: (await cloud.service(type)).microversion ?? null };
  }
  return { cloud: cloud.name, ...(cloud.region !== undefined && { region: cloud.region }), project: cloud.project, services };
}
