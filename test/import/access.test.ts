import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ruleKey, type Rule } from '../../src/kinds/rules.ts';
import type { Plan } from '../../src/import/types.ts';
import type { Document } from '../../src/tenant/document.ts';
import { document, gone, idOf, tcp, tenants } from '../tenant/tenants.ts';
import { actionFor, cloudsOwn, inventoryOf, mappingOf, plan } from './kit.ts';

interface Port {
  open: boolean;
  groups: string[];
}

/**
 * What may pass each port, in the bundle's words: a rule's own limits, and for a remote group the ports that are in it.
 * An open port lets everything through.
 */
function access(ports: ReadonlyMap<string, Port>, rules: ReadonlyMap<string, Rule[]>): Map<string, Set<string>> {
  const members = (group: string) => [...ports].filter(([, port]) => port.groups.includes(group)).map(([id]) => id);
  return new Map([...ports].map(([id, port]) => [id, new Set(port.open ? ['everything'] : port.groups.flatMap((group) => (rules.get(group) ?? []).flatMap((rule) => passes(rule, members))))]));
}

function passes(rule: Rule, members: (group: string) => string[]): string[] {
  const { remote_group_id, ...rest } = rule;
  return remote_group_id ? members(remote_group_id).map((member) => `${ruleKey(rest)} ${member}`) : [`${ruleKey(rest)} anybody`];
}

const portOf = (params: Document['params']): Port => ({ open: params.port_security_enabled === false, groups: (params.security_groups ?? []) as string[] });
const rulesOf = (params: Document['params']) => (params.rules ?? []) as unknown as Rule[];

const inBundle = (documents: Document[]) =>
  access(new Map(documents.flatMap(({ kind, id, params }) => (kind === 'port' ? [[id, portOf(params)] as const] : []))), new Map(documents.flatMap(({ kind, id, params }) => (kind === 'security-group' ? [[id, rulesOf(params)] as const] : []))));

const onTarget = ({ actions }: Plan) => {
  const made = actions.filter(({ params }) => params !== undefined);
  return access(new Map(made.flatMap(({ kind, id, params }) => (kind === 'port' ? [[id, portOf(params!)] as const] : []))), new Map(made.flatMap(({ kind, id, params }) => (kind === 'security-group' ? [[id, rulesOf(params!)] as const] : []))));
};

/** The project's `default` is made exactly the bundle's; where the bundle has none nothing is in it. */
describe('an import never widens access', () => {
  test('whatever is missing from the bundle, and whatever part of it is taken', () => {
    let rules = 0;
    fc.assert(
      fc.property(tenants, fc.array(fc.nat(99), { maxLength: 4 }), fc.option(fc.constantFrom('server', 'port', 'router', 'floating-ip')), fc.constantFrom('exact' as const, 'separate' as const), (tenant, holes, kind, group) => {
        const missing = new Set(holes.map((hole) => tenant[hole % tenant.length]!).filter((each) => each.kind !== 'flavor').map(({ id }) => id));
        const documents = tenant.map((each) => (missing.has(each.id) ? { ...gone(each.kind, '', each.name), id: each.id } : each));
        const only = kind !== null && documents.some((each) => each.kind === kind) ? [kind] : undefined;
        const [before, after] = [inBundle(tenant), onTarget(plan(documents, { mapping: mappingOf({ default_security_group: group }), ...(only && { only }) }))];
        for (const [port, passing] of after) {
          for (const each of passing) expect(before.get(port)).toContain(each);
          rules += passing.size;
        }
      }),
      { numRuns: 300 },
    );
    // It was not all cut away.
    expect(rules).toBeGreaterThan(100);
  });

  test('what reaches a port is what reached it, when nothing is missing', () => {
    fc.assert(
      fc.property(tenants, (tenant) => {
        expect(onTarget(plan(tenant))).toEqual(inBundle(tenant));
      }),
      { numRuns: 100 },
    );
  });

  const web = document('security-group', 'web', { name: 'web', rules: [tcp(80)] });
  const db = document('security-group', 'db', { name: 'db', rules: [tcp(3306, { remote_group_id: web.id }), tcp(22, { remote_ip_prefix: '10.0.0.0/8' })] });
  const net = document('network', 'net', { name: 'net' });
  const port = (groups: string[], more = {}) => document('port', 'p', { name: 'p', network_id: net.id, fixed_ips: [], security_groups: groups, ...more });

  test('a rule goes as a whole with its remote group', () => {
    const made = plan([gone('security-group', 'web', 'web'), db]);
    expect(actionFor(made, 'security-group', 'db').params!.rules).toEqual([tcp(22, { remote_ip_prefix: '10.0.0.0/8' })]);
    expect(made.fidelity).toContainEqual(expect.objectContaining({ name: 'db', attribute: 'rules/0/remote_group_id', verdict: 'lost' }));
  });

  test('so it does where the bundle has not even a word of that group', () => {
    expect(actionFor(plan([db]), 'security-group', 'db').params!.rules).toEqual([tcp(22, { remote_ip_prefix: '10.0.0.0/8' })]);
  });

  test('a port that loses its last group has none, said as an empty list, and keeps its port security', () => {
    const made = plan([net, gone('security-group', 'web', 'web'), port([web.id], { port_security_enabled: true })]);
    expect(actionFor(made, 'port', 'p').params).toMatchObject({ security_groups: [], port_security_enabled: true });
  });

  test('another project\'s group default is never taken for our own', () => {
    const ours = document('security-group', 'ours', { name: 'default', rules: [] });
    const theirs = document('security-group', 'foreign', { name: 'default', rules: [] }, { foreign: true });
    const guarded = document('security-group', 'guarded', { name: 'guarded', rules: [tcp(22, { remote_group_id: theirs.id })] });
    const made = plan([ours, theirs, guarded]);
    const standard = made.actions.filter(({ target }) => target?.name === 'default');
    expect(standard.map(({ id }) => id)).toEqual([ours.id]);
    expect(made.actions.find(({ id }) => id === theirs.id)).toMatchObject({ action: 'create', params: { name: 'default (of another project)' } });
  });

  test('a group of the target\'s is not reused when it lets more through', () => {
    const wider = document('security-group', 'there', { name: 'web', rules: [tcp(80), tcp(22)] });
    const made = plan([web], { inventory: inventoryOf([...cloudsOwn(), wider]) });
    expect(actionFor(made, 'security-group', 'web').action).toBe('create');
    expect(made.warnings).toEqual([expect.stringContaining('differs (rules)')]);
  });

  test('a group of the target\'s is not reused when its remote group is another one', () => {
    const there = [document('security-group', 'w2', { name: 'web', rules: [tcp(80), tcp(443)] })];
    there.push(document('security-group', 'd2', { name: 'db', rules: [tcp(3306, { remote_group_id: there[0]!.id }), tcp(22, { remote_ip_prefix: '10.0.0.0/8' })] }));
    const made = plan([web, db], { inventory: inventoryOf([...cloudsOwn(), ...there]) });
    expect(made.actions.filter(({ kind }) => kind === 'security-group').map(({ action }) => action)).toEqual(['create', 'create']);
    expect(idOf('security-group', 'web')).toBe(web.id);
  });
});
