import { randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import type { Shown, World } from '../world.ts';
import { parseCidr } from './addresses.ts';
import { badRequest, refuse } from './attributes.ts';

const PROTOCOLS: Record<string, number> = { ah: 51, dccp: 33, egp: 8, esp: 50, gre: 47, hopopt: 0, icmp: 1, igmp: 2, ip: 0, ipip: 4, 'ipv6-encap': 41, 'ipv6-frag': 44, 'ipv6-icmp': 58, icmpv6: 58, 'ipv6-nonxt': 59, 'ipv6-opts': 60, 'ipv6-route': 43, ospf: 89, pgm: 113, rsvp: 46, sctp: 132, tcp: 6, udp: 17, udplite: 136, vrrp: 112 };

/** The project's `default` group, which is there as soon as anybody looks. */
export function defaultGroup(world: World): Shown {
  for (const group of world.groups.values()) if (group['name'] === 'default') return group;
  const group = makeGroup(world, { name: 'default', description: 'Default security group', stateful: true });
  for (const ethertype of ['IPv4', 'IPv6']) storeRule(world, { security_group_id: group['id'], direction: 'ingress', ethertype, remote_group_id: group['id'], description: null });
  return group;
}

/** A new group, born with the two rules that let everything out. */
export function makeGroup(world: World, given: Shown): Shown {
  const now = stamp();
  const group: Shown = {
    id: randomUUID(),
    name: given['name'],
    stateful: given['stateful'] ?? true,
    tenant_id: world.projectId,
    description: given['description'] ?? '',
    shared: false,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
    project_id: world.projectId,
  };
  world.groups.set(group['id'], group);
  for (const ethertype of ['IPv4', 'IPv6']) storeRule(world, { security_group_id: group['id'], direction: 'egress', ethertype, description: null });
  return group;
}

function storeRule(world: World, given: Shown): Shown {
  const now = stamp();
  world.counter += 1;
  const rule: Shown = {
    id: randomUUID(),
    tenant_id: world.projectId,
    security_group_id: given['security_group_id'],
    ethertype: given['ethertype'],
    direction: given['direction'],
    protocol: given['protocol'] ?? null,
    port_range_min: given['port_range_min'] ?? null,
    port_range_max: given['port_range_max'] ?? null,
    remote_ip_prefix: given['remote_ip_prefix'] ?? null,
    remote_address_group_id: null,
    normalized_cidr: given['remote_ip_prefix'] ? parseCidr(given['remote_ip_prefix'])!.text : null,
    remote_group_id: given['remote_group_id'] ?? null,
    standard_attr_id: world.counter,
    description: given['description'],
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 0,
    project_id: world.projectId,
  };
  world.rules.set(rule['id'], rule);
  return rule;
}

/** Rules inside a group show two attributes more than rules on their own. */
export function showRule(rule: Shown): Shown {
  const { standard_attr_id: _id, tags: _tags, ...shown } = rule;
  return shown;
}

export function showGroup(world: World, group: Shown): Shown {
  const { tags, created_at, updated_at, revision_number, project_id, ...head } = group;
  const rules = [...world.rules.values()].filter((rule) => rule['security_group_id'] === group['id']).sort((a, b) => (a['id'] < b['id'] ? -1 : 1));
  return { ...head, security_group_rules: rules, tags, created_at, updated_at, revision_number, project_id };
}

function protocolNumber(protocol: string | null): number | null {
  if (protocol === null || protocol === '' || protocol === 'any') return null;
  return /^\d+$/.test(protocol) ? Number(protocol) : PROTOCOLS[protocol]!;
}

export function makeRule(world: World, given: Shown): Shown {
  const protocol: string | null = given['protocol'] === null || given['protocol'] === '' ? null : String(given['protocol']).toLowerCase();
  if (protocol !== null && !(protocol in PROTOCOLS) && !(/^\d+$/.test(protocol) && Number(protocol) <= 255)) {
    const names = Object.keys(PROTOCOLS).map((name) => `'${name}'`).join(', ');
    throw refuse(400, 'SecurityGroupRuleInvalidProtocol', `Security group rule protocol ${protocol} not supported. Only protocol values [None, ${names}] and integer representations [0 to 255] are supported.`);
  }
  const remotes = ['remote_ip_prefix', 'remote_group_id', 'remote_address_group_id'].filter((key) => given[key] !== null);
  const group = world.groups.get(given['security_group_id']);
  if (!group) throw refuse(404, 'SecurityGroupNotFound', `Security group ${given['security_group_id']} does not exist`);
  let min = given['port_range_min'] === null ? null : Number(given['port_range_min']);
  let max = given['port_range_max'] === null ? null : Number(given['port_range_max']);
  const number = protocolNumber(protocol);
  checkPorts(number, min, max);
  if (remotes.length > 1) throw refuse(400, 'SecurityGroupMultipleRemoteEntites', 'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.');
  if (given['remote_group_id'] !== null && !world.groups.has(given['remote_group_id'])) throw refuse(404, 'SecurityGroupNotFound', `Security group ${given['remote_group_id']} does not exist`);
  if (given['remote_address_group_id'] !== null) throw refuse(404, 'AddressGroupNotFound', `Address group ${given['remote_address_group_id']} could not be found.`);
  if (given['remote_ip_prefix'] !== null && `IPv${parseCidr(given['remote_ip_prefix'])!.version}` !== given['ethertype']) throw refuse(400, 'SecurityGroupRuleParameterConflict', `Conflicting value ethertype ${given['ethertype']} for CIDR ${given['remote_ip_prefix']}`);
  if ((number === 6 || number === 17) && min === 1 && max === 65_535) min = max = null;
  const wanted = { ...given, protocol, port_range_min: min, port_range_max: max };
  for (const other of world.rules.values()) if (sameRule(other, wanted)) throw refuse(409, 'SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${other['id']}.`);
  group['revision_number'] += 1;
  return storeRule(world, wanted);
}

function checkPorts(number: number | null, min: number | null, max: number | null): void {
  if (min === null && max === null) return;
  if (number === null) throw refuse(400, 'SecurityGroupProtocolRequiredWithPorts', 'Must also specify protocol if port range is given.');
  if (number === 1 || number === 58) {
    for (const [value, field] of [[min, 'type'], [max, 'code']] as const) if (value !== null && (value < 0 || value > 255)) throw refuse(400, 'SecurityGroupInvalidIcmpValue', `Invalid value for ICMP ${field} ${value}. It must be 0 to 255.`);
    if (min === null) throw refuse(400, 'SecurityGroupMissingIcmpType', `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`);
    return;
  }
  if (min === null || max === null || min > max) throw refuse(400, 'SecurityGroupInvalidPortRange', 'For TCP/UDP protocols, port_range_min must be <= port_range_max');
  if (min < 0 || max > 65_535) throw badRequest(`Invalid input for port_range_max. Reason: Invalid port '${max}'.`);
}

/** Neutron takes no prefix and the prefix of everything for the same. */
function sameRule(a: Shown, b: Shown): boolean {
  const everything = (prefix: string | null): string | null => (prefix === null || prefix === '0.0.0.0/0' || prefix === '::/0' ? null : parseCidr(prefix)!.text);
  return (
    ['security_group_id', 'direction', 'ethertype', 'port_range_min', 'port_range_max', 'remote_group_id'].every((key) => (a[key] ?? null) === (b[key] ?? null)) &&
    protocolNumber(a['protocol']) === protocolNumber(b['protocol']) &&
    everything(a['remote_ip_prefix']) === everything(b['remote_ip_prefix'])
  );
}
