import type { Document, JsonObject } from '../tenant/document.ts';
import { cutAt, findRefs, setAt, sweep, valueAt, withRefs } from '../tenant/refs.ts';
import { kindOf } from '../kinds/index.ts';
import type { NameSort } from '../kinds/kind.ts';
import { entry, keypairName } from './mapping.ts';
import type { Inventory, Mapping } from './types.ts';

/** How the words of a bundle read on the target. */
export interface Terms {
  /** Foreign documents of the bundle -> the target's that stand for them. */
  offers: ReadonlyMap<string, Document>;
  /** Documents that there will be: references to all others are cut. */
  present: ReadonlySet<string>;
  mapping: Mapping;
  inventory: Inventory;
  /** New name of a document; `{name}` stands for the old one. */
  rename?: string;
}

export interface Translation {
  /** Params to create it with; references are still the bundle's ids. */
  params: JsonObject;
  /** The document as the target would show it: references to foreign documents are the offers' ids. */
  document: Document;
  /** What reads otherwise there, by attribute. */
  changes: { attribute: string; verdict: 'mapped' | 'degraded' | 'lost'; from?: string; to?: string; reason?: string }[];
}

/** Kinds whose resources a person meets by name, and which `--rename` renames. */
export const RENAMED = new Set(['network', 'subnet', 'router', 'security-group', 'port', 'image', 'volume', 'server-group', 'server']);

/** One document as the target would show it if it were there. Pure. */
export function translate(document: Document, terms: Terms): Translation {
  const kind = kindOf(document.kind);
  const changes: Translation['changes'] = [];
  let params: JsonObject = structuredClone(document.params);
  for (const pointer of Object.keys(document.refs)) {
    const id = valueAt(document.params, pointer) as string;
    if (!terms.present.has(id)) {
      cutAt(params, pointer);
      if (!kind?.origin?.includes(pointer)) changes.push({ attribute: pointer.slice(1), verdict: 'lost', reason: 'what it refers to is not in the bundle, or not made here' });
    }
  }
  params = sweep(params);
  for (const [pointer, sort] of Object.entries(kind?.names ?? {})) {
    const from = valueAt(params, pointer);
    if (typeof from !== 'string') continue;
    const to = nameHere(from, sort, terms);
    setAt(params, pointer, to ?? null);
    if (to !== from) changes.push({ attribute: pointer.slice(1), verdict: 'mapped', from, to: to ?? 'the default', reason: to === undefined ? 'no such name here' : undefined });
  }
  const adapted = kind?.adapt?.(params);
  for (const { attribute, reason } of adapted?.changes ?? []) {
    changes.push({ attribute, verdict: 'degraded', from: String(params[attribute]), to: String(adapted?.params[attribute]), reason });
  }
  params = adapted?.params ?? params;
  const name = nameOf(document, terms);
  if (name !== document.name) {
    if ('name' in params) params.name = name;
    changes.push({ attribute: 'name', verdict: 'mapped', from: document.name, to: name });
  }
  const asked = { ...document, name, params, refs: findRefs(params, kind?.refs ?? {}) };
  return { params, document: { ...asked, params: withRefs(asked, (id) => terms.offers.get(id)?.id ?? id) }, changes };
}

function nameOf(document: Document, { mapping, rename }: Terms): string {
  if (isDefaultGroup(document)) return mapping.default_security_group === 'separate' ? SEPARATE : document.name;
  if (document.kind === 'security-group' && document.name === 'default') return FOREIGN_DEFAULT;
  if (document.kind === 'keypair') return keypairName(document, mapping) ?? document.name;
  if (rename === undefined || !RENAMED.has(document.kind) || document.name === '') return document.name;
  return rename.replaceAll('{name}', () => document.name);
}

/**
 * Every project is born with this one; it can be neither created nor renamed. Another project's, to which a rule refers, is
 * another group: taken for our own, it would let our members in where only theirs were.
 */
export const isDefaultGroup = ({ kind, name, info }: Document): boolean => kind === 'security-group' && name === 'default' && info.foreign !== true;

/** The copy of another project's group `default`: a name that a member may create. */
const FOREIGN_DEFAULT = 'default (of another project)';

/** The name of the group that stands beside the project's own `default`. */
export const SEPARATE = 'default (bundle)';

/** A volume type's or zone's name on the target: the mapping's, else the same where there is one, else the default (undefined). */
function nameHere(name: string, sort: NameSort, { mapping, inventory }: Terms): string | undefined {
  const zones = inventory.availability_zones;
  const offered = sort === 'volume_type' ? inventory.volume_types.map((type) => type.name) : sort === 'compute_zone' ? zones.compute : zones.volume;
  const wanted = entry(sort === 'volume_type' ? mapping.volume_types : mapping.availability_zones, name) ?? name;
  if (offered.includes(wanted)) return wanted;
  return sort === 'volume_type' ? inventory.volume_types.find((type) => type.default)?.name : undefined;
}
