import { randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import type { Shown, World } from '../world.ts';
import { contains } from './addresses.ts';
import { refuse } from './attributes.ts';
import { subnetsOf, takenAddresses } from './ports.ts';
import { externalAddress, routerTo } from './routers.ts';

const badRequest = (message: string): Error => refuse(400, 'BadRequest', `Bad floatingip request: ${message}`);

export function makeFloating(world: World, given: Shown): Shown {
  const network = world.networks.get(given['floating_network_id']);
  if (!network) throw refuse(404, 'NetworkNotFound', `Network ${given['floating_network_id']} could not be found.`);
  if (!network['router:external']) throw badRequest(`Network ${network['id']} is not a valid external network.`);
  const wanted: string | undefined = given['floating_ip_address'];
  const [subnet] = subnetsOf(world, network['id']);
  if (wanted !== undefined) {
    if (!contains(subnet!['cidr'], wanted)) throw refuse(400, 'InvalidIpForNetwork', `IP address ${wanted} is not a valid IP for any of the subnets on the specified network.`);
    if (takenAddresses(world, subnet!['id']).has(wanted)) throw refuse(409, 'IpAddressAlreadyAllocated', `IP address ${wanted} already allocated in subnet ${subnet!['id']}`);
  }
  const now = stamp();
  const floating: Shown = {
    id: randomUUID(),
    tenant_id: world.projectId,
    floating_ip_address: wanted ?? externalAddress(world, network['id']).ip_address,
    floating_network_id: network['id'],
    router_id: null,
    port_id: null,
    fixed_ip_address: null,
    status: 'DOWN',
    description: given['description'],
    port_details: null,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 0,
    project_id: world.projectId,
  };
  if (given['port_id']) associate(world, floating, given['port_id'], given['fixed_ip_address']);
  world.floatingips.set(floating['id'], floating);
  return floating;
}

export function updateFloating(world: World, floating: Shown, given: Shown): void {
  if (given['description'] !== undefined) floating['description'] = given['description'];
  if (given['port_id'] === undefined && given['description'] !== undefined) return;
  if (given['port_id']) associate(world, floating, given['port_id'], given['fixed_ip_address']);
  else Object.assign(floating, { port_id: null, router_id: null, fixed_ip_address: null, status: 'DOWN' });
}

function associate(world: World, floating: Shown, portId: string, fixed: string | null | undefined): void {
  const port = world.ports.get(portId);
  if (!port) throw refuse(404, 'PortNotFound', `Port ${portId} could not be found.`);
  const address = fixed ?? port['fixed_ips'].find((ip: Shown) => !String(ip['ip_address']).includes(':'))?.ip_address;
  if (address === undefined) throw badRequest(`Cannot add floating IP to port ${portId} that has no fixed IPv4 addresses`);
  if (!port['fixed_ips'].some((ip: Shown) => ip['ip_address'] === address)) throw badRequest(`Port ${portId} does not have fixed ip ${address}`);
  const router = routerTo(world, port, address, floating['floating_network_id']);
  for (const other of world.floatingips.values()) {
    if (other !== floating && other['port_id'] === portId && other['fixed_ip_address'] === address) {
      throw refuse(409, 'FloatingIPPortAlreadyAssociated', `Cannot associate floating IP ${floating['floating_ip_address']} (${floating['id']}) with port ${portId} using fixed IP ${address}, as that fixed IP already has a floating IP on external network ${floating['floating_network_id']}.`);
    }
  }
  Object.assign(floating, { port_id: portId, router_id: router['id'], fixed_ip_address: address });
  world.clock.after(world.settings.delays.network, () => void (floating['status'] = floating['port_id'] && world.ports.get(floating['port_id'])?.['device_owner'].startsWith('compute:') ? 'ACTIVE' : 'DOWN'));
}

export function showFloating(world: World, floating: Shown): Shown {
  const port = floating['port_id'] ? world.ports.get(floating['port_id']) : undefined;
  const details = port && Object.fromEntries(['name', 'network_id', 'mac_address', 'admin_state_up', 'status', 'device_id', 'device_owner'].map((key) => [key, port[key]]));
  return { ...floating, port_details: details ?? null };
}
