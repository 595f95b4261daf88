import * as fc from 'fast-check';
import { kindOf } from '../../src/kinds/index.ts';
import type { Document, JsonObject } from '../../src/tenant/document.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { findRefs, setAt, valueAt } from '../../src/tenant/refs.ts';

/** A document as an export makes it: id from `key`, references found by its kind. */
export function document(kind: string, key: string, params: JsonObject, info: JsonObject = {}): Document {
  const name = typeof params.name === 'string' ? params.name : key;
  return { kind, id: documentId(kind, key), name, params, refs: findRefs(params, kindOf(kind)?.refs ?? {}), info: { id: `cloud-${kind}-${key}`, ...info } };
}

/** Stands where a reference leads to nothing that the bundle has. */
export const gone = (kind: string, key: string, name = ''): Document => ({ kind, id: documentId(kind, key), name, params: {}, refs: {}, info: { missing: 'this user cannot see it' } });

export const ids = (kind: string, ...keys: string[]): string[] => keys.map((key) => documentId(kind, key));
export const idOf = (kind: string, key: string): string => documentId(kind, key);

export const tcp = (port: number, more: JsonObject = {}): JsonObject => ({ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: port, port_range_max: port, remote_ip_prefix: null, ...more });

/** Duplicate, empty and non-ASCII ones, and some that every JavaScript object seems to have. */
const names = fc.constantFrom('', 'web', 'web', 'base de données', '三', 'constructor', '__proto__', 'a/b~c', '$&');

/** A number that a list's length will be divided by. */
const pick = fc.nat({ max: 1000 });

const rule = fc.record({ direction: fc.constantFrom('ingress', 'egress'), port: fc.constantFrom(22, 80, 3306), remote: fc.option(pick), prefix: fc.boolean() });

