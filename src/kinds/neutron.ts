import { setTimeout } from 'node:timers/promises';
import type { Cloud } from '../cloud/cloud.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Document, JsonObject } from '../tenant/document.ts';
import type { CreateWork, Kind } from './kind.ts';

/** What the network kinds share: lists, tags, extensions, and a create that is safe to repeat. */

/** Attributes that every Neutron resource has or may have. */
export interface Resource {
  id: string;
  name?: string;
  description?: string | null;
  project_id?: string;
  /** What clouds before Newton call `project_id`. */
  tenant_id?: string;
  tags?: string[];
  /** UTC, RFC 3339. */
  created_at?: string;
  /** Ours, not Neutron's: of another project, yet referred to by this one. */
  foreign?: true;
}

export type ResourceName = 'network' | 'subnet' | 'router' | 'port' | 'security_group' | 'security_group_rule' | 'floatingip';

export const path = (resource: ResourceName, id?: string) => `/${resource.replaceAll('_', '-')}s${id === undefined ? '' : `/${id}`}`;

/** Attributes that are refused (400) by clouds without the extension, by its alias. */
const needs: Partial<Record<string, string>> = {
  mtu: 'net-mtu-writable',
  port_security_enabled: 'port-security',
  allowed_address_pairs: 'allowed-address-pairs',
  extra_dhcp_opts: 'extra_dhcp_opt',
  security_groups: 'security-group',
  'binding:vnic_type': 'binding',
  stateful: 'stateful-security-group',
  dns_name: 'dns-integration',
  dns_domain: 'dns-integration',
  dns_publish_fixed_ip: 'subnet-dns-publish-fixed-ip',
  description: 'standard-attr-description',
};

const known = new WeakMap<Cloud, Promise<Set<string>>>();

/** Aliases of the cloud's Neutron extensions; asked once a session. */
export function extensions(cloud: Cloud): Promise<Set<string>> {
  const before = known.get(cloud);
  if (before) return before;
  const asked = (async () => {
    const network = await cloud.service('network');
    const { extensions } = await network.get<{ extensions: { alias: string }[] }>('/extensions');
    return new Set(extensions.map(({ alias }) => alias));
  })();
  known.set(cloud, asked);
  asked.catch(() => known.delete(cloud));
  return asked;
}

/** The project's own resources, all pages; nothing where the cloud has no Neutron. */
export async function* own<T extends Resource>(cloud: Cloud, resource: ResourceName, query: Record<string, string> = {}): AsyncIterable<T> {
  if (!cloud.has('network')) return;
  const network = await cloud.service('network');
  for await (const raw of network.list<T>(path(resource), `${resource}s`, { query: { ...query, project_id: cloud.project.id } })) {
    // Old clouds ignore filters they don't know, and list what is shared as well.
    if (isOwn(cloud, raw)) yield raw;
  }
}

/** Resources of other projects that this one may use. */
export async function* others<T extends Resource>(cloud: Cloud, resource: ResourceName, query: Record<string, string> = {}): AsyncIterable<T> {
  if (!cloud.has('network')) return;
  const network = await cloud.service('network');
  for await (const raw of network.list<T>(path(resource), `${resource}s`, { query })) if (!isOwn(cloud, raw)) yield { ...raw, foreign: true };
}

/** One resource by its id, marked when it is another project's; undefined when the cloud shows none. */
export async function one<T extends Resource>(cloud: Cloud, resource: ResourceName, id: string): Promise<T | undefined> {
  const network = await cloud.service('network');
  try {
    const raw = (await network.get<Record<string, T>>(path(resource, id)))[resource]!;
    return isOwn(cloud, raw) ? raw : { ...raw, foreign: true };
  } catch (error) {
    if (isError(error, 'not-found')) return undefined;
    throw error;
  }
}

function isOwn(cloud: Cloud, raw: Resource): boolean {
  return (raw.project_id ?? raw.tenant_id) === cloud.project.id;
}

/** A document's name, params (those that are known) and info: all else that the cloud told. `used` are attributes that went into params under another name. */
export function described(raw: Resource, params: { [name: string]: unknown }, used: readonly string[] = []): Omit<Document, 'kind' | 'id' | 'refs'> {
  const replayed = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined)) as JsonObject;
  const info = Object.fromEntries(Object.entries(raw).filter(([name, value]) => value !== undefined && !(name in replayed) && !used.includes(name))) as JsonObject;
  return { name: raw.name ?? '', params: replayed, info };
}

