import { isForeign, isMissing, kindOf } from '../kinds/index.ts';
import { compareRules } from '../kinds/security-group.ts';
import type { Document } from '../tenant/document.ts';
import { targets } from '../tenant/refs.ts';
import { BEARS_DATA, findExisting, type Existing } from './existing.ts';
import { bestOffer, mappedName, namedOffers } from './mapping.ts';
import { isDefaultGroup, SEPARATE, translate, type Terms, type Translation } from './translate.ts';
import type { ActionType, Inventory, Mapping } from './types.ts';

export interface Decision {
  document: Document;
  action: ActionType;
  reason: string;
  /** The target's document, for reuse, map and update. */
  target?: Document;
  changes?: string[];
  translation?: Translation;
}

export interface Decisions {
  decisions: Decision[];
  warnings: string[];
  terms: Terms;
}

/** What is to become of each document. Pure. */
export function decide(documents: readonly Document[], disks: ReadonlySet<string>, inventory: Inventory, mapping: Mapping, rename?: string): Decisions {
  const warnings: string[] = [];
  const decided = new Map<string, Decision>();
  const offers = new Map<string, Document>();
  const absent = new Set<string>();
  const needed = neededForeign(documents, disks);

  for (const document of documents) {
    const settled = settleForeign(document, { disks, inventory, mapping, needed });
    if (!settled) continue;
    decided.set(document.id, settled);
    if (settled.action === 'map') offers.set(document.id, settled.target as Document);
    else absent.add(document.id);
  }
  const terms: Terms = { offers, absent, mapping, inventory, ...(rename !== undefined && { rename }) };
  const open = documents.filter(({ id }) => !decided.has(id));
  const translations = new Map(open.map((document) => [document.id, translate(document, terms)]));
  const existing = findExisting([...translations.values()].map(({ document }) => document), inventory);

  const context: Context = { inventory, mapping, terms, existing, disks, warnings, translations, decided, spare: spareAddresses(inventory, mapping) };
  for (const document of open) decided.set(document.id, { ...settleOwn(document, context), translation: translations.get(document.id) });
  for (const document of open) standInTheWay(document, context);
  return { decisions: documents.map(({ id }) => decided.get(id) as Decision), warnings, terms };
}

/** Foreign documents that something needs; what only tells where bytes came from is not needed when the bytes are here. */
function neededForeign(documents: readonly Document[], disks: ReadonlySet<string>): Set<string> {
  return new Set(documents.flatMap((document) => targets(document, disks.has(document.id) ? kindOf(document.kind)?.origin : [])));
}

function settleForeign(document: Document, { disks, inventory, mapping, needed }: { disks: ReadonlySet<string>; inventory: Inventory; mapping: Mapping; needed: ReadonlySet<string> }): Decision | undefined {
  const kind = kindOf(document.kind);
  const skip = (reason: string): Decision => ({ document, action: 'skip', reason });
  if (!kind) return skip(`this version knows no kind "${document.kind}"`);
  if (isMissing(document)) return skip(document.info.missing as string);
  if (isForeign(document)) {
    const named = mappedName(document, mapping);
    const chosen = named === undefined ? bestOffer(document, inventory) : { offer: namedOffers(document.kind, named, inventory)[0] as Document, reason: 'as the mapping says' };
    if (chosen) return { document, action: 'map', target: chosen.offer, reason: chosen.reason };
    if (!needed.has(document.id)) return skip('only tells what others were made from; their own bytes are in the bundle');
    return { document, action: 'conflict', reason: `nothing on ${inventory.cloud} stands for it: name one in the mapping file` };
  }
  const reason = kind.skip?.(document);
  if (reason !== undefined) return skip(reason);
  if (document.kind === 'image' && !disks.has(document.id)) return skip('its bytes are not in the bundle');
  return undefined;
}

