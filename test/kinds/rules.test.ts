import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRules, ruleKey, type Rule } from '../../src/kinds/security-group.ts';

const rule = (given: Partial<Rule> = {}): Rule => ({ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 22, port_range_max: 22, ...given });

const anyRule: fc.Arbitrary<Rule> = fc.record({
  direction: fc.constantFrom('ingress', 'egress'),
  ethertype: fc.constantFrom('IPv4', 'IPv6'),
  protocol: fc.constantFrom(null, 'tcp', '6', 'udp', 'icmp', '1', 'ipv6-icmp', 'any', '0', '47'),
  port_range_min: fc.constantFrom(null, -1, 1, 22),
  port_range_max: fc.constantFrom(null, -1, 80, 65535),
  remote_ip_prefix: fc.constantFrom(null, '0.0.0.0/0', '10.0.0.0/8', '192.0.2.7', '192.0.2.7/32', '2001:DB8::/32'),
  remote_group_id: fc.constantFrom(null, 'web', 'db'),
  remote_address_group_id: fc.constantFrom(null, null, null, 'addresses'),
  description: fc.constantFrom(null, '', 'why'),
});

describe('two rules are the same', () => {
  test.each<[string, Partial<Rule>, Partial<Rule>]>([
    ['protocol by name or number', { protocol: 'tcp' }, { protocol: '6' }],
    ['protocol any, null, missing', { protocol: 'any' }, { protocol: null }],
    ['ICMP on IPv6 by either name', { ethertype: 'IPv6', protocol: 'icmp' }, { ethertype: 'IPv6', protocol: 'ipv6-icmp' }],
    ['port -1 and null', { protocol: 'icmp', port_range_min: -1, port_range_max: -1 }, { protocol: 'icmp', port_range_min: null, port_range_max: null }],
    ['the whole range of ports and null', { port_range_min: 1, port_range_max: 65535 }, { port_range_min: null, port_range_max: null }],
    ['one address with and without its length', { remote_ip_prefix: '192.0.2.7' }, { remote_ip_prefix: '192.0.2.7/32' }],
    ['whatever they are called', { description: 'a' }, { description: 'b' }],
  ])('%s', (_, a, b) => expect(ruleKey(rule(a))).toBe(ruleKey(rule(b))));

  test.each<[string, Partial<Rule>, Partial<Rule>]>([
    ['no prefix is not 0.0.0.0/0', { remote_ip_prefix: null }, { remote_ip_prefix: '0.0.0.0/0' }],
    ['a remote group', { remote_group_id: 'web' }, {}],
    ['another remote group', { remote_group_id: 'web' }, { remote_group_id: 'db' }],
    ['an address group', { remote_address_group_id: 'few' }, {}],
    ['the other direction', { direction: 'egress' }, {}],
    ['the other protocol version', { ethertype: 'IPv6' }, {}],
    ['ICMP type 0 is not any type', { protocol: 'icmp', port_range_min: 0 }, { protocol: 'icmp', port_range_min: null }],
  ])('but not: %s', (_, a, b) => expect(ruleKey(rule(a))).not.toBe(ruleKey(rule(b))));
});

describe('the difference of two sets of rules', () => {
  test('applied to the existing rules gives exactly the wanted set', () => {
    fc.assert(
      fc.property(fc.array(anyRule), fc.array(anyRule), (wanted, existing) => {
        const { add, remove } = compareRules(wanted, existing);
        const after = [...existing.filter((rule) => !remove.includes(rule)), ...add];
        expect(new Set(after.map(ruleKey))).toEqual(new Set(wanted.map(ruleKey)));
        expect(after).toHaveLength(new Set(after.map(ruleKey)).size);
        expect(compareRules(wanted, after)).toEqual({ add: [], remove: [] });
      }),
    );
  });

  test('adds nothing that is not wanted, and removes nothing that is, but for its description', () => {
    fc.assert(
      fc.property(fc.array(anyRule), fc.array(anyRule), (wanted, existing) => {
        const { add, remove } = compareRules(wanted, existing);
        for (const rule of add) expect(wanted).toContain(rule);
        for (const rule of remove) expect(existing).toContain(rule);
        const sameWords = wanted.map((rule) => ({ ...rule, description: null }));
        const unique = [...new Map(sameWords.map((rule) => [ruleKey(rule), rule])).values()];
        expect(compareRules(sameWords, unique)).toEqual({ add: [], remove: [] });
      }),
    );
  });

  test('a rule whose description alone differs is made anew', () => {
    const [a, b] = [rule({ description: 'ssh' }), rule({ description: '' })];
    expect(compareRules([a], [b])).toEqual({ add: [a], remove: [b] });
    expect(compareRules([rule({ description: null })], [b])).toEqual({ add: [], remove: [] });
  });
});
