import { isError } from '../errors.ts';
import schema from '../../schemas/router.json' with { type: 'json' };
import type { CreateWork, Kind } from './kind.ts';
import { accepted, create, described, extensions, notes, own, path, sorted, tag, warn, type Resource } from './neutron.ts';
import type { RawPort } from './port.ts';
import type { RawSubnet } from './subnet.ts';

interface Route {
  destination: string;
  nexthop: string;
}

export interface RawRouter extends Resource {
  admin_state_up?: boolean;
  external_gateway_info?: { network_id: string; enable_snat?: boolean; external_fixed_ips?: { subnet_id: string; ip_address: string }[] } | null;
  routes?: Route[];
  /** Ours: the router's ports on the inside. */
  interfaces?: RawPort[];
}

interface Interface {
  subnet_id: string;
  ip_address: string;
}

/** Interfaces of plain, distributed and highly available routers. */
const interfaceOwners = ['network:router_interface', 'network:router_interface_distributed', 'network:ha_router_replicated_interface'];

export const router: Kind<RawRouter> = {
  name: 'router',
  schema,
  refs: { '/gateway/network_id': 'network', '/interfaces/*/subnet_id': 'subnet' },
  async *list(cloud) {
    if (!cloud.has('network') || !(await extensions(cloud)).has('router')) return;
    for await (const raw of own<RawRouter>(cloud, 'router')) {
      const interfaces: RawPort[] = [];
      for await (const port of routerPorts(cloud, raw.id)) interfaces.push(port);
      yield { ...raw, interfaces };
    }
  },
  key: ({ id }) => id,
  toDocument: (raw, ref) =>
    described(raw, {
      name: raw.name ?? '',
      description: raw.description ?? undefined,
      admin_state_up: raw.admin_state_up,
      // Its address and SNAT are an admin's to choose.
      gateway: raw.external_gateway_info ? { network_id: ref('network', raw.external_gateway_info.network_id) } : undefined,
      interfaces: sorted(
        (raw.interfaces ?? []).flatMap(({ fixed_ips }) => (fixed_ips ?? []).map(({ subnet_id, ip_address }) => ({ subnet_id: ref('subnet', subnet_id), ip_address }))),
        ({ ip_address, subnet_id }) => `${ip_address} ${subnet_id}`,
      ),
      routes: sorted(raw.routes, ({ destination, nexthop }) => `${destination} ${nexthop}`),
      tags: sorted(raw.tags),
    }),
  unknown({ info }) {
    const gateway = info.external_gateway_info as RawRouter['external_gateway_info'] | undefined;
    const admins = 'is an administrator\'s to choose: it is as the target has it by default';
    return notes({
      enable_snat: gateway?.enable_snat === false && ['degraded', `source NAT was off, which ${admins}`],
      distributed: info.distributed === true && ['degraded', `it was distributed, which ${admins}`],
      ha: info.ha === true && ['degraded', `it was highly available, which ${admins}`],
    });
  },
  async create(work) {
    const { name, description, admin_state_up, gateway } = work.params;
    const attributes = await accepted(work, { name, description, admin_state_up, external_gateway_info: gateway?.network_id ? { network_id: gateway.network_id } : undefined });
    const { id } = await create<RawRouter>(work, 'router', attributes);
    await tag(work, 'router', id);
    return id;
  },
  // Apart from the creation, which takes long enough to be cut off: whatever is there already is left as it is.
  complete: {
    async run(work) {
      const there: { subnet_id: string; ip_address: string }[] = [];
      for await (const { fixed_ips } of routerPorts(work.cloud, work.id)) there.push(...(fixed_ips ?? []));
      for (const wanted of (work.params.interfaces ?? []) as Interface[]) {
        if (!there.some((ip) => isSame(ip, wanted))) await addInterface(work, work.id, wanted);
      }
      await addRoutes(work, work.id);
    },
  },
};

const isSame = (a: Interface, b: Interface) => a.subnet_id === b.subnet_id && a.ip_address === b.ip_address;

async function* routerPorts(cloud: CreateWork['cloud'], id: string): AsyncIterable<RawPort> {
  const network = await cloud.service('network');
  for await (const port of network.list<RawPort>('/ports', 'ports', { query: { device_id: id } })) {
    if (interfaceOwners.includes(port.device_owner ?? '')) yield port;
  }
}

async function addInterface(work: CreateWork, id: string, { subnet_id, ip_address }: Interface): Promise<void> {
  const { cloud, signal } = work;
  const network = await cloud.service('network');
  const { gateway_ip, network_id } = (await network.get<{ subnet: RawSubnet }>(path('subnet', subnet_id), { signal })).subnet;
  // By its subnet a router becomes the subnet's gateway; any other address needs a port that has it.
  const asGateway = gateway_ip === ip_address;
  let port: string | undefined;
  if (!asGateway) {
    // One that an earlier run made and could not hand over any more.
    const query = { network_id, fixed_ips: `ip_address=${ip_address}` };
    for await (const raw of network.list<RawPort>('/ports', 'ports', { query, signal })) if (!raw.device_id && raw.fixed_ips?.some((ip) => isSame(ip, { subnet_id, ip_address }))) port = raw.id;
    const attributes = await accepted(work, { network_id, fixed_ips: [{ subnet_id, ip_address }], security_groups: [] });
    port ??= (await create<RawPort>(work, 'port', attributes)).id;
  }
  try {
    await network.put(`${path('router', id)}/add_router_interface`, asGateway ? { subnet_id } : { port_id: port }, { signal });
  } catch (error) {
    // A repeated request is told that the router is there already.
    if (isError(error) && (error.status === 400 || error.status === 409)) {
      for await (const { fixed_ips } of routerPorts(cloud, id)) if (fixed_ips?.some((ip) => isSame(ip, { subnet_id, ip_address }))) return;
    }
    if (port !== undefined) await network.delete(path('port', port)).catch(() => {});
    throw error;
  }
}

const isRefusal = (error: unknown) => isError(error) && error.status === 400;

async function addRoutes(work: CreateWork, id: string): Promise<void> {
  const routes = (work.params.routes ?? []) as Route[];
  if (routes.length === 0) return;
  if (!(await extensions(work.cloud)).has('extraroute')) return warn(work, 'extra routes are left out: this cloud has no extension extraroute');
  const network = await work.cloud.service('network');
  const set = (routes: Route[]) => network.put(path('router', id), { router: { routes } }, { signal: work.signal });
  try {
    await set(routes);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // One that leads through the external network can't be right here: keep the others.
    const kept: Route[] = [];
    for (const route of routes) {
      try {
        await set([...kept, route]);
        kept.push(route);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        warn(work, `the route to ${route.destination} through ${route.nexthop} is refused: ${(error as Error).message}`);
      }
    }
  }
}