/** Sorted copies of what Neutron lists in no particular order, so that two exports are equal. */
export function sorted<T>(items: readonly T[] | undefined, key: (item: T) => string = String): T[] | undefined {
  return items?.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

type Note = ReturnType<NonNullable<Kind['unknown']>>[number];

/** What of a resource an import does not bring back; false where there is nothing of the sort. */
export function notes(all: Record<string, false | [verdict: Note['verdict'], reason: string]>): Note[] {
  return Object.entries(all).flatMap(([attribute, note]) => (note ? [{ attribute, verdict: note[0], reason: note[1] }] : []));
}

/** QoS policies are an admin's, and of one cloud. */
export const noQos = (info: JsonObject): false | ['lost', string] => Boolean(info.qos_policy_id) && ['lost', 'quality-of-service policies are an administrator\'s to give'];

export function warn(work: CreateWork, message: string): void {
  const { kind, name, id } = work.document;
  work.emit({ type: 'warning', message: `${kind} ${name || id}: ${message}`, about: id });
}

/** The attributes that this cloud takes, without those undefined. What is left out and is not a default anyway is warned about. */
export async function accepted<T extends Record<string, unknown>>(work: CreateWork, attributes: T, except: readonly (keyof T)[] = []): Promise<Partial<T>> {
  const there = await extensions(work.cloud);
  const entries = Object.entries(attributes).filter(([name, value]) => {
    if (value === undefined) return false;
    const extension = except.includes(name) ? undefined : needs[name];
    if (extension === undefined || there.has(extension)) return true;
    const matters = !(value === null || value === '' || value === true || (Array.isArray(value) && value.length === 0));
    if (matters) warn(work, `${name} is left out: this cloud has no extension ${extension}`);
    return false;
  });
  return Object.fromEntries(entries) as Partial<T>;
}

interface Creations {
  /** Ids that this process was told, or found. */
  ours: Set<string>;
  underWay: Set<Promise<unknown>>;
}
const creations = new WeakMap<Cloud, Map<ResourceName, Creations>>();

function creationsOf(cloud: Cloud, resource: ResourceName): Creations {
  const all = creations.get(cloud) ?? new Map<ResourceName, Creations>();
  creations.set(cloud, all);
  const some = all.get(resource) ?? { ours: new Set(), underWay: new Set() };
  all.set(resource, some);
  return some;
}

/** How far the cloud's clock may be behind ours, in ms, for a resource to count as made by the lost request. */
const CLOCKS_APART = 120_000;

/**
 * Creates a resource. When no answer comes back, it looks whether the resource was made all the same, and only
 * where it was not asks again, once.
 */
export async function create<T extends Resource>(work: CreateWork, resource: ResourceName, attributes: Record<string, unknown>): Promise<T> {
  const { ours, underWay } = creationsOf(work.cloud, resource);
  const network = await work.cloud.service('network');
  const post = async () => {
    const asked = network.post<Record<string, T>>(path(resource), { [resource]: attributes }, { signal: work.signal, repeatable: false }).then(({ body }) => {
      const raw = body[resource]!;
      ours.add(raw.id);
      return raw;
    });
    underWay.add(asked);
    return asked.finally(() => underWay.delete(asked));
  };
  const since = Date.now() - CLOCKS_APART;
  try {
    return await post();
  } catch (error) {
    if (!isLost(error)) throw error;
    // A proxy that gave up may have left Neutron at work, and what others of ours are being told is theirs.
    await setTimeout(1_000, undefined, { signal: work.signal }).catch(() => {});
    await Promise.allSettled(underWay);
    const query = { project_id: work.cloud.project.id, name: attributes.name as string | undefined };
    const alike: T[] = [];
    for await (const raw of network.list<T>(path(resource), `${resource}s`, { query, signal: work.signal })) {
      if (!ours.has(raw.id) && covers(raw, attributes)) alike.push(raw);
    }
    const found = alike.find((raw) => raw.created_at !== undefined && Date.parse(utc(raw.created_at)) >= since);
    if (found) {
      ours.add(found.id);
      return found;
    }
    if (alike.some((raw) => raw.created_at === undefined)) {
      throw new BaluchonError('network', `no answer to the creation of ${work.document.kind} ${work.document.name}, and the cloud has one like it that does not say since when`, {
        hint: 'look whether it was just made; remove it, and run the import again',
        cause: error,
      });
    }
    return post();
  }
}

/** No answer of the service itself: it may have done what was asked. */
function isLost(error: unknown): boolean {
  return isError(error, 'network') || (isError(error) && [502, 503, 504].includes(error.status ?? 0));
}

/** Some releases leave out the time zone, and mean UTC. */
function utc(time: string): string {
  return /Z|[+-]\d\d:?\d\d$/.test(time) ? time : `${time}Z`;
}

/** True when all that was asked for is what is there; the answer may tell more. */
function covers(there: unknown, asked: unknown): boolean {
  if (asked === null || asked === undefined) return there === null || there === undefined;
  if (Array.isArray(asked)) return Array.isArray(there) && there.length === asked.length && asked.every((item) => there.some((candidate) => covers(candidate, item)));
  if (typeof asked === 'object') return typeof there === 'object' && there !== null && Object.entries(asked).every(([name, value]) => covers((there as Record<string, unknown>)[name], value));
  return String(there) === String(asked);
}

/** Sets a new resource's tags, which no create takes. */
export async function tag(work: CreateWork, resource: ResourceName, id: string): Promise<void> {
  const tags = work.params.tags as string[] | undefined;
  if (!tags?.length) return;
  const there = await extensions(work.cloud);
  if (!there.has('standard-attr-tag') && !there.has('tag-ext') && !there.has('tag')) return warn(work, 'tags are left out: this cloud has none');
  const network = await work.cloud.service('network');
  await network.put(`${path(resource, id)}/tags`, { tags }, { signal: work.signal });
}
