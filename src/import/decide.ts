import { compareRules, type Rule } from '../kinds/rules.ts';
import type { Document, JsonObject } from '../tenant/document.ts';
import { BEARS_DATA, findExisting, type Existing } from './existing.ts';
import { settleForeign } from './foreign.ts';
import { keypairName } from './mapping.ts';
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
  const decided = settleForeign(documents, disks, inventory, mapping);
  const offers = new Map([...decided].flatMap(([id, { action, target }]) => (action === 'map' && target ? [[id, target] as const] : [])));
  const open = documents.filter(({ id }) => !decided.has(id));
  const present = new Set([...offers.keys(), ...open.map(({ id }) => id)]);
  const terms: Terms = { offers, present, mapping, inventory, ...(rename !== undefined && { rename }) };
  const translations = new Map(open.map((document) => [document.id, translate(document, terms)]));
  const existing = findExisting([...translations.values()].map(({ document }) => document), inventory, { offers: [...offers.values()], renamed: rename !== undefined });

  const context: Context = { inventory, mapping, terms, existing, disks, warnings, translations, decided, spare: spareAddresses(inventory, mapping, existing) };
  for (const document of open) decided.set(document.id, { ...settleOwn(document, context), translation: translations.get(document.id) });
  for (const document of open) standInTheWay(document, context);
  return { decisions: documents.map(({ id }) => decided.get(id) as Decision), warnings, terms };
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
function settleDefaultGroup(document: Document, { inventory, mapping, existing, translations }: Context): Decision {
  const target = inventory.documents.find(isDefaultGroup);
  if (!target) return { document, action: 'conflict', reason: `project ${inventory.project.name} has no security group "default"` };
  const wanted = translations.get(document.id)?.document as Document;
  // Rules that refer to the group itself, or to one that is there already, are the same rule on both sides.
  const here = (id: string) => (id === wanted.id ? target.id : existing.get(id)?.because ? (existing.get(id)?.document.id ?? id) : id);
  const rules = ((wanted.params.rules ?? []) as unknown as Rule[]).map((rule) => (rule.remote_group_id ? { ...rule, remote_group_id: here(rule.remote_group_id) } : rule));
  const { add, remove } = compareRules(rules, (target.params.rules ?? []) as unknown as Rule[]);
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
  if (keypairName(document, mapping) !== undefined) return { document, action: 'reuse', target, reason: 'as the mapping says' };
  const key = ({ params }: Document) => String(params.public_key).split(/\s+/).slice(0, 2).join(' ');
  if (key(wanted) === key(target)) return { document, action: 'reuse', target, reason: 'the same key' };
  return { document, action: 'conflict', target, reason: `you have another key of this name (${target.info.fingerprint}): give it another name under keypairs in the mapping file` };
}

/** The project's unbound addresses that stand for none of the bundle yet. */
function spareAddresses({ documents }: Inventory, { floating_ips }: Mapping, existing: ReadonlyMap<string, Existing>): Document[] {
  const taken = new Set([...existing.values()].filter(({ because }) => because !== undefined).map(({ document }) => document.id));
  return floating_ips === 'reuse' ? documents.filter(({ kind, id, params }) => kind === 'floating-ip' && !params.port_id && !taken.has(id)) : [];
}

const addressesOf = ({ fixed_ips }: JsonObject): string[] => ((fixed_ips ?? []) as { ip_address: string }[]).map(({ ip_address }) => ip_address);

/** What can be told beforehand to be refused: addresses in use on a network that is there already, ports that are taken. */
function standInTheWay(document: Document, { decided, inventory, translations }: Context): void {
  const decision = decided.get(document.id) as Decision;
  if (decision.action !== 'create') return;
  const params = translations.get(document.id)?.document.params ?? {};
  const conflict = (reason: string) => decided.set(document.id, { ...decision, action: 'conflict', reason });
  if (document.kind === 'server') {
    for (const { port } of (params.networks ?? []) as { port: string }[]) {
      const taken = decided.get(port);
      const user = taken?.action === 'reuse' || taken?.action === 'update' ? taken.target?.info.device_id : undefined;
      if (typeof user !== 'string' || user === '') continue;
      const holder = inventory.documents.find(({ info }) => info.id === user)?.name ?? user;
      const which = addressesOf(taken?.target?.params ?? {}).join(', ') || taken?.target?.name || port;
      conflict(`its port ${which} is in use by "${holder}": remove that one first, or import under other names with --rename`);
    }
  }
  if (document.kind === 'port') {
    const network = decided.get(params.network_id as string)?.target ?? inventory.documents.find(({ id }) => id === params.network_id);
    if (!network) return;
    const wanted = [...addressesOf(params), ...(typeof params.mac_address === 'string' ? [params.mac_address] : [])];
    for (const other of inventory.documents) {
      if (other.kind !== 'port' || other.params.network_id !== network.id) continue;
      const shared = wanted.find((address) => address === other.params.mac_address || addressesOf(other.params).includes(address));
      if (shared !== undefined) conflict(`${shared} is in use on network "${network.name}" by port ${other.name || String(other.info.id)}`);
    }
  }
}
