import { BaluchonError, isError } from '../errors.ts';
import schema from '../../schemas/security-group.json' with { type: 'json' };
import type { CreateWork, Kind, Ref } from './kind.ts';
import { accepted, create, described, extensions, notes, one, own, path, sorted, tag, warn, type Resource } from './neutron.ts';
import { compareRules, portRange, ruleKey, type Rule } from './rules.ts';

export { compareRules, ruleKey, type Rule } from './rules.ts';

export interface RawRule extends Rule, Resource {
  description?: string | null;
}

export interface RawSecurityGroup extends Resource {
  stateful?: boolean;
  security_group_rules?: RawRule[];
}

export const securityGroup: Kind<RawSecurityGroup> = {
  name: 'security-group',
  schema,
  refs: { '/rules/*/remote_group_id': 'security-group' },
  // Groups refer to each other in cycles, and to themselves.
  late: ['/rules/*/remote_group_id'],
  list: (cloud) => own(cloud, 'security_group'),
  // Another project's group that is shared with this one is copied: what it lets through is known.
  fetch: (cloud, id) => one(cloud, 'security_group', id),
  key: ({ id }) => id,
  toDocument(raw, ref) {
    const rules = raw.security_group_rules ?? [];
    const document = described(
      raw,
      {
        name: raw.name ?? '',
        description: raw.description ?? undefined,
        stateful: raw.stateful,
        rules: sorted(rules.filter((rule) => !rule.remote_address_group_id).map((rule) => ruleParams(rule, ref)), ruleOrder),
        tags: sorted(raw.tags),
      },
      ['security_group_rules'],
    );
    // A rule without its address group would let anybody through: it is told of, and never made.
    const unsupported = rules.filter((rule) => rule.remote_address_group_id).map((rule) => ({ ...ruleParams(rule, ref), remote_address_group_id: rule.remote_address_group_id! }));
    if (unsupported.length > 0) document.info.unsupported_rules = sorted(unsupported, ruleOrder)!;
    return document;
  },
  unknown: ({ info }) => {
    const rules = (info.unsupported_rules ?? []) as unknown[];
    return notes({ rules: rules.length > 0 && ['lost', `${rules.length} rule(s) limited by an address group are left out: without it they would let anybody through`] });
  },
  async create(work) {
    const { name, description, stateful } = work.params;
    if (name === 'default') {
      throw new BaluchonError('conflict', 'the security group default can\'t be created: every project has one', { hint: 'make the existing one equal to the bundle\'s, or give this one another name: default_security_group in the mapping file' });
    }
    // A group's description is older than the extension that gave one to the others.
    const { id } = await create<RawSecurityGroup>(work, 'security_group', await accepted(work, { name, description, stateful }, ['description']));
    await tag(work, 'security_group', id);
    return id;
  },
  complete: { run: reconcile },
  update: reconcile,
};

function ruleParams(rule: RawRule, ref: Ref) {
  const [port_range_min, port_range_max] = portRange(rule);
  const { direction, ethertype, protocol, remote_ip_prefix, remote_group_id, description } = rule;
  return {
    direction,
    ethertype: ethertype ?? 'IPv4',
    protocol: protocol ?? null,
    port_range_min,
    port_range_max,
    remote_ip_prefix: remote_ip_prefix ?? null,
    ...(remote_group_id ? { remote_group_id: ref('security-group', remote_group_id) } : {}),
    ...(description ? { description } : {}),
  };
}

/** The remote group last: its document's id is another one on every cloud. */
function ruleOrder(rule: Rule): string {
  const { remote_group_id, ...rest } = rule;
  const ports = [rule.port_range_min, rule.port_range_max].map((port) => String(port ?? '').padStart(5, '0'));
  return [ruleKey({ ...rest, port_range_min: null, port_range_max: null }), ...ports, remote_group_id ? 1 : 0, rule.description ?? '', remote_group_id ?? ''].join(' ');
}

/** Makes the group's rules exactly those of the document, and looks afterwards whether they are. */
async function reconcile(work: CreateWork & { id: string }): Promise<void> {
  const { cloud, id, signal } = work;
  const network = await cloud.service('network');
  const existing = async () => (await network.get<{ security_group: RawSecurityGroup }>(path('security_group', id), { signal })).security_group.security_group_rules ?? [];
  const wanted = await wantedRules(work);
  const { add, remove } = compareRules(wanted, await existing());
  // What goes goes first: Neutron takes some rules for the same that aren't.
  for (const rule of remove) {
    await network.delete(path('security_group_rule', rule.id), { signal }).catch((error: unknown) => {
      if (!isError(error, 'not-found')) throw error;
    });
  }
  for (const rule of add) {
    const [port_range_min, port_range_max] = portRange(rule);
    const attributes = Object.fromEntries(Object.entries({ ...rule, port_range_min, port_range_max }).filter(([, value]) => value !== null && value !== undefined));
    await create<RawRule>(work, 'security_group_rule', { ...attributes, security_group_id: id });
  }
  const left = compareRules(wanted, await existing());
  if (left.add.length + left.remove.length > 0) {
    const what = [...left.add.map((rule) => `missing: ${ruleKey(rule)}`), ...left.remove.map((rule) => `too many: ${ruleKey(rule)}`)];
    throw new BaluchonError('cloud', `security group ${work.document.name}: its rules are not those asked for: ${what.join('; ')}`, {
      hint: 'somebody or something else changes this group; run the import again',
    });
  }
}

const knownAttributes = new Set(['direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix', 'remote_group_id', 'description']);

/** The rules to have, on the target's terms. Throws where one would be wider than the document's. */
async function wantedRules(work: CreateWork): Promise<Rule[]> {
  const described = (await extensions(work.cloud)).has('standard-attr-description');
  const original = (work.document.params.rules ?? []) as unknown as Rule[];
  const open = new Set(original.filter((rule) => !rule.remote_group_id).map(ruleKey));
  const wanted: Rule[] = [];
  for (const rule of (work.params.rules ?? []) as Rule[]) {
    const unresolved = original.some(({ remote_group_id }) => remote_group_id && remote_group_id === rule.remote_group_id);
    if (unresolved || (!rule.remote_group_id && !open.has(ruleKey(rule)))) {
      throw new BaluchonError('cloud', `security group ${work.document.name}: the group that a rule refers to is not there`, {
        hint: 'without it the rule would let anybody through, so it is not made: import that group as well',
      });
    }
    const unknown = Object.entries(rule).find(([name, value]) => !knownAttributes.has(name) && value !== null)?.[0];
    if (unknown !== undefined) {
      warn(work, `a rule limited by ${unknown}, which this version does not know, is left out`);
      continue;
    }
    wanted.push(described ? rule : { ...rule, description: null });
  }
  return wanted;
}
