import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Answer, Cloud, RequestOptions, Service } from '../../src/cloud/cloud.ts';
import { BaluchonError, type ErrorCode } from '../../src/errors.ts';
import type { Event } from '../../src/events.ts';
import type { CreateWork, Kind } from '../../src/kinds/kind.ts';
import type { Document } from '../../src/tenant/document.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { findRefs } from '../../src/tenant/refs.ts';

/** The project whose answers were recorded. */
export const PROJECT = 'd69c91131cb34715b61e8180c7ae6d9b';

export const recorded = (name: string) => JSON.parse(readFileSync(new URL(`../../fixtures/recorded/${name}.json`, import.meta.url), 'utf8'));

export const allExtensions: string[] = recorded('extension').extensions.map(({ alias }: { alias: string }) => alias);

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: any;
  query?: Record<string, unknown>;
}

/** A Neutron that is a function of the call; what it answers is the body, what it throws is thrown. */
export function neutron(answer: (call: Call) => unknown, aliases: readonly string[] = allExtensions): Cloud & { calls: Call[] } {
  const calls: Call[] = [];
  const ask = async (call: Call) => {
    if (call.path === '/extensions') return { extensions: aliases.map((alias) => ({ alias })) };
    calls.push(call);
    return structuredClone(await answer(call));
  };
  const service = {
    type: 'network',
    url: 'http://neutron.test/v2.0',
    microversion: undefined,
    at: () => false,
    get: (path: string, options: RequestOptions = {}) => ask({ method: 'GET', path, query: options.query }),
    async *list(path: string, key: string, options: RequestOptions = {}) {
      yield* ((await ask({ method: 'GET', path, query: options.query })) as any)[key];
    },
    post: async (path: string, body: unknown): Promise<Answer<any>> => ({ status: 201, headers: {}, body: await ask({ method: 'POST', path, body: JSON.parse(JSON.stringify(body)) }) }),
    put: async (path: string, body: unknown): Promise<Answer<any>> => ({ status: 200, headers: {}, body: await ask({ method: 'PUT', path, body: JSON.parse(JSON.stringify(body)) }) }),
    delete: async (path: string) => void (await ask({ method: 'DELETE', path })),
  } as unknown as Service;
  return {
    name: 'test',
    region: undefined,
    project: { id: PROJECT, name: 'miop' },
    user: { id: 'u', name: 'loic' },
    service: async () => service,
    has: (type) => type === 'network',
    token: async () => 'token',
    close: async () => {},
    calls,
  };
}

/** Serves the recorded answers, with filters as Neutron applies them. */
export function recordedCloud(): ReturnType<typeof neutron> {
  const files: Record<string, string> = { networks: 'network', subnets: 'subnet', routers: 'router', ports: 'port', 'security-groups': 'security-group', floatingips: 'floating-ip' };
  return neutron(({ path, query = {} }) => {
    const [collection, id] = path.slice(1).split('/') as [string, string?];
    const key = collection.replace('-', '_');
    const all: Record<string, unknown>[] = recorded(files[collection]!)[key];
    const filters = Object.entries(query).filter(([, value]) => value !== undefined);
    if (id === undefined) return { [key]: all.filter((raw) => filters.every(([name, value]) => String(raw[name]) === String(value))) };
    const found = all.find((raw) => raw.id === id);
    if (!found) throw refusal(404, 'not-found', 'gone');
    return { [key.slice(0, -1)]: found };
  });
}

export const refusal = (status: number, code: ErrorCode, message: string) => new BaluchonError(code, message, { status });

export async function documentsOf(kind: Kind, cloud: Cloud): Promise<Document[]> {
  const documents: Document[] = [];
  for await (const raw of kind.list(cloud)) documents.push(documentOf(kind, raw));
  return documents;
}

export function documentOf(kind: Kind, raw: unknown): Document {
  const document = kind.toDocument(raw, documentId);
  return { kind: kind.name, id: documentId(kind.name, kind.key(raw)), ...document, refs: findRefs(document.params, kind.refs) };
}

/** What an importer hands to a kind: every reference in the params replaced by `target-<old id>`. */
export function work(cloud: Cloud, document: Document, params: any, documents: Document[] = []): CreateWork & { id: string; warnings: string[] } {
  const warnings: string[] = [];
  return {
    cloud,
    document,
    params,
    documents: new Map([document, ...documents].map((each) => [each.id, each])),
    target: (id) => `target-${id}`,
    temporaries: undefined as never,
    sending: (task) => task(),
    emit: (event: Event) => void (event.type === 'warning' && warnings.push(event.message)),
    id: 'made',
    warnings,
  };
}

export const plainDocument = (kind: string, params: any, info: any = {}): Document => ({ kind, id: documentId(kind, JSON.stringify(params)), name: params.name ?? '', params, refs: {}, info });

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with params, in the schema's words; empty when nothing is. */
export function faults(kind: Kind, params: unknown): string[] {
  const validate = compiled.get(kind.name) ?? ajv.compile(kind.schema);
  compiled.set(kind.name, validate);
  validate(params);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
