import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { BaluchonError } from '../errors.ts';
import { isForeign, isMissing, kindOf } from '../kinds/index.ts';
import type { NameSort } from '../kinds/kind.ts';
import type { Document } from '../tenant/document.ts';
import { valueAt } from '../tenant/refs.ts';
import schema from '../../schemas/mapping.json' with { type: 'json' };
import type { Inventory, Mapping } from './types.ts';

/** The section of a mapping file in which documents of a kind are found. */
export const SECTIONS = { flavor: 'flavors', network: 'networks', image: 'images' } as const;
type Section = (typeof SECTIONS)[keyof typeof SECTIONS];

export const emptyMapping = (): Mapping => ({
  flavors: {},
  networks: {},
  images: {},
  volume_types: {},
  availability_zones: {},
  keypairs: {},
  user_data: {},
  default_security_group: 'ask',
  floating_ips: 'new',
});

/**
 * Reads a mapping file; paths of user_data are taken relative to it and must exist. Throws `usage` with one line for each
 * thing that is wrong.
 */
export function readMapping(text: string, path: string): Mapping {
  let raw: unknown;
  try {
    // A file of comments alone is one that maps nothing.
    const [first, second] = loadAll(text, { schema: CORE_SCHEMA });
    if (second !== undefined) throw new Error('there are several documents in it');
    raw = first ?? {};
  } catch (error) {
    throw new BaluchonError('usage', `${path}: not YAML: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  const validate = new Ajv({ allErrors: true }).compile(schema);
  const problems: string[] = [];
  if (!validate(raw)) {
    for (const { instancePath, message, params } of validate.errors ?? []) {
      const extra = (params as { additionalProperty?: string; allowedValues?: string[] }).additionalProperty ?? (params as { allowedValues?: string[] }).allowedValues?.join(', ');
      problems.push(`${path}: ${instancePath.slice(1).replaceAll('/', '.') || 'top level'}: ${message}${extra ? ` (${extra})` : ''}`);
    }
    throw new BaluchonError('usage', problems.join('\n'));
  }
  const mapping = { ...emptyMapping(), ...(raw as Partial<Mapping>) };
  mapping.user_data = Object.fromEntries(Object.entries(mapping.user_data).map(([server, file]) => [server, resolve(dirname(path), file)]));
  for (const [server, file] of Object.entries(mapping.user_data)) {
    try {
      readFileSync(file);
    } catch (error) {
      problems.push(`${path}: user_data.${server}: cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
  if (problems.length > 0) throw new BaluchonError('usage', problems.join('\n'));
  return mapping;
}

export interface Guess {
  mapping: Mapping;
  /** `section.name` -> why, or what is missing. */
  comments: Record<string, string>;
}

/** The best guesses for everything that a bundle takes from its cloud. */
export function guessMapping(documents: readonly Document[], inventory: Inventory): Guess {
  const mapping = emptyMapping();
  const comments: Record<string, string> = {};
  for (const document of documents) {
    if (isMissing(document) || !isForeign(document)) continue;
    const section = SECTIONS[document.kind as keyof typeof SECTIONS] as Section | undefined;
    if (section === undefined) continue;
    const label = keyOf(document, documents, document.id);
    const guess = bestOffer(document, inventory);
    if (guess) mapping[section][label] = keyOf(guess.offer, inventory.documents, guess.offer.info.id as string);
    comments[`${section}.${label}`] = guess ? guess.reason : `nothing here stands for it${shape(document)}: name one`;
  }
  for (const document of documents) {
    for (const [pointer, sort] of Object.entries(kindOf(document.kind)?.names ?? {})) {
      const name = valueAt(document.params, pointer);
      if (typeof name !== 'string') continue;
      const section = sort === 'volume_type' ? 'volume_types' : 'availability_zones';
      const offered = sort === 'volume_type' ? inventory.volume_types.map((type) => type.name) : inventory.availability_zones[sort === 'compute_zone' ? 'compute' : 'volume'];
      const fallback = sort === 'volume_type' ? inventory.volume_types.find((type) => type.default)?.name : offered[0];
      const guess = offered.includes(name) ? name : fallback;
      if (guess !== undefined && !Object.hasOwn(mapping[section], name)) {
        mapping[section][name] = guess;
        comments[`${section}.${name}`] = guess === name ? 'the same name' : sort === 'volume_type' ? 'the default type here' : 'the first zone here';
      }
    }
  }
  // A `default` group that nothing uses yet can be made equal without harm to anybody.
  const used = inventory.documents.some(({ kind }) => kind === 'port');
  mapping.default_security_group = used ? 'ask' : 'exact';
  comments.default_security_group = used ? 'exact, separate or ask: ports of this project exist already' : 'no port of this project uses it yet';
  return { mapping, comments };
}

/** The offer of the target that stands in best for a foreign document. */
export function bestOffer(wanted: Document, inventory: Inventory): { offer: Document; reason: string } | undefined {
  const kind = kindOf(wanted.kind);
  let best: { offer: Document; cost: number; reason: string } | undefined;
  for (const offer of inventory.documents) {
    if (offer.kind !== wanted.kind || !kind?.foreign?.(offer)) continue;
    const rank = kind.rank?.(wanted, offer);
    if (rank && (!best || rank.cost < best.cost)) best = { offer, ...rank };
  }
  return best;
}

/** What an entry of the mapping file means on the target: by name where one alone has it, or by id. */
export function namedOffers(kind: string, name: string, inventory: Inventory): Document[] {
  const offers = inventory.documents.filter((document) => document.kind === kind && (isForeign(document) || kind === 'image'));
  const byId = offers.filter(({ info }) => info.id === name);
  return byId.length > 0 ? byId : offers.filter((offer) => offer.name === name);
}

/** An entry of a section: by the first of these that it has. Not by `[]`: a server may be called "constructor". */
export const entry = (section: Readonly<Record<string, string>>, ...keys: string[]): string | undefined => {
  const key = keys.find((each) => Object.hasOwn(section, each));
  return key === undefined ? undefined : section[key];
};

/** What the mapping file says of a document of the kinds that it maps: by its id, or by its name. */
export const mappedName = (document: Document, mapping: Mapping): string | undefined => {
  const section = SECTIONS[document.kind as keyof typeof SECTIONS] as Section | undefined;
  return section && entry(mapping[section], document.id, document.name);
};

/** The file with a server's user_data, where the mapping names one. */
export const userDataFile = ({ kind, id, name }: Document, { user_data }: Mapping): string | undefined => (kind === 'server' ? entry(user_data, id, name) : undefined);

/** The name that the mapping gives a keypair. */
export const keypairName = ({ id, name }: Document, { keypairs }: Mapping): string | undefined => entry(keypairs, id, name);

/** A document's name where it is the only one of its kind to have it, else the id given. */
function keyOf(document: Document, all: readonly Document[], id: string): string {
  const alone = all.filter(({ kind, name }) => kind === document.kind && name === document.name).length === 1;
  return document.name !== '' && alone ? document.name : id;
}

function shape({ kind, params }: Document): string {
  return kind === 'flavor' ? ` (${params.vcpus} vCPU, ${params.ram} MiB, ${params.disk} GiB)` : '';
}

/** Everything a mapping names that is not there, on either side; one line each. */
export function checkMapping(mapping: Mapping, documents: readonly Document[], inventory: Inventory): string[] {
  const problems: string[] = [];
  const knows = (kind: string, name: string) => documents.some((document) => document.kind === kind && (document.name === name || document.id === name || document.info.id === name));
  const mappable = (network: string) => documents.some((document) => document.kind === 'network' && isForeign(document) && [document.name, document.id, document.info.id].includes(network));
  const uses = (sorts: readonly NameSort[], name: string) =>
    documents.some(({ kind, params }) => Object.entries(kindOf(kind)?.names ?? {}).some(([pointer, sort]) => sorts.includes(sort) && valueAt(params, pointer) === name));
  for (const [kind, section] of Object.entries(SECTIONS)) {
    for (const [from, to] of Object.entries(mapping[section])) {
      if (!knows(kind, from)) problems.push(`${section}.${from}: the bundle has no ${kind} "${from}"`);
      else if (kind === 'network' && !mappable(from)) problems.push(`${section}.${from}: the bundle has this network whole: it is made, not mapped`);
      const offers = namedOffers(kind, to, inventory);
      if (offers.length === 0) problems.push(`${section}.${from}: ${inventory.cloud} has no ${kind} "${to}"`);
      if (offers.length > 1) problems.push(`${section}.${from}: ${inventory.cloud} has ${offers.length} of the name "${to}": write the id`);
    }
  }
  for (const [from, to] of Object.entries(mapping.volume_types)) {
    if (!uses(['volume_type'], from)) problems.push(`volume_types.${from}: nothing in the bundle has the volume type "${from}"`);
    if (!inventory.volume_types.some(({ name }) => name === to)) problems.push(`volume_types.${from}: ${inventory.cloud} has no volume type "${to}"`);
  }
  const zones = [...inventory.availability_zones.compute, ...inventory.availability_zones.volume];
  for (const [from, to] of Object.entries(mapping.availability_zones)) {
    if (!uses(['compute_zone', 'volume_zone'], from)) problems.push(`availability_zones.${from}: nothing in the bundle has the availability zone "${from}"`);
    if (!zones.includes(to)) problems.push(`availability_zones.${from}: ${inventory.cloud} has no availability zone "${to}"`);
  }
  for (const from of Object.keys(mapping.keypairs)) if (!knows('keypair', from)) problems.push(`keypairs.${from}: the bundle has no keypair "${from}"`);
  for (const from of Object.keys(mapping.user_data)) if (!knows('server', from)) problems.push(`user_data.${from}: the bundle has no server "${from}"`);
  return problems;
}
