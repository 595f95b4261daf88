import { BaluchonError, isError } from '../errors.ts';
import schema from '../../schemas/port.json' with { type: 'json' };
import type { CreateWork, Kind } from './kind.ts';
import { accepted, create, described, noQos, notes, own, path, sorted, tag, warn, type Resource } from './neutron.ts';
import { isAutomatic } from './subnet.ts';

export interface RawPort extends Resource {
  network_id: string;
  device_id?: string;
  device_owner?: string;
  mac_address?: string;
  admin_state_up?: boolean;
  fixed_ips?: { subnet_id: string; ip_address: string }[];
  security_groups?: string[];
  allowed_address_pairs?: { ip_address: string; mac_address?: string }[];
  port_security_enabled?: boolean;
  dns_name?: string | null;
  extra_dhcp_opts?: { opt_name: string; opt_value: string; ip_version?: number }[];
  'binding:vnic_type'?: string;
  /** Ours: those of `fixed_ips` whose subnet is another project's. */
  foreign_subnets?: string[];
}

/** Whether a port is one that people make: for a server, or to hold an address. The others are their service's own. */
export function isPlainPort(owner: string | undefined): boolean {
  return !owner || owner.startsWith('compute:');
}

export const port: Kind<RawPort> = {
  name: 'port',
  schema,
  refs: { '/network_id': 'network', '/fixed_ips/*/subnet_id': 'subnet', '/security_groups/*': 'security-group' },
  async *list(cloud) {
    const subnets = new Set<string>();
    for await (const { id } of own(cloud, 'subnet')) subnets.add(id);
    for await (const raw of own<RawPort>(cloud, 'port')) {
      const foreign = (raw.fixed_ips ?? []).map(({ subnet_id }) => subnet_id).filter((id) => !subnets.has(id));
      if (isPlainPort(raw.device_owner)) yield foreign.length > 0 ? { ...raw, foreign_subnets: foreign } : raw;
    }
  },
  key: ({ id }) => id,
  toDocument: (raw, ref) =>
    described(
      raw,
      {
        name: raw.name ?? '',
        description: raw.description ?? undefined,
        network_id: ref('network', raw.network_id),
        // Another project's subnet may not even be visible: there the address alone says where it belongs.
        fixed_ips: (raw.fixed_ips ?? []).map(({ subnet_id, ip_address }) => (raw.foreign_subnets?.includes(subnet_id) ? { ip_address } : { subnet_id: ref('subnet', subnet_id), ip_address })),
        mac_address: raw.mac_address,
        admin_state_up: raw.admin_state_up,
        security_groups: sorted(raw.security_groups?.map((id) => ref('security-group', id))),
        // Neutron fills in the port's own MAC, and would keep it when that becomes another one.
        allowed_address_pairs: sorted(
          raw.allowed_address_pairs?.map(({ ip_address, mac_address }) => (!mac_address || mac_address === raw.mac_address ? { ip_address } : { ip_address, mac_address })),
          (pair) => `${pair.ip_address} ${pair.mac_address ?? ''}`,
        ),
        port_security_enabled: raw.port_security_enabled,
        dns_name: raw.dns_name || undefined,
        extra_dhcp_opts: sorted(raw.extra_dhcp_opts, ({ opt_name, ip_version }) => `${opt_name} ${ip_version ?? 4}`),
        'binding:vnic_type': raw['binding:vnic_type'] === 'normal' ? undefined : raw['binding:vnic_type'],
        tags: sorted(raw.tags),
      },
      ['foreign_subnets'],
    ),
  unknown: ({ info }) =>
    notes({
      qos_policy_id: noQos(info),
      trunk_details: Boolean(info.trunk_details) && ['lost', 'trunks and their subports are not carried along'],
    }),
  async create(work) {
    const made = await createOwnWay(work);
    await refuseWider(work, made);
    await tag(work, 'port', made.id);
    return made.id;
  },
};

/** What only the network's owner may choose, in the order in which it is given up where the cloud refuses. */
const ownersChoice = ['mac_address', 'fixed_ips', 'allowed_address_pairs', 'port_security_enabled', 'binding:vnic_type'];

async function createOwnWay(work: CreateWork): Promise<RawPort> {
  const p = work.params;
  const on = work.documents.get(work.document.params.network_id as string);
  const foreign = on?.params.external === true || on?.params.shared === true;
  const attributes: Record<string, unknown> = await accepted(work, {
    name: p.name,
    description: p.description,
    network_id: p.network_id,
    fixed_ips: fixedIps(work),
    mac_address: p.mac_address,
    admin_state_up: p.admin_state_up,
    allowed_address_pairs: p.allowed_address_pairs,
    port_security_enabled: p.port_security_enabled,
    dns_name: p.dns_name,
    extra_dhcp_opts: p.extra_dhcp_opts,
    'binding:vnic_type': p['binding:vnic_type'],
  });
  const givenUp: string[] = [];
  const remaining = ownersChoice.filter((name) => name in attributes);
  let first: unknown;
  for (;;) {
    try {
      const made = await create<RawPort>(work, 'port', await withGroups(work, attributes));
      if (givenUp.length > 0) warn(work, `this cloud does not let us choose ${givenUp.join(', ')} on this network: it chose`);
      return made;
    } catch (error) {
      first ??= error;
      // On another project's network a choice is refused, or its addresses are other ones, or taken.
      const refused = isError(error, 'forbidden') || (foreign && isError(error, 'cloud', 'conflict') && (error.status === 400 || error.status === 409));
      const next = refused ? remaining.shift() : undefined;
      if (next === undefined) throw first;
      delete attributes[next];
      givenUp.push(next);
    }
  }
}

/** An import never widens access: a port that the cloud made less guarded than the document's is removed again. */
async function refuseWider(work: CreateWork, made: RawPort): Promise<void> {
  const { cloud, document, params } = work;
  if (params.port_security_enabled === false) return;
  const wanted = [...((params.security_groups ?? []) as string[])].sort().join();
  if (made.port_security_enabled !== false && made.security_groups && [...made.security_groups].sort().join() === wanted) return;
  await (await cloud.service('network')).delete(path('port', made.id));
  throw new BaluchonError('cloud', `port ${document.name || document.id}: this cloud does not guard it with the security groups it had`, {
    hint: 'it would have been open: it was removed again; map its network to one with port security',
  });
}

/** Exactly the document's groups: without a list Neutron adds `default`. A port without port security has none. */
async function withGroups(work: CreateWork, attributes: Record<string, unknown>): Promise<Record<string, unknown>> {
  const groups = (work.params.security_groups ?? []) as string[];
  if (attributes.port_security_enabled === false) {
    const { allowed_address_pairs: _, ...rest } = attributes;
    return rest;
  }
  return { ...attributes, ...(await accepted(work, { security_groups: groups })) };
}

type FixedIp = { subnet_id?: string; ip_address: string };

function fixedIps({ document, documents, params }: CreateWork): Partial<FixedIp>[] {
  const original = (document.params.fixed_ips ?? []) as FixedIp[];
  return ((params.fixed_ips ?? []) as FixedIp[]).map(({ subnet_id, ip_address }) => {
    const subnet = documents.get(original.find((ip) => ip.ip_address === ip_address)?.subnet_id ?? '');
    // Such an address follows from the MAC, and Neutron refuses to be told.
    if (subnet_id === undefined) return { ip_address };
    return isAutomatic(subnet?.params.ipv6_address_mode) ? { subnet_id } : { subnet_id, ip_address };
  });
}
