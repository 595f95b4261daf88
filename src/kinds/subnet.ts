import schema from '../../schemas/subnet.json' with { type: 'json' };
import type { Kind } from './kind.ts';
import { accepted, create, described, one, others, own, path, sorted, tag, type Resource } from './neutron.ts';

export interface RawSubnet extends Resource {
  network_id: string;
  ip_version: number;
  cidr: string;
  gateway_ip?: string | null;
  enable_dhcp?: boolean;
  allocation_pools?: { start: string; end: string }[];
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
      allocation_pools: p.allocation_pools,
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
  // DHCP's own port takes a free address as soon as there is DHCP: it may be one that a port of the bundle has.
  complete: {
    after: ['port', 'router'],
    async run({ cloud, params, id, signal }) {
      if (!params.enable_dhcp || dhcpAtBirth(params)) return;
      const network = await cloud.service('network');
      await network.put(path('subnet', id), { subnet: { enable_dhcp: true } }, { signal });
    },
  },
};

/** Neutron takes IPv6 modes only with DHCP, and only at creation. */
function dhcpAtBirth(params: { enable_dhcp?: boolean; ipv6_ra_mode?: string; ipv6_address_mode?: string }): boolean {
  return params.enable_dhcp === true && (params.ipv6_ra_mode !== undefined || params.ipv6_address_mode !== undefined);
}