interface Context {
  inventory: Inventory;
  mapping: Mapping;
  terms: Terms;
  existing: ReadonlyMap<string, Existing>;
  disks: ReadonlySet<string>;
  warnings: string[];
  translations: ReadonlyMap<string, Translation>;
  decided: Map<string, Decision>;
  /** Unbound floating addresses that `floating_ips: reuse` takes. */
  spare: Document[];
}

const REASONS = {
  journal: 'made by an earlier run of this import',
  same: 'the very resource that the bundle was made of; left as it is now',
  equal: 'equal in every attribute',
} as const;

function settleOwn(document: Document, context: Context): Decision {
  const { inventory, mapping, existing, disks, warnings } = context;
  const found = existing.get(document.id);
  const journal = inventory.journal[document.id];
  const decision = (action: ActionType, reason: string, more: Partial<Decision> = {}): Decision => ({ document, action, reason, ...more });
  if (isDefaultGroup(document) && !(mapping.default_security_group === 'separate' && found?.because)) return settleDefaultGroup(document, context);
  if (document.kind === 'keypair') return settleKeypair(document, context);
  if (found?.because) {
    if (found.because === 'journal' && !journal?.complete) return decision('update', 'made by an earlier run that was cut off before it was complete', { target: found.document });
    return decision('reuse', REASONS[found.because], { target: found.document });
  }
  if (document.kind === 'floating-ip') {
    const wanted = context.terms.offers.get(document.params.floating_network_id as string)?.id;
    const at = context.spare.findIndex(({ params }) => params.floating_network_id === wanted);
    const [target] = at < 0 ? [] : context.spare.splice(at, 1);
    if (target) return decision('update', 'an unbound address of the project', { target, changes: ['bound as in the bundle'] });
    return decision('create', mapping.floating_ips === 'same' ? 'the same address is asked for' : 'a new address');
  }
  if (found && document.name !== '') {
    const what = `${document.kind} "${document.name}"`;
    if (found.differences.length > 0) warnings.push(`there is a ${what} already, which differs (${found.differences.map(({ attribute }) => attribute?.slice(1)).join(', ')}): a second one will be made`);
    else if (BEARS_DATA.has(document.kind)) warnings.push(`there is a ${what} already, with the same attributes; whether it holds the same bytes is not known: a second one will be made`);
  }
  if (document.kind === 'server' && !disks.has(document.id) && !startsFrom(document, context)) {
    return decision('conflict', 'its root disk is not in the bundle and its image is not here: map the image, or export with disks');
  }
  return decision('create', disks.has(document.id) ? 'with its bytes' : document.kind === 'volume' ? 'empty: its bytes are not in the bundle' : 'new');
}

/** Whether a server without bytes in the bundle has something to start from. */
function startsFrom(document: Document, { translations }: Context): boolean {
  const params = translations.get(document.id)?.document.params ?? {};
  return typeof params.image === 'string' || ((params.volumes ?? []) as { boot_index: number | null }[]).some(({ boot_index }) => boot_index === 0);
}

/** A group `default` is there in every project: equal, made equal because the mapping says so, set aside, or in the way. */
function settleDefaultGroup(document: Document, { inventory, mapping, translations }: Context): Decision {
  const target = inventory.documents.find(isDefaultGroup);
  if (!target) return { document, action: 'conflict', reason: `project ${inventory.project.name} has no security group "default"` };
  const wanted = translations.get(document.id)?.document as Document;
  // Rules that refer to the group itself are the same rule on both sides.
  const own = (rules: unknown, id: string) => (rules as { remote_group_id?: string }[]).map((rule) => (rule.remote_group_id === id ? { ...rule, remote_group_id: 'itself' } : rule));
  const { add, remove } = compareRules(own(wanted.params.rules ?? [], wanted.id) as never, own(target.params.rules ?? [], target.id) as never);
  if (add.length + remove.length === 0) return { document, action: 'reuse', target, reason: 'its rules are the same' };
  const changes = [...remove.map((rule) => `- ${ruleText(rule)}`), ...add.map((rule) => `+ ${ruleText(rule)}`)];
  if (mapping.default_security_group === 'exact') return { document, action: 'update', target, changes, reason: 'its rules are made those of the bundle, as the mapping says' };
  if (mapping.default_security_group === 'separate') return { document, action: 'create', reason: `beside the project's own, as the mapping says: "${SEPARATE}"` };
  return {
    document,
    action: 'conflict',
    target,
    changes,
    reason: `the project's own rules differ (${remove.length} to remove, ${add.length} to add): say default_security_group: exact or separate in the mapping file`,
  };
}

