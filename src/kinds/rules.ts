/** Security group rules as sets: when two are the same, and what makes one set of another. Pure. */

/** A rule as Neutron tells it and as a document has it. Missing and null mean: not limited by this. */
export interface Rule {
  direction: string;
  ethertype?: string | null;
  /** Name or number. */
  protocol?: string | number | null;
  /** First and last port, or ICMP type and code. */
  port_range_min?: number | null;
  port_range_max?: number | null;
  remote_ip_prefix?: string | null;
  remote_group_id?: string | null;
  remote_address_group_id?: string | null;
  description?: string | null;
}

/** IANA's numbers of the names that Neutron knows. */
const numbers: Record<string, number> = {
  icmp: 1, igmp: 2, ipip: 4, tcp: 6, egp: 8, udp: 17, dccp: 33, 'ipv6-encap': 41, 'ipv6-route': 43, 'ipv6-frag': 44, rsvp: 46, gre: 47, esp: 50,
  ah: 51, icmpv6: 58, 'ipv6-icmp': 58, 'ipv6-nonxt': 59, 'ipv6-opts': 60, ospf: 89, vrrp: 112, pgm: 113, sctp: 132, udplite: 136,
};

function protocolNumber(protocol: Rule['protocol'], ethertype: string): string {
  const name = String(protocol ?? '').toLowerCase();
  if (name === '' || name === 'any' || name === '0') return '';
  // On IPv6 Neutron takes `icmp` for ICMPv6.
  if (ethertype === 'ipv6' && (name === 'icmp' || name === '1')) return '58';
  return String(numbers[name] ?? name);
}

/**
 * First and last port (or ICMP type and code); null where any will do. Newer Neutrons answer null for the whole range of
 * ports, older ones the range.
 */
export function portRange(rule: Rule): [number | null, number | null] {
  const [first, last] = [rule.port_range_min, rule.port_range_max].map((value) => (value === undefined || value === -1 ? null : value)) as [number | null, number | null];
  return first === 1 && last === 65535 ? [null, null] : [first, last];
}

function prefix(value: string | null | undefined): string {
  if (!value) return '';
  return (value.includes('/') ? value : `${value}/${value.includes(':') ? 128 : 32}`).toLowerCase();
}

/**
 * What a rule lets through, as one string: equal for rules that differ in wording alone (`tcp` and `6`, null and -1).
 * No prefix and 0.0.0.0/0 stay two things, as they are to the cloud.
 */
export function ruleKey(rule: Rule): string {
  const ethertype = (rule.ethertype ?? 'IPv4').toLowerCase();
  return [
    rule.direction, ethertype, protocolNumber(rule.protocol, ethertype), ...portRange(rule).map((port) => port ?? ''),
    prefix(rule.remote_ip_prefix), rule.remote_group_id ?? '', rule.remote_address_group_id ?? '',
  ].join(' ');
}

/**
 * What to add to the existing rules, and which of them to remove first, for exactly the wanted set to be there. A rule
 * that differs in its description alone is made anew: Neutron can't change one.
 */
export function compareRules<W extends Rule, E extends Rule>(wanted: readonly W[], existing: readonly E[]): { add: W[]; remove: E[] } {
  const missing = new Map(wanted.map((rule) => [ruleKey(rule), rule]));
  const remove = existing.filter((rule) => {
    const key = ruleKey(rule);
    const same = missing.get(key);
    if (same === undefined || (same.description ?? '') !== (rule.description ?? '')) return true;
    missing.delete(key);
    return false;
  });
  return { add: [...missing.values()], remove };
}
