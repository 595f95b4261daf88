import schema from '../../schemas/subnet.json' with { type: 'json' };
import type { CreateWork, Kind } from './kind.ts';
import { accepted, create, described, notes, one, others, own, path, sorted, tag, type Resource } from './neutron.ts';
import { sparePool, type Pool } from './spare.ts';

export interface RawSubnet extends Resource {
  network_id: string;
  ip_version: number;
  cidr: string;
  gateway_ip?: string | null;
  enable_dhcp?: boolean;
  allocation_pools?: Pool[];
  dns_nameservers?: string[];
  host_routes?: { destination: string; nexthop: string }[];
  ipv6_ra_mode?: string | null;
  ipv6_address_mode?: string | null;
  dns_publish_fixed_ip?: boolean;
}

export const subnet: Kind<RawSubnet> = {
  name: 'subnet',
  schema,
  refs: { '/network_id': 'network' },
  list: (cloud) => own(cloud, 'subnet'),
  fetch: (cloud, id) => one(cloud, 'subnet', id),
  offers: (cloud) => others(cloud, 'subnet'),
  key: ({ id }) => id,
  toDocument: (raw, ref) =>
    described(
      raw,
      {
        name: raw.name ?? '',
        description: raw.description ?? undefined,
        network_id: ref('network', raw.network_id),
        ip_version: raw.ip_version,
        cidr: raw.cidr,
        // Null is a choice: without it Neutron takes the first address.
        gateway_ip: raw.gateway_ip ?? null,
        enable_dhcp: raw.enable_dhcp ?? true,
        allocation_pools: sorted(raw.allocation_pools, ({ start }) => start),
        // Resolvers are asked in this order.
        dns_nameservers: raw.dns_nameservers,
        host_routes: sorted(raw.host_routes, ({ destination, nexthop }) => `${destination} ${nexthop}`),
        ipv6_ra_mode: raw.ipv6_ra_mode ?? undefined,
        ipv6_address_mode: raw.ipv6_address_mode ?? undefined,
        dns_publish_fixed_ip: raw.dns_publish_fixed_ip,
        tags: sorted(raw.tags),
        shared: raw.foreign,
      },
      ['foreign'],
    ),
  unknown: ({ info }) =>
    notes({
      subnetpool_id: Boolean(info.subnetpool_id) && ['degraded', 'its range is kept, and no longer part of a subnet pool'],
      service_types: Array.isArray(info.service_types) && info.service_types.length > 0 && ['lost', 'service types are an administrator\'s to give'],
      segment_id: Boolean(info.segment_id) && ['lost', 'segments are an administrator\'s'],
    }),
  foreign: ({ params }) => params.shared === true,
  rank(wanted, offer) {
    if (wanted.params.ip_version !== offer.params.ip_version) return undefined;
    if (wanted.params.cidr === offer.params.cidr) return { cost: 0, reason: `the same addresses, ${wanted.params.cidr}` };
    return wanted.name !== '' && wanted.name === offer.name ? { cost: 1, reason: 'subnet of the same name' } : undefined;
  },
  async create(work) {
    const p = work.params;
    const attributes = await accepted(work, {
      name: p.name,
      description: p.description,
      network_id: p.network_id,
      ip_version: p.ip_version,
      cidr: p.cidr,
      gateway_ip: p.gateway_ip,
      enable_dhcp: dhcpAtBirth(p),
      allocation_pools: poolsAtBirth(work),
      dns_nameservers: p.dns_nameservers,
      host_routes: p.host_routes,
      ipv6_ra_mode: p.ipv6_ra_mode,
      ipv6_address_mode: p.ipv6_address_mode,
      dns_publish_fixed_ip: p.dns_publish_fixed_ip,
    });
    const { id } = await create<RawSubnet>(work, 'subnet', attributes);
    await tag(work, 'subnet', id);
    return id;
  },
  // DHCP's own port takes a free address as soon as there is DHCP: it may be one that a port of the bundle has. So DHCP
  // comes late, or where it can't, the pool is narrow until the ports have theirs.
  complete: {
    after: ['port', 'router'],
    async run({ cloud, params, id, signal }) {
      const late = dhcpAtBirth(params) ? stealsAtBirth(params) && params.allocation_pools && { allocation_pools: params.allocation_pools } : params.enable_dhcp && { enable_dhcp: true };
      if (!late) return;
      const network = await cloud.service('network');
      await network.put(path('subnet', id), { subnet: late }, { signal });
    },
  },
};

interface Modes {
  enable_dhcp?: boolean;
  ipv6_ra_mode?: string;
  ipv6_address_mode?: string;
}

/** Neutron takes IPv6 modes only with DHCP, and only at creation. */
function dhcpAtBirth({ enable_dhcp, ipv6_ra_mode, ipv6_address_mode }: Modes): boolean {
  return enable_dhcp === true && (ipv6_ra_mode ?? ipv6_address_mode) !== undefined;
}

/** Addresses that follow from the MAC are in nobody's way. */
export function isAutomatic(mode: unknown): boolean {
  return mode === 'slaac' || mode === 'dhcpv6-stateless';
}

function stealsAtBirth(modes: Modes): boolean {
  return dhcpAtBirth(modes) && !isAutomatic(modes.ipv6_address_mode);
}

function poolsAtBirth(work: CreateWork): Pool[] | undefined {
  const pools = work.params.allocation_pools as Pool[] | undefined;
  const spare = stealsAtBirth(work.params) && sparePool(pools ?? [], addressesOn(work));
  return spare ? [spare] : pools;
}

/** Those that ports and routers of the bundle have on this subnet. */
function addressesOn({ document, documents }: CreateWork): string[] {
  const holders = [...documents.values()].flatMap(({ params }) => [params.fixed_ips ?? [], params.interfaces ?? []].flat()) as { subnet_id?: string; ip_address: string }[];
  return holders.filter(({ subnet_id }) => subnet_id === document.id).map(({ ip_address }) => ip_address);
}
