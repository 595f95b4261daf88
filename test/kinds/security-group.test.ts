import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRules, ruleKey, securityGroup, type Rule } from '../../src/kinds/security-group.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { allExtensions, documentOf, documentsOf, neutron, plainDocument, recordedCloud, refusal, work } from './neutron-stub.ts';

const egress = (ethertype: string) => ({ direction: 'egress', ethertype, protocol: null, port_range_min: null, port_range_max: null, remote_ip_prefix: null });

/** A Neutron with one group, born with the rules that Neutron gives it. */
function withGroup(born: Rule[] = [egress('IPv4'), egress('IPv6')], aliases?: readonly string[]) {
  let rules = born.map((rule, at) => ({ ...rule, id: `born-${at}` }));
  let next = 0;
  const cloud = neutron(({ method, path, body }) => {
    if (method === 'POST' && path === '/security-groups') return { security_group: { id: 'made', ...body.security_group, security_group_rules: rules } };
    if (method === 'POST' && path === '/security-group-rules') {
      const rule = { ...body.security_group_rule, id: `rule-${next++}` };
      if (rules.some((there) => ruleKey(there) === ruleKey(rule))) throw refusal(409, 'conflict', 'Security group rule already exists');
      rules.push(rule);
      return { security_group_rule: rule };
    }
    if (method === 'DELETE') rules = rules.filter(({ id }) => path !== `/security-group-rules/${id}`);
    return { security_group: { id: 'made', security_group_rules: rules } };
  }, aliases);
  return { cloud, rules: () => rules as Rule[] };
}

/** A document and its params as an importer hands them over: references to groups replaced. */
function job(cloud: Parameters<typeof work>[0], rules: Rule[], info = {}) {
  const document = plainDocument('security-group', { name: 'g', rules: rules.map((rule) => (rule.remote_group_id ? { ...rule, remote_group_id: documentId('security-group', rule.remote_group_id) } : rule)) }, info);
  return work(cloud, document, { name: 'g', rules });
}

const paramsOf = (rules: object[]) => documentOf(securityGroup, { id: 'g', name: 'g', security_group_rules: rules }).params;

const anyRules = fc.uniqueArray(
  fc.record({
    direction: fc.constantFrom('ingress', 'egress'),
    ethertype: fc.constantFrom('IPv4', 'IPv6'),
    protocol: fc.constantFrom(null, 'tcp', 'udp', '47'),
    port_range_min: fc.constantFrom(null, 22, 80),
    port_range_max: fc.constant(80),
    remote_ip_prefix: fc.constantFrom(null, '0.0.0.0/0', '10.0.0.0/8'),
    remote_group_id: fc.constantFrom(undefined, 'web', 'db'),
    description: fc.constantFrom(undefined, 'why'),
  }),
  { selector: ruleKey },
);

