import { randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import { Refusal, type Reply, type Request } from '../http.ts';
import type { Shown, World } from '../world.ts';
import { contains, freeAddress } from './addresses.ts';
import { denied, neutronError, refuse } from './attributes.ts';
import { dropPort, makePort, subnetsOf, takenAddresses } from './ports.ts';

const badRouter = (message: string): Refusal => refuse(400, 'BadRequest', `Bad router request: ${message}`);

export function interfacesOf(world: World, router: Shown): Shown[] {
  return [...world.ports.values()].filter((port) => port['device_id'] === router['id'] && port['device_owner'] === 'network:router_interface');
}

export function makeRouter(world: World, given: Shown): Shown {
  checkGateway(given, 'create');
  const now = stamp();
  const router: Shown = {
    id: randomUUID(),
    name: given['name'],
    tenant_id: world.projectId,
    admin_state_up: given['admin_state_up'],
    status: 'ACTIVE',
    external_gateway_info: given['external_gateway_info'] === null ? null : gateway(world, given['external_gateway_info']),
    description: given['description'],
    availability_zones: [],
    availability_zone_hints: given['availability_zone_hints'],
    routes: [],
    flavor_id: null,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
    project_id: world.projectId,
  };
  world.routers.set(router['id'], router);
  return router;
}

export function updateRouter(world: World, router: Shown, given: Shown): void {
  checkGateway(given, 'update');
  if (given['routes'] !== undefined) checkRoutes(world, router, given['routes']);
  if (given['external_gateway_info'] !== undefined) {
    const info = given['external_gateway_info'];
    const old = router['external_gateway_info'];
    const next = info === null || Object.keys(info).length === 0 ? null : info.network_id;
    if (old && old.network_id !== next && [...world.floatingips.values()].some((one) => one['router_id'] === router['id'])) {
      throw refuse(409, 'RouterExternalGatewayInUseByFloatingIp', `Gateway cannot be updated for router ${router['id']}, since a gateway to external network ${old.network_id} is required by one or more floating IPs.`);
    }
    if (next === null) router['external_gateway_info'] = null;
    else if (old?.network_id !== next) router['external_gateway_info'] = gateway(world, info);
  }
  for (const key of ['name', 'description', 'admin_state_up', 'routes']) if (given[key] !== undefined) router[key] = given[key];
}

function checkGateway(given: Shown, action: 'create' | 'update'): void {
  const info = given['external_gateway_info'];
  if (!info) return;
  const rule = `rule:${action}_router`;
  for (const key of ['enable_snat', 'external_fixed_ips']) {
    if (info[key] !== undefined) throw denied(`(${rule} and (${rule}:external_gateway_info and (${rule}:external_gateway_info:network_id and ${rule}:external_gateway_info:${key})))`);
  }
}

function gateway(world: World, info: Shown): Shown {
  const network = world.networks.get(info['network_id']);
  if (!network) throw refuse(404, 'NetworkNotFound', `Network ${info['network_id']} could not be found.`);
  if (!network['router:external']) throw badRouter(`Network ${network['id']} is not an external network.`);
  return { network_id: network['id'], external_fixed_ips: [externalAddress(world, network['id'])], enable_snat: true };
}

export function externalAddress(world: World, networkId: string): { subnet_id: string; ip_address: string } {
  const [subnet] = subnetsOf(world, networkId);
  const address = subnet && freeAddress(subnet['allocation_pools'], 4, takenAddresses(world, subnet['id']), 'any');
  if (!subnet || !address) throw refuse(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`);
  return { subnet_id: subnet['id'], ip_address: address };
}

function checkRoutes(world: World, router: Shown, routes: { destination: string; nexthop: string }[]): void {
  const cidrs = interfacesOf(world, router).flatMap((port) => port['fixed_ips'].map((ip: Shown) => world.subnets.get(ip['subnet_id'])!['cidr'] as string));
  const outside = router['external_gateway_info']?.external_fixed_ips.map((ip: Shown) => world.subnets.get(ip['subnet_id'])!['cidr']) ?? [];
  for (const { nexthop } of routes) {
    if ([...cidrs, ...outside].some((cidr) => contains(cidr, nexthop))) continue;
    const shown = routes.map((one) => `{'destination': '${one.destination}', 'nexthop': '${one.nexthop}'}`).join(', ');
    throw refuse(400, 'InvalidRoutes', `Invalid format for routes: [${shown}], the nexthop is not connected with router`);
  }
}

export function deleteRouter(world: World, router: Shown): void {
  const ports = interfacesOf(world, router);
  if (ports.length > 0) throw refuse(409, 'RouterInUse', `Router ${router['id']} has ports still attached: ${ports.map((port) => port['id']).join(', ')}`);
  world.routers.delete(router['id']);
}

export async function addInterface(world: World, router: Shown, request: Request): Promise<Reply> {
  const { subnet_id: subnetId, port_id: portId } = (await request.json()) ?? {};
  if (subnetId === undefined && portId === undefined) throw badRouter('Either subnet_id or port_id must be specified.');
  if (subnetId !== undefined && portId !== undefined) throw badRouter('Cannot specify both subnet-id and port-id.');
  let port: Shown;
  if (portId !== undefined) {
    const given = world.ports.get(portId);
    if (!given) throw refuse(404, 'PortNotFound', `Port ${portId} could not be found.`);
    port = given;
    checkOverlap(world, router, port['fixed_ips'].map((ip: Shown) => ip['subnet_id']));
    if (port['device_id'] !== '') throw refuse(409, 'PortInUse', `Unable to complete operation on port ${port['id']} for network ${port['network_id']}. Port already has an attached device ${port['device_id']}.`);
    if (port['fixed_ips'].length === 0) throw badRouter('Router port must have at least one fixed IP.');
    Object.assign(port, { device_id: router['id'], device_owner: 'network:router_interface', port_security_enabled: false, security_groups: [] });
  } else {
    const subnet = world.subnets.get(subnetId);
    if (!subnet) throw refuse(404, 'SubnetNotFound', `Subnet ${subnetId} could not be found.`);
    if (!subnet['gateway_ip']) throw badRouter('Subnet for router interface must have a gateway IP.');
    checkOverlap(world, router, [subnetId]);
    port = makePort(world, { network_id: subnet['network_id'], fixed_ips: [{ subnet_id: subnetId, ip_address: subnet['gateway_ip'] }], device_id: router['id'], device_owner: 'network:router_interface' });
  }
  router['availability_zones'] = world.settings.zones.network;
  world.clock.after(world.settings.delays.network, () => void (port['status'] = 'ACTIVE'));
  return { status: 200, body: showInterface(world, router, port) };
}

function checkOverlap(world: World, router: Shown, subnets: string[]): void {
  for (const port of interfacesOf(world, router)) {
    for (const ip of port['fixed_ips']) {
      const other = world.subnets.get(ip.subnet_id)!;
      for (const id of subnets) {
        if (ip.subnet_id === id) throw badRouter(`Router already has a port on subnet ${id}.`);
        const cidr = world.subnets.get(id)!['cidr'];
        if (contains(cidr, other['cidr'].split('/')[0]) || contains(other['cidr'], cidr.split('/')[0])) throw badRouter(`Cidr ${cidr} of subnet ${id} overlaps with cidr ${other['cidr']} of subnet ${other['id']}.`);
      }
    }
  }
}

export async function removeInterface(world: World, router: Shown, request: Request): Promise<Reply> {
  const { subnet_id: subnetId, port_id: portId } = (await request.json()) ?? {};
  if (subnetId === undefined && portId === undefined) throw badRouter('Either subnet_id or port_id must be specified.');
  const port = interfacesOf(world, router).find((one) => (portId !== undefined ? one['id'] === portId : one['fixed_ips'].some((ip: Shown) => ip['subnet_id'] === subnetId)));
  if (!port) {
    return portId !== undefined
      ? neutronError(404, 'RouterInterfaceNotFound', `Router ${router['id']} does not have an interface with id ${portId}`)
      : neutronError(404, 'RouterInterfaceNotFoundForSubnet', `Router ${router['id']} has no interface on subnet ${subnetId}`);
  }
  for (const ip of port['fixed_ips'] as Shown[]) {
    const { cidr, id } = world.subnets.get(ip['subnet_id'])!;
    if ((router['routes'] as Shown[]).some((one) => contains(cidr, one['nexthop']))) throw refuse(409, 'RouterInterfaceInUseByRoute', `Router interface for subnet ${id} on router ${router['id']} cannot be deleted, as it is required by one or more routes.`);
    if ([...world.floatingips.values()].some((one) => one['router_id'] === router['id'] && contains(cidr, one['fixed_ip_address']))) {
      throw refuse(409, 'RouterInterfaceInUseByFloatingIP', `Router interface for subnet ${id} on router ${router['id']} cannot be deleted, as it is required by one or more floating IPs.`);
    }
  }
  const body = showInterface(world, router, port);
  dropPort(world, port);
  return { status: 200, body };
}

function showInterface(world: World, router: Shown, port: Shown): object {
  const subnets = port['fixed_ips'].map((ip: Shown) => ip['subnet_id']);
  return { id: router['id'], tenant_id: world.projectId, port_id: port['id'], network_id: port['network_id'], subnet_id: subnets[0], subnet_ids: subnets };
}

/** The router that leads from the port's subnet to the external network. */
export function routerTo(world: World, port: Shown, fixedIp: string, externalId: string): Shown {
  const subnetId = port['fixed_ips'].find((ip: Shown) => ip['ip_address'] === fixedIp)!['subnet_id'];
  for (const router of world.routers.values()) {
    if (router['external_gateway_info']?.network_id !== externalId) continue;
    if (interfacesOf(world, router).some((one) => one['fixed_ips'].some((ip: Shown) => ip['subnet_id'] === subnetId))) return router;
  }
  throw refuse(404, 'ExternalGatewayForFloatingIPNotFound', `External network ${externalId} is not reachable from subnet ${subnetId}.  Therefore, cannot associate Port ${port['id']} with a Floating IP.`);
}
