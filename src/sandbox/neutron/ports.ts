import { randomBytes, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { stamp } from '../clock.ts';
import type { Shown, World } from '../world.ts';
import { contains, freeAddress, parseCidr, toNumber, type Pool } from './addresses.ts';
import { badInput, badRequest, refuse } from './attributes.ts';
import { defaultGroup } from './groups.ts';

export interface PortWish {
  network_id: string;
  fixed_ips?: { subnet_id?: string; ip_address?: string }[];
  mac_address?: string;
  security_groups?: string[] | null;
  port_security_enabled?: boolean;
  device_owner?: string;
  [attribute: string]: any;
}

/** Addresses in use on the subnet: its ports' and, outside, routers' and floating ones. */
export function takenAddresses(world: World, subnetId: string): Set<string> {
  const taken = new Set<string>();
  for (const port of world.ports.values()) for (const ip of port['fixed_ips']) if (ip.subnet_id === subnetId) taken.add(ip.ip_address);
  for (const router of world.routers.values()) for (const ip of router['external_gateway_info']?.external_fixed_ips ?? []) if (ip.subnet_id === subnetId) taken.add(ip.ip_address);
  const external = world.subnets.get(subnetId)?.['network_id'];
  for (const floating of world.floatingips.values()) if (floating['floating_network_id'] === external) taken.add(floating['floating_ip_address']);
  return taken;
}

export function subnetsOf(world: World, networkId: string): Shown[] {
  return [...world.subnets.values()].filter((subnet) => subnet['network_id'] === networkId);
}

/** Makes the port, as Neutron does for anybody: `choose` says which free address it takes when none is asked for. */
export function makePort(world: World, wish: PortWish, choose: 'first' | 'any' = 'any'): Shown {
  const network = world.networks.get(wish.network_id);
  if (!network) throw refuse(404, 'NetworkNotFound', `Network ${wish.network_id} could not be found.`);
  const mac = (wish.mac_address ?? `fa:16:3e:${randomBytes(3).toString('hex').replace(/..(?=.)/g, '$&:')}`).toLowerCase();
  for (const other of world.ports.values()) {
    if (other['network_id'] === network['id'] && other['mac_address'] === mac) throw refuse(409, 'MacAddressInUse', `Unable to complete operation for network ${network['id']}. The mac address ${mac} is in use.`);
  }
  const fixed = allocate(world, network, wish.fixed_ips, choose);
  const infrastructure = String(wish.device_owner ?? '').startsWith('network:');
  const secure = infrastructure ? false : (wish.port_security_enabled ?? network['port_security_enabled']);
  if (!secure && ((wish.security_groups?.length ?? 0) > 0 || (wish['allowed_address_pairs']?.length ?? 0) > 0)) {
    if ((wish.security_groups?.length ?? 0) > 0) throw refuse(400, 'PortSecurityAndIPRequiredForSecurityGroups', 'Port security must be enabled and port must have an IP address in order to use security groups.');
    throw refuse(409, 'AddressPairAndPortSecurityRequired', 'Port Security must be enabled in order to have allowed address pairs on a port.');
  }
  for (const id of wish.security_groups ?? []) if (!world.groups.has(id)) throw refuse(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
  const now = stamp();
  const port: Shown = {
    id: randomUUID(),
    name: wish['name'] ?? '',
    network_id: network['id'],
    tenant_id: world.projectId,
    mac_address: mac,
    admin_state_up: wish['admin_state_up'] ?? true,
    status: 'DOWN',
    device_id: wish['device_id'] ?? '',
    device_owner: wish.device_owner ?? '',
    fixed_ips: fixed,
    allowed_address_pairs: addressPairs(wish['allowed_address_pairs'], mac),
    extra_dhcp_opts: (wish['extra_dhcp_opts'] ?? []).map((option: Shown) => ({ ip_version: 4, ...option })),
    security_groups: secure ? (wish.security_groups ?? (fixed.length > 0 || !infrastructure ? [defaultGroup(world)['id']] : [])) : [],
    description: wish['description'] ?? '',
    'binding:vnic_type': wish['binding:vnic_type'] ?? 'normal',
    port_security_enabled: secure,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
    project_id: world.projectId,
  };
  world.ports.set(port['id'], port);
  return port;
}

export function addressPairs(pairs: Shown[] | null | undefined, mac: string): Shown[] {
  return (pairs ?? []).map((pair) => {
    if (typeof pair['ip_address'] !== 'string' || !parseCidr(pair['ip_address'])) throw badRequest(`Invalid input for allowed_address_pairs. Reason: '${String(pair['ip_address'])}' is not a valid IP subnet.`);
    return { mac_address: pair['mac_address'] ?? mac, ip_address: pair['ip_address'] };
  });
}

export function allocate(world: World, network: Shown, wanted: PortWish['fixed_ips'], choose: 'first' | 'any', except?: Shown): { subnet_id: string; ip_address: string }[] {
  const subnets = subnetsOf(world, network['id']);
  const own = new Set<string>((except?.['fixed_ips'] ?? []).map((ip: Shown) => ip['ip_address']));
  const give = (subnet: Shown): { subnet_id: string; ip_address: string } => {
    const address = freeAddress(subnet['allocation_pools'] as Pool[], subnet['ip_version'], takenAddresses(world, subnet['id']), choose);
    if (address === undefined) throw refuse(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${network['id']}.`);
    return { subnet_id: subnet['id'], ip_address: address };
  };
  if (wanted === undefined) {
    // One address of each family.
    return [4, 6].flatMap((version) => {
      const subnet = subnets.find((one) => one['ip_version'] === version && !one['service_types'].length);
      return subnet ? [give(subnet)] : [];
    });
  }
  return wanted.map(({ subnet_id: subnetId, ip_address: address }) => {
    if (subnetId !== undefined) {
      const subnet = world.subnets.get(subnetId);
      if (!subnet) throw refuse(404, 'SubnetNotFound', `Subnet ${subnetId} could not be found.`);
      if (subnet['network_id'] !== network['id']) throw badInput(`Failed to create port on network ${network['id']}, because fixed_ips included invalid subnet ${subnetId}.`);
      if (address === undefined) return give(subnet);
      if (!isIP(address) || !contains(subnet['cidr'], address)) throw refuse(400, 'InvalidIpForSubnet', `IP address ${address} is not a valid IP for the specified subnet.`);
      return claim(world, subnet, address, own);
    }
    if (address === undefined) throw badInput('IP allocation requires subnet_id or ip_address.');
    const subnet = subnets.find((one) => contains(one['cidr'], address));
    if (!subnet) throw refuse(400, 'InvalidIpForNetwork', `IP address ${address} is not a valid IP for any of the subnets on the specified network.`);
    return claim(world, subnet, address, own);
  });
}

function claim(world: World, subnet: Shown, address: string, own: Set<string>): { subnet_id: string; ip_address: string } {
  const range = parseCidr(subnet['cidr'])!;
  const number = toNumber(address);
  if (subnet['ip_version'] === 4 && (number === range.first || number === range.last)) throw refuse(400, 'InvalidIpForSubnet', `IP address ${address} is not a valid IP for the specified subnet.`);
  if (takenAddresses(world, subnet['id']).has(address) && !own.has(address)) throw refuse(409, 'IpAddressAlreadyAllocated', `IP address ${address} already allocated in subnet ${subnet['id']}`);
  return { subnet_id: subnet['id'], ip_address: address };
}

/** DHCP's own port comes a moment after the first subnet that wants DHCP, and takes the first free address of each. */
export function serveDhcp(world: World, networkId: string): void {
  world.clock.after(world.settings.delays.network, () => {
    const network = world.networks.get(networkId);
    if (!network) return;
    const served = subnetsOf(world, networkId).filter((subnet) => subnet['enable_dhcp']);
    const old = [...world.ports.values()].find((port) => port['network_id'] === networkId && port['device_id'].startsWith('dhcp'));
    if (served.length === 0) {
      if (old) world.ports.delete(old['id']);
      return;
    }
    const missing = served.filter((subnet) => !old?.['fixed_ips'].some((ip: Shown) => ip['subnet_id'] === subnet['id']));
    if (old) {
      old['fixed_ips'] = old['fixed_ips'].filter((ip: Shown) => served.some((subnet) => subnet['id'] === ip['subnet_id']));
      for (const subnet of missing) old['fixed_ips'].push(...allocate(world, network, [{ subnet_id: subnet['id'] }], 'first'));
      return;
    }
    const port = makePort(world, { network_id: networkId, device_owner: 'network:dhcp', device_id: `dhcp${randomUUID()}-${networkId}`, fixed_ips: missing.map((subnet) => ({ subnet_id: subnet['id'] })) }, 'first');
    network['availability_zones'] = world.settings.zones.network;
    world.clock.after(world.settings.delays.network, () => void (port['status'] = 'ACTIVE'));
  });
}

/** Forgets the port and what hangs on it. */
export function dropPort(world: World, port: Shown): void {
  world.ports.delete(port['id']);
  for (const floating of world.floatingips.values()) {
    if (floating['port_id'] !== port['id']) continue;
    Object.assign(floating, { port_id: null, router_id: null, fixed_ip_address: null, port_details: null, status: 'DOWN', updated_at: stamp() });
    floating['revision_number'] += 1;
  }
}
