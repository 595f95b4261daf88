import schema from '../../schemas/floating-ip.json' with { type: 'json' };
import type { CreateWork, Kind } from './kind.ts';
import { accepted, create, described, extensions, noQos, notes, own, path, sorted, tag, type Resource } from './neutron.ts';
import { isPlainPort, type RawPort } from './port.ts';
import { routersTo } from './reach.ts';

export interface RawFloatingIp extends Resource {
  floating_ip_address: string;
  floating_network_id: string;
  port_id?: string | null;
  fixed_ip_address?: string | null;
  router_id?: string | null;
  dns_name?: string;
  dns_domain?: string;
  /** With the extension `fip-port-details`. */
  port_details?: { device_owner?: string } | null;
}

export const floatingIp: Kind<RawFloatingIp> = {
  name: 'floating-ip',
  schema,
  namedByCloud: true,
  refs: { '/floating_network_id': 'network', '/port_id': 'port' },
  async *list(cloud) {
    if (!cloud.has('network') || !(await extensions(cloud)).has('router')) return;
    let owners: Map<string, string> | undefined;
    for await (const raw of own<RawFloatingIp>(cloud, 'floatingip')) {
      if (raw.port_id && !raw.port_details) {
        owners ??= await portOwners(cloud);
        yield { ...raw, port_details: { device_owner: owners.get(raw.port_id) ?? 'unknown' } };
      } else yield raw;
    }
  },
  key: ({ id }) => id,
  toDocument(raw, ref) {
    const plain = raw.port_id && isPlainPort(raw.port_details?.device_owner);
    const document = described(raw, {
      description: raw.description ?? undefined,
      floating_network_id: ref('network', raw.floating_network_id),
      // A load balancer's port is no document: the address comes along, unbound.
      port_id: plain ? ref('port', raw.port_id!) : undefined,
      fixed_ip_address: plain ? (raw.fixed_ip_address ?? undefined) : undefined,
      dns_name: raw.dns_name || undefined,
      dns_domain: raw.dns_domain || undefined,
      tags: sorted(raw.tags),
    });
    return { ...document, name: raw.floating_ip_address, info: { ...document.info, address: raw.floating_ip_address } };
  },
  unknown: ({ info }) =>
    notes({
      // Bound, and not to one of the ports that are documents.
      port_id: Boolean(info.port_id) && ['lost', 'it leads to a service\'s own port (a load balancer\'s, say), which is not carried along'],
      port_forwardings: Array.isArray(info.port_forwardings) && info.port_forwardings.length > 0 && ['lost', 'forwarding of single ports is not carried along'],
      qos_policy_id: noQos(info),
    }),
  // Neutron gives no address to a port that no router leads to.
  needs: ({ params }, all) => routersTo([params.port_id], all),
  async create(work) {
    const { floating_network_id, floating_ip_address, description, dns_name, dns_domain } = work.params;
    // An address of one's own choice is an admin's, and only where the mapping asks for it.
    const attributes = await accepted(work, { floating_network_id, floating_ip_address, description, dns_name, dns_domain });
    const { id } = await create<RawFloatingIp>(work, 'floatingip', { ...attributes, ...binding(work) });
    await tag(work, 'floatingip', id);
    return id;
  },
  async update(work) {
    const network = await work.cloud.service('network');
    const attributes = await accepted(work, { description: work.params.description });
    await network.put(path('floatingip', work.id), { floatingip: { ...attributes, port_id: null, ...binding(work) } }, { signal: work.signal });
    await tag(work, 'floatingip', work.id);
  },
};

async function portOwners(cloud: CreateWork['cloud']): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  for await (const { id, device_owner } of own<RawPort>(cloud, 'port')) owners.set(id, device_owner ?? '');
  return owners;
}

/** Which of several addresses, only where there are several: a port may have got another one here. */
function binding({ params, document, documents }: CreateWork): Record<string, string> {
  if (!params.port_id) return {};
  const port = documents.get(document.params.port_id as string);
  const several = ((port?.params.fixed_ips ?? []) as unknown[]).length > 1;
  return { port_id: params.port_id, ...(several && params.fixed_ip_address ? { fixed_ip_address: params.fixed_ip_address } : {}) };
}