export const shape = fc.record({
  networks: fc.array(names, { minLength: 1, maxLength: 3 }),
  subnets: fc.array(fc.record({ name: names, network: pick, cidr: fc.nat(2) }), { maxLength: 4 }),
  routers: fc.array(fc.record({ name: names, interfaces: fc.array(pick, { maxLength: 2 }), gateway: fc.boolean() }), { maxLength: 2 }),
  groups: fc.array(fc.record({ name: fc.oneof(names, fc.constant('default')), rules: fc.array(rule, { maxLength: 4 }) }), { minLength: 1, maxLength: 4 }),
  ports: fc.array(fc.record({ name: names, subnet: pick, groups: fc.array(pick, { maxLength: 3 }), secure: fc.boolean() }), { maxLength: 6 }),
  volumes: fc.array(fc.record({ name: names, size: fc.integer({ min: 1, max: 2 }) }), { maxLength: 4 }),
  servers: fc.array(fc.record({ name: names, ports: fc.integer({ min: 0, max: 2 }), volumes: fc.integer({ min: 0, max: 2 }), fromImage: fc.boolean() }), { maxLength: 4 }),
  addresses: fc.array(fc.option(pick), { maxLength: 3 }),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

const at = <T>(list: readonly T[], number: number): T => list[number % list.length] as T;

/** A whole tenant of that shape. Every port and volume belongs to one server at most; one group at most is `default`. */
export function tenantOf({ networks, subnets, routers, groups, ports, volumes, servers, addresses }: Shape, seed = 'a'): Document[] {
  const key = (index: number) => `${seed}${index}`;
  const external = document('network', 'external', { name: 'ext-net', external: true });
  const flavor = document('flavor', 'm1', { name: 'm1', vcpus: 1, ram: 128, disk: 1, ephemeral: 0, swap: 0, extra_specs: {} });
  const image = document('image', 'public', { name: 'tinyweb', visibility: 'public', disk_format: 'qcow2', container_format: 'bare', properties: {} }, { foreign: true });
  const nets = networks.map((name, index) => document('network', key(index), { name, admin_state_up: true }));
  const subs = subnets.map(({ name, network, cidr }, index) => document('subnet', key(index), { name, network_id: at(nets, network).id, ip_version: 4, cidr: `10.${cidr}.0.0/24`, gateway_ip: null, enable_dhcp: true }));
  const rts = routers.map(({ name, interfaces, gateway }, index) =>
    document('router', key(index), { name, ...(gateway && { gateway: { network_id: external.id } }), interfaces: subs.length === 0 ? [] : interfaces.map((each, n) => ({ subnet_id: at(subs, each).id, ip_address: `10.9.${index}.${n}` })) }));
  let standard = false;
  const sgs = groups.map(({ name, rules }, index) => {
    const label = name === 'default' && standard ? 'other' : name;
    standard ||= name === 'default';
    const made = rules.map(({ direction, port, remote, prefix }) =>
      tcp(port, { direction, ...(remote === null ? { remote_ip_prefix: prefix ? '10.0.0.0/8' : null } : { remote_group_id: documentId('security-group', key(remote % groups.length)) }) }));
    return document('security-group', key(index), { name: label, rules: ordered([...new Map(made.map((each) => [JSON.stringify(each), each])).values()]) });
  });
  const prts = subs.length === 0 ? [] : ports.map(({ name, subnet, groups: wanted, secure }, index) => {
    const sub = at(subs, subnet);
    return document('port', key(index), {
      name,
      network_id: sub.params.network_id as string,
      fixed_ips: [{ subnet_id: sub.id, ip_address: `${(sub.params.cidr as string).slice(0, -4)}${10 + index}` }],
      mac_address: `fa:16:3e:00:00:${String(index).padStart(2, '0')}`,
      security_groups: secure ? [...new Set(wanted.map((each) => at(sgs, each).id))].sort() : [],
      port_security_enabled: secure,
    });
  });
  const vols = volumes.map(({ name, size }, index) => document('volume', key(index), { name, size, description: '', volume_type: null, availability_zone: null, bootable: true, metadata: {}, image_metadata: {} }));
  const [freePorts, freeVolumes] = [[...prts], [...vols]];
  const srvs = servers.map(({ name, ports: some, volumes: more, fromImage }, index) => {
    const attached = freeVolumes.splice(0, more);
    return document('server', key(index), {
      name,
      description: '',
      flavor: flavor.id,
      image: fromImage || attached.length === 0 ? image.id : null,
      key: null,
      server_group: null,
      availability_zone: null,
      config_drive: false,
      user_data: null,
      metadata: {},
      tags: [],
      running: true,
      networks: freePorts.splice(0, some).map(({ id }) => ({ port: id, tag: null })),
      volumes: attached.map(({ id }, n) => ({ volume: id, boot_index: n === 0 && !fromImage ? 0 : null, tag: null, delete_on_termination: false })),
    });
  });
  const floating = addresses.map((port, index) =>
    document('floating-ip', key(index), { floating_network_id: external.id, ...(port !== null && prts.length > 0 ? { port_id: at(prts, port).id } : {}) }, { address: `198.51.100.${index + 1}` }));
  return [external, flavor, image, ...nets, ...subs, ...rts, ...sgs, ...prts, ...vols, ...srvs, ...floating];
}

export const tenants = shape.map((each) => tenantOf(each));

/** As an export sorts rules: by all but the remote group, whose id is another one on every cloud, then by that. */
const ordered = (rules: JsonObject[]): JsonObject[] => {
  const key = ({ remote_group_id, ...rest }: JsonObject) => JSON.stringify([rest, remote_group_id === undefined ? 0 : 1, remote_group_id]);
  return rules.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
};

/** The same tenant as another cloud would tell it: other ids, sets of references sorted by those, documents in another order. */
export function elsewhere(documents: readonly Document[], order: readonly number[]): { documents: Document[]; ids: Map<string, string> } {
  const renamed = new Map(documents.map(({ id, kind }, index) => [id, documentId(kind, `elsewhere ${at(order, index)} ${index}`)]));
  const told = documents.map((each): Document => {
    const params = structuredClone(each.params);
    for (const pointer of Object.keys(each.refs)) setAt(params, pointer, renamed.get(valueAt(params, pointer) as string) as string);
    if (Array.isArray(params.security_groups)) params.security_groups.sort();
    if (Array.isArray(params.rules)) params.rules = ordered(params.rules as JsonObject[]);
    return { ...each, id: renamed.get(each.id) as string, params, refs: findRefs(params, kindOf(each.kind)?.refs ?? {}), info: { ...each.info, id: `elsewhere-${each.info.id as string}` } };
  });
  return { documents: told.map((each, index) => [at(order, index), each] as const).sort(([a], [b]) => a - b).map(([, each]) => each), ids: renamed };
}
