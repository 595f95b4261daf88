import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffRules } from '../../src/kinds/index.ts';
import { diffDocuments } from '../../src/tenant/diff.ts';
import { matchDocuments } from '../../src/tenant/match.ts';
import { document, elsewhere, ids, tcp, tenants } from './tenants.ts';

const network = (key: string, name: string) => document('network', key, { name });
const subnet = (key: string, net: string, cidr: string) => document('subnet', key, { name: '', network_id: ids('network', net)[0]!, cidr });
const port = (key: string, net: string, mac: string) => document('port', key, { name: '', network_id: ids('network', net)[0]!, mac_address: mac, fixed_ips: [], security_groups: [] });

describe('two tenants are matched', () => {
  test('whatever their ids and order are: a tenant told by another cloud is itself, without a difference', () => {
    fc.assert(
      fc.property(tenants, fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (here, order) => {
        const there = elsewhere(here, order);
        expect(diffDocuments({ documents: here }, { documents: there.documents }, diffRules)).toEqual([]);
        expect(matchDocuments(here, there.documents, diffRules).size).toBe(here.length);
      }),
      { numRuns: 120 },
    );
  });

  test('each document once, whatever the two tenants are', () => {
    fc.assert(
      fc.property(tenants, tenants, fc.array(fc.nat(), { minLength: 1 }), (here, other, order) => {
        const there = elsewhere(other, order).documents;
        const pairs = matchDocuments(here, there, diffRules);
        expect(new Set(pairs.values()).size).toBe(pairs.size);
        const kinds = new Map([...here, ...there].map(({ id, kind }) => [id, kind]));
        for (const [a, b] of pairs) expect(kinds.get(a)).toBe(kinds.get(b));
      }),
      { numRuns: 60 },
    );
  });

  test('two networks of one name by the subnets that refer to them', () => {
    const left = [network('1', 'lan'), network('2', 'lan'), subnet('1', '1', '10.1.0.0/24'), subnet('2', '2', '10.2.0.0/24')];
    const right = [network('b', 'lan'), network('a', 'lan'), subnet('x', 'a', '10.1.0.0/24'), subnet('y', 'b', '10.2.0.0/24')];
    expect(matchDocuments(left, right)).toEqual(new Map([...ids('network', '1', '2'), ...ids('subnet', '1', '2')].map((id, at) => [id, [...ids('network', 'a', 'b'), ...ids('subnet', 'x', 'y')][at]])));
  });

  test('ports without names by their addresses', () => {
    const left = [network('1', ''), port('p', '1', 'fa:16:3e:00:00:01'), port('q', '1', 'fa:16:3e:00:00:02')];
    const right = [network('a', ''), port('s', 'a', 'fa:16:3e:00:00:02'), port('r', 'a', 'fa:16:3e:00:00:01')];
    const pairs = matchDocuments(left, right);
    expect(ids('port', 'p', 'q').map((id) => pairs.get(id))).toEqual(ids('port', 'r', 's'));
  });

  test('twins with what hangs on them: the subnet of one network never goes with the other', () => {
    const left = [network('1', 'lan'), network('2', 'lan'), subnet('1', '1', '10.1.0.0/24'), subnet('2', '2', '10.1.0.0/24')];
    const right = [network('a', 'lan'), network('b', 'lan'), subnet('y', 'b', '10.1.0.0/24'), subnet('x', 'a', '10.1.0.0/24')];
    expect(diffDocuments({ documents: left }, { documents: right }, diffRules)).toEqual([]);
  });

  test('a group that lets in its own members is not one that lets in its neighbour\'s', () => {
    const group = (key: string, remote: string) => document('security-group', key, { name: 'g', rules: [tcp(22, { remote_group_id: ids('security-group', remote)[0]! })] });
    const left = [group('1', '1'), group('2', '3'), group('3', '2')];
    const right = [group('a', 'b'), group('b', 'a'), group('c', 'c')];
    expect(matchDocuments(left, right).get(ids('security-group', '1')[0]!)).toBe(ids('security-group', 'c')[0]);
  });

  test('by their name alone where all else has changed, in any script', () => {
    const [left, right] = [document('volume', '1', { name: 'données 三', size: 1 }), document('volume', 'a', { name: 'données 三', size: 9 })];
    expect(matchDocuments([left], [document('volume', 'b', { name: 'donnees', size: 1 }), right]).get(left.id)).toBe(right.id);
  });

  test('as told beforehand, first of all; and by the same id, unless that tells nothing', () => {
    const [a, b] = [network('1', 'lan'), network('2', 'lan')];
    expect(matchDocuments([a], [a, b]).get(a.id)).toBe(a.id);
    expect(matchDocuments([a], [a, b], { given: new Map([[a.id, b.id]]) }).get(a.id)).toBe(b.id);
    expect(matchDocuments([a], [{ ...a, name: 'x', params: { name: 'x' } }, b], { sameIds: false }).get(a.id)).toBe(b.id);
  });

  test('hundreds of equal volumes in a moment', () => {
    const many = (seed: string) => Array.from({ length: 400 }, (_, at) => document('volume', `${seed}${at}`, { name: 'data', size: 1 }));
    const started = performance.now();
    expect(matchDocuments(many('a'), many('b')).size).toBe(400);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
