import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { stamp } from '../clock.ts';
import type { Shown, World } from '../world.ts';
import { contains, defaultPools, parseCidr, toAddress, toNumber, type Pool } from './addresses.ts';
import { badInput, badRequest, refuse } from './attributes.ts';
import { dropPort, serveDhcp, subnetsOf } from './ports.ts';

export function makeNetwork(world: World, given: Shown, owner = world.projectId): Shown {
  checkMtu(world, given);
  const now = stamp();
  const external = given['router:external'] === true;
  const network: Shown = {
    id: randomUUID(),
    name: given['name'] ?? '',
    tenant_id: owner,
    admin_state_up: given['admin_state_up'] ?? true,
    mtu: Number(given['mtu'] ?? (external ? 1500 : world.settings.maxMtu)),
    status: 'ACTIVE',
    shared: false,
    availability_zone_hints: given['availability_zone_hints'] ?? [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    'router:external': external,
    description: given['description'] ?? '',
    port_security_enabled: given['port_security_enabled'] ?? true,
    ...(external ? { is_default: false } : {}),
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
    project_id: owner,
  };
  world.networks.set(network['id'], network);
  return network;
}

export function checkMtu(world: World, given: Shown): void {
  if (given['mtu'] !== undefined && Number(given['mtu']) > world.settings.maxMtu) throw badInput(`Requested MTU is too big, maximum is ${world.settings.maxMtu}.`);
}

export function showNetwork(world: World, network: Shown): Shown {
  const { id, name, tenant_id, admin_state_up, mtu, status, ...rest } = network;
  return { id, name, tenant_id, admin_state_up, mtu, status, subnets: subnetsOf(world, id).map((subnet) => subnet['id']), ...rest };
}

export function deleteNetwork(world: World, network: Shown): void {
  const ports = [...world.ports.values()].filter((port) => port['network_id'] === network['id']);
  const used = ports.filter((port) => !port['device_id'].startsWith('dhcp'));
  if (used.length > 0) throw refuse(409, 'NetworkInUse', `Unable to complete operation on network ${network['id']}. There are one or more ports still in use on the network, id for these ports is: ${used.map((port) => port['id']).join(', ')}.`);
  for (const port of ports) dropPort(world, port);
  for (const subnet of subnetsOf(world, network['id'])) world.subnets.delete(subnet['id']);
  world.networks.delete(network['id']);
}

export function makeSubnet(world: World, given: Shown, owner = world.projectId): Shown {
  const network = world.networks.get(given['network_id']);
  if (!network) throw refuse(404, 'NetworkNotFound', `Network ${given['network_id']} could not be found.`);
  if (network['project_id'] !== owner) throw refuse(403, 'HTTPForbidden', `Tenant ${owner} not allowed to create subnet on this network`);
  const version = Number(given['ip_version']);
  if (given['subnetpool_id']) throw refuse(404, 'SubnetPoolNotFound', `Subnet pool ${given['subnetpool_id']} could not be found.`);
  if (given['cidr'] === undefined) throw badRequest('Invalid input for cidr. Reason: a subnetpool must be specified in the absence of a cidr.');
  const range = parseCidr(String(given['cidr']));
  if (!range) throw badInput(`${given['cidr']} is not in a CIDR format.`);
  if (range.version !== version) throw badInput(`cidr '${range.text}' does not match the ip_version '${version}'`);
  for (const other of subnetsOf(world, network['id'])) {
    if (contains(other['cidr'], range.text.split('/')[0]!) || contains(range.text, other['cidr'].split('/')[0])) throw badInput(`Requested subnet with cidr: ${range.text} for network: ${network['id']} overlaps with another subnet.`);
  }
  const slaac = given['ipv6_address_mode'] === 'slaac' || given['ipv6_ra_mode'] === 'slaac' || given['ipv6_address_mode'] === 'dhcpv6-stateless' || given['ipv6_ra_mode'] === 'dhcpv6-stateless';
  const gateway: string | null = given['gateway_ip'] === undefined ? toAddress(range.first + (version === 6 && slaac ? 0n : 1n), version) : given['gateway_ip'];
  if (gateway !== null && (isIP(gateway) !== version || (version === 4 && !contains(range.text, gateway)))) throw badInput(`Gateway is not valid on subnet`);
  const pools = given['allocation_pools'] ? checkPools(given['allocation_pools'], range.text, gateway) : defaultPools(range, gateway);
  const now = stamp();
  const subnet: Shown = {
    id: randomUUID(),
    name: given['name'] ?? '',
    tenant_id: owner,
    network_id: network['id'],
    ip_version: version,
    subnetpool_id: null,
    enable_dhcp: given['enable_dhcp'] ?? true,
    ipv6_ra_mode: given['ipv6_ra_mode'] ?? null,
    ipv6_address_mode: given['ipv6_address_mode'] ?? null,
    gateway_ip: gateway,
    cidr: range.text,
    allocation_pools: pools,
    host_routes: given['host_routes'] ?? [],
    dns_nameservers: given['dns_nameservers'] ?? [],
    description: given['description'] ?? '',
    service_types: given['service_types'] ?? [],
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 0,
    project_id: owner,
  };
  world.subnets.set(subnet['id'], subnet);
  network['revision_number'] += 1;
  if (subnet['enable_dhcp'] && !network['router:external']) serveDhcp(world, network['id']);
  return subnet;
}

function checkPools(pools: Pool[], cidr: string, gateway: string | null): Pool[] {
  for (const { start, end } of pools) {
    if (!isIP(start) || !isIP(end) || toNumber(start) > toNumber(end)) throw refuse(400, 'InvalidAllocationPool', `The allocation pool ${start}-${end} is not valid.`);
    if (!contains(cidr, start) || !contains(cidr, end)) throw refuse(400, 'OutOfBoundsAllocationPool', `The allocation pool ${start}-${end} spans beyond the subnet cidr ${cidr}.`);
    if (gateway !== null && toNumber(gateway) >= toNumber(start) && toNumber(gateway) <= toNumber(end)) throw refuse(409, 'GatewayConflictWithAllocationPools', `Gateway ip ${gateway} conflicts with allocation pool ${start}-${end}.`);
  }
  // In no particular order, and so not in the order given either.
  return pools.map(({ start, end }) => ({ start, end })).sort((a, b) => (toNumber(a.start) > toNumber(b.start) ? -1 : 1));
}

export function updateSubnet(world: World, subnet: Shown, given: Shown): void {
  const gateway = given['gateway_ip'] === undefined ? subnet['gateway_ip'] : given['gateway_ip'];
  if (given['allocation_pools']) given['allocation_pools'] = checkPools(given['allocation_pools'], subnet['cidr'], gateway);
  else if (given['gateway_ip']) checkPools(subnet['allocation_pools'], subnet['cidr'], gateway);
  const dhcp = given['enable_dhcp'] !== undefined && given['enable_dhcp'] !== subnet['enable_dhcp'];
  Object.assign(subnet, given);
  if (dhcp) serveDhcp(world, subnet['network_id']);
}

export function deleteSubnet(world: World, subnet: Shown): void {
  const here = [...world.ports.values()].filter((port) => port['fixed_ips'].some((ip: Shown) => ip['subnet_id'] === subnet['id']));
  if (here.some((port) => !port['device_id'].startsWith('dhcp'))) throw refuse(409, 'SubnetInUse', `Unable to complete operation on subnet ${subnet['id']}: One or more ports have an IP allocation from this subnet.`);
  for (const port of here) {
    port['fixed_ips'] = port['fixed_ips'].filter((ip: Shown) => ip['subnet_id'] !== subnet['id']);
    if (port['fixed_ips'].length === 0) dropPort(world, port);
  }
  world.subnets.delete(subnet['id']);
}