describe('a security group', () => {
  test('of a recorded cloud is described with its rules, references to groups included', async () => {
    const documents = await documentsOf(securityGroup, recordedCloud());
    expect(documents.map(({ name }) => name)).toEqual(['default', 'db', 'web']);
    const [standard, db, web] = documents;
    expect(db!.refs).toEqual({ '/rules/2/remote_group_id': 'security-group' });
    expect(db!.params).toEqual({
      name: 'db',
      description: 'mysql, from members of web only',
      stateful: true,
      rules: [
        egress('IPv4'),
        egress('IPv6'),
        { direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 3306, port_range_max: 3306, remote_ip_prefix: null, remote_group_id: web!.id, description: 'mysql' },
      ],
      tags: [],
    });
    expect((standard!.params.rules as any[]).filter((rule) => rule.remote_group_id === standard!.id)).toHaveLength(2);
    expect((web!.params.rules as any[]).filter(({ direction }) => direction === 'ingress').map(({ protocol, port_range_min, remote_ip_prefix }) => [protocol, port_range_min, remote_ip_prefix])).toEqual([
      ['icmp', null, '0.0.0.0/0'],
      ['tcp', 22, '0.0.0.0/0'],
      ['tcp', 80, '0.0.0.0/0'],
    ]);
  });

  test('has the same document whatever the order in which its rules are told', () => {
    fc.assert(
      fc.property(
        anyRules.chain((rules) => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length }))),
        ([rules, shuffled]) => {
          expect(paramsOf(shuffled)).toEqual(paramsOf(rules));
        },
      ),
    );
  });

  test('with a rule for an address group is described without that rule, which is told apart', async () => {
    const document = documentOf(securityGroup, { id: 'g', name: 'g', security_group_rules: [{ id: 'r', direction: 'ingress', ethertype: 'IPv4', remote_address_group_id: 'few' }] });
    expect(document.params.rules).toEqual([]);
    expect(document.info.unsupported_rules).toMatchObject([{ direction: 'ingress', remote_address_group_id: 'few' }]);
    const { cloud, rules } = withGroup();
    await securityGroup.complete!.run(job(cloud, [], document.info));
    expect(rules()).toEqual([]);
    expect(securityGroup.unknown!(document)).toMatchObject([{ attribute: 'rules', verdict: 'lost', reason: expect.stringContaining('1 rule(s)') }]);
  });

  test('is made without rules of its own; the second step gives it exactly its document\'s, whatever it was born with', async () => {
    await fc.assert(
      fc.asyncProperty(anyRules, anyRules, async (wanted, born) => {
        const { cloud, rules } = withGroup(born);
        const making = job(cloud, wanted);
        expect(await securityGroup.create!(making)).toBe('made');
        expect(cloud.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
        await securityGroup.complete!.run(making);
        expect(new Set(rules().map(ruleKey))).toEqual(new Set(wanted.map(ruleKey)));
        expect(compareRules(wanted, rules())).toEqual({ add: [], remove: [] });
      }),
      { numRuns: 50 },
    );
  });

  test('that is right already is not touched', async () => {
    const { cloud } = withGroup();
    await securityGroup.update!(job(cloud, [egress('IPv6'), egress('IPv4')]));
    expect(cloud.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('loses what is too much before it gets what is missing', async () => {
    const { cloud } = withGroup();
    await securityGroup.complete!.run(job(cloud, [{ ...egress('IPv4'), remote_ip_prefix: '0.0.0.0/0' }]));
    expect(cloud.calls.filter(({ method }) => method !== 'GET').map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'POST']);
  });

  test('that does not become what was asked for is an error', async () => {
    const cloud = neutron(({ method }) => (method === 'POST' ? { security_group_rule: { id: 'r' } } : { security_group: { id: 'made', security_group_rules: [] } }));
    await expect(securityGroup.complete!.run(job(cloud, [egress('IPv4')]))).rejects.toMatchObject({ code: 'cloud', message: expect.stringContaining('missing: egress ipv4') });
  });

  test('on a cloud whose rules have no descriptions gets its rules without', async () => {
    const { cloud, rules } = withGroup([], allExtensions.filter((alias) => alias !== 'standard-attr-description'));
    await securityGroup.complete!.run(job(cloud, [{ ...egress('IPv4'), description: 'out' }]));
    expect(rules()).toEqual([{ direction: 'egress', ethertype: 'IPv4', security_group_id: 'made', id: 'rule-0' }]);
  });

  test('named default can\'t be created', async () => {
    const { cloud } = withGroup();
    await expect(securityGroup.create!(work(cloud, plainDocument('security-group', { name: 'default' }), { name: 'default' }))).rejects.toMatchObject({ code: 'conflict' });
    expect(cloud.calls).toEqual([]);
  });
});

describe('an import never widens access', () => {
  const fromWeb = { direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 3306, port_range_max: 3306, remote_ip_prefix: null, remote_group_id: documentId('security-group', 'web') };
  const document = plainDocument('security-group', { name: 'db', rules: [fromWeb] });

  test.each<[string, unknown]>([
    ['null', null],
    ['missing', undefined],
    ['empty', ''],
    ['still the bundle\'s own id', fromWeb.remote_group_id],
  ])('a rule whose remote group is %s is never made: the group is refused', async (_, remote) => {
    const { cloud, rules } = withGroup([]);
    await expect(securityGroup.complete!.run(work(cloud, document, { name: 'db', rules: [{ ...fromWeb, remote_group_id: remote }] }))).rejects.toThrow(/refers to is not there/);
    expect(rules()).toEqual([]);
    expect(cloud.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('a rule limited by something this version does not know is left out, and said so', async () => {
    const { cloud, rules } = withGroup([]);
    const limited = { ...egress('IPv4'), remote_moon_phase: 'full' };
    const restoring = job(cloud, [limited]);
    await securityGroup.complete!.run(restoring);
    expect(rules()).toEqual([]);
    expect(restoring.warnings).toEqual([expect.stringContaining('remote_moon_phase')]);
  });

  test('whichever references are lost, no rule is made that the document does not have', async () => {
    await fc.assert(
      fc.asyncProperty(anyRules, fc.func(fc.boolean()), async (original, lost) => {
        const { cloud, rules } = withGroup([]);
        const broken = job(cloud, original);
        broken.params.rules = original.map((rule) => (rule.remote_group_id && lost(rule) ? { ...rule, remote_group_id: null } : rule));
        await securityGroup.complete!.run(broken).catch(() => {});
        const permitted = new Set(original.map(ruleKey));
        for (const rule of rules()) expect(permitted).toContain(ruleKey(rule));
      }),
      { numRuns: 50 },
    );
  });
});