function ruleText(rule: object): string {
  const { direction, ethertype, protocol, port_range_min: from, port_range_max: to, remote_ip_prefix, remote_group_id } = rule as Record<string, unknown>;
  const ports = from === null || from === undefined ? '' : from === to ? ` ${from}` : ` ${from}-${to}`;
  return `${direction} ${ethertype} ${protocol ?? 'any'}${ports} ${direction === 'egress' ? 'to' : 'from'} ${remote_ip_prefix ?? (remote_group_id ? 'a group' : 'anywhere')}`;
}

/** Keypairs are the user's, and their names unique (fact 8): the same key is reused, another one under the name is in the way. */
function settleKeypair(document: Document, { inventory, mapping, translations }: Context): Decision {
  const wanted = translations.get(document.id)?.document as Document;
  const target = inventory.documents.find(({ kind, name }) => kind === 'keypair' && name === wanted.name);
  if (!target) return { document, action: 'create', reason: 'the public half' };
  if (mapping.keypairs[document.name] !== undefined || mapping.keypairs[document.id] !== undefined) return { document, action: 'reuse', target, reason: 'as the mapping says' };
  const key = ({ params }: Document) => String(params.public_key).split(/\s+/).slice(0, 2).join(' ');
  if (key(wanted) === key(target)) return { document, action: 'reuse', target, reason: 'the same key' };
  return { document, action: 'conflict', target, reason: `you have another key of this name (${target.info.fingerprint}): give it another name under keypairs in the mapping file` };
}

function spareAddresses({ documents }: Inventory, { floating_ips }: Mapping): Document[] {
  return floating_ips === 'reuse' ? documents.filter(({ kind, params }) => kind === 'floating-ip' && !params.port_id) : [];
}

/** What can be told beforehand to be refused: addresses in use on a network that is there already, ports that are taken. */
function standInTheWay(document: Document, { decided, inventory, translations }: Context): void {
  const decision = decided.get(document.id) as Decision;
  if (decision.action !== 'create') return;
  const params = translations.get(document.id)?.document.params ?? {};
  const conflict = (reason: string) => decided.set(document.id, { ...decision, action: 'conflict', reason });
  if (document.kind === 'server') {
    for (const { port } of (params.networks ?? []) as { port: string }[]) {
      const taken = decided.get(port);
      const user = taken?.action === 'reuse' ? taken.target?.info.device_id : undefined;
      if (typeof user === 'string' && user !== '') {
        const holder = inventory.documents.find(({ info }) => info.id === user)?.name ?? user;
        conflict(`its port ${port} is in use by "${holder}": remove that one first, or import under other names with --rename`);
      }
    }
  }
  if (document.kind === 'port') {
    const network = decided.get(params.network_id as string)?.target ?? inventory.documents.find(({ id }) => id === params.network_id);
    if (!network) return;
    const addresses = ((params.fixed_ips ?? []) as { ip_address: string }[]).map(({ ip_address }) => ip_address);
    for (const other of inventory.documents) {
      if (other.kind !== 'port' || other.params.network_id !== network.id) continue;
      const theirs = ((other.params.fixed_ips ?? []) as { ip_address: string }[]).map(({ ip_address }) => ip_address);
      const shared = addresses.find((address) => theirs.includes(address)) ?? (other.params.mac_address === params.mac_address ? String(params.mac_address) : undefined);
      if (shared !== undefined) conflict(`${shared} is in use on network "${network.name}" by port ${other.name || String(other.info.id)}`);
    }
  }
}
