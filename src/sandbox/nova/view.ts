import type { Request } from '../http.ts';
import type { Microversion } from '../versions.ts';
import type { Flavor, ServerRecord, World } from '../world.ts';

export function links(request: Request, what: string, id: string): object[] {
  return [
    { rel: 'self', href: `${request.root}/v2.1/${what}/${id}` },
    { rel: 'bookmark', href: `${request.root}/${what}/${id}` },
  ];
}

export function portsOf(world: World, server: ServerRecord): Record<string, any>[] {
  return [...world.ports.values()].filter((port) => port['device_id'] === server.id);
}

function addresses(world: World, server: ServerRecord, types: boolean): Record<string, object[]> {
  const result: Record<string, object[]> = {};
  for (const port of portsOf(world, server)) {
    const name = world.networks.get(port['network_id'])?.['name'] ?? '';
    const list = (result[name] ??= []);
    const add = (addr: string, type: string): void =>
      void list.push({ version: addr.includes(':') ? 6 : 4, addr, ...(types ? { 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': port['mac_address'] } : {}) });
    for (const ip of port['fixed_ips']) {
      add(ip.ip_address, 'fixed');
      for (const floating of world.floatingips.values()) if (floating['port_id'] === port['id'] && floating['fixed_ip_address'] === ip.ip_address) add(floating['floating_ip_address'], 'floating');
    }
  }
  return result;
}

export function showAddresses(world: World, server: ServerRecord): object {
  return addresses(world, server, false);
}

function groupNames(world: World, server: ServerRecord): { name: string }[] {
  // Once for each port, so that a name may come several times.
  return portsOf(world, server).flatMap((port) => port['security_groups'].map((id: string) => ({ name: world.groups.get(id)?.['name'] as string })));
}

export function showServer(world: World, server: ServerRecord, version: Microversion, request: Request, detail: 'list' | 'show'): object {
  const { minor } = version;
  const { flavor } = server;
  const groups = groupNames(world, server);
  const full = world.settings.policy.extendedServerAttributes;
  const built = server.launched !== null;
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: world.projectId,
    user_id: world.userId,
    metadata: server.metadata,
    hostId: built ? world.hostId : '',
    image: server.image === undefined ? '' : { id: server.image, links: [{ rel: 'bookmark', href: `${request.root}/images/${server.image}` }] },
    flavor:
      minor >= 47
        ? { vcpus: flavor.vcpus, ram: flavor.ram, disk: flavor.disk, ephemeral: flavor.ephemeral, swap: flavor.swap, original_name: flavor.name, extra_specs: flavor.extra_specs }
        : { id: flavor.id, links: [{ rel: 'bookmark', href: `${request.root}/flavors/${flavor.id}` }] },
    created: server.created,
    updated: server.updated,
    addresses: addresses(world, server, true),
    accessIPv4: '',
    accessIPv6: '',
    links: links(request, 'servers', server.id),
    'OS-DCF:diskConfig': server.diskConfig,
    ...(server.fault ? { fault: server.fault } : {}),
    ...(server.status === 'ERROR' ? {} : { progress: 0 }),
    'OS-EXT-AZ:availability_zone': built ? server.zone : '',
    config_drive: server.config_drive,
    key_name: server.key_name,
    'OS-SRV-USG:launched_at': server.launched,
    'OS-SRV-USG:terminated_at': null,
    ...(groups.length > 0 ? { security_groups: groups } : {}),
    ...(full
      ? {
          'OS-EXT-SRV-ATTR:host': built ? 'compute-1' : null,
          'OS-EXT-SRV-ATTR:instance_name': `instance-${String(server.order).padStart(8, '0')}`,
          'OS-EXT-SRV-ATTR:hypervisor_hostname': built ? 'compute-1' : null,
          ...(minor >= 3
            ? { 'OS-EXT-SRV-ATTR:reservation_id': `r-${server.id.slice(0, 8)}`, 'OS-EXT-SRV-ATTR:launch_index': 0, 'OS-EXT-SRV-ATTR:kernel_id': '', 'OS-EXT-SRV-ATTR:ramdisk_id': '', 'OS-EXT-SRV-ATTR:root_device_name': built ? '/dev/vda' : null, 'OS-EXT-SRV-ATTR:user_data': server.user_data }
            : {}),
        }
      : {}),
    'OS-EXT-STS:task_state': server.task_state,
    'OS-EXT-STS:vm_state': server.vm_state,
    'OS-EXT-STS:power_state': server.power_state,
    'os-extended-volumes:volumes_attached': server.devices.map(({ volumeId, delete_on_termination }) => ({ id: volumeId, ...(minor >= 3 ? { delete_on_termination } : {}) })),
    ...(minor >= 9 ? { locked: server.locked } : {}),
    ...(minor >= 73 ? { locked_reason: null } : {}),
    ...(minor >= 19 ? { description: server.description } : {}),
    ...(minor >= 26 ? { tags: server.tags } : {}),
    ...(minor >= 63 ? { trusted_image_certificates: null } : {}),
    ...(minor >= 90 || (full && minor >= 3) ? { 'OS-EXT-SRV-ATTR:hostname': server.hostname } : {}),
    ...(minor >= 71 && detail === 'show' ? { server_groups: server.group === undefined ? [] : [server.group] } : {}),
  };
}

export function showFlavor(flavor: Flavor, { minor }: Microversion, request: Request): object {
  return {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.ram,
    disk: flavor.disk,
    swap: flavor.swap === 0 && minor < 75 ? '' : flavor.swap,
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    links: links(request, 'flavors', flavor.id),
    ...(minor >= 55 ? { description: null } : {}),
    ...(minor >= 61 ? { extra_specs: flavor.extra_specs } : {}),
  };
}

export function showAttachments(server: ServerRecord, minor: number): object[] {
  return server.devices.map((one) => ({
    ...(minor < 89 ? { id: one.volumeId } : {}),
    volumeId: one.volumeId,
    serverId: server.id,
    device: one.device,
    ...(minor >= 70 ? { tag: one.tag } : {}),
    ...(minor >= 79 ? { delete_on_termination: one.delete_on_termination } : {}),
    ...(minor >= 89 ? { attachment_id: one.attachment_id, bdm_uuid: one.bdm_uuid } : {}),
  }));
}

export function showInterfaces(world: World, server: ServerRecord, minor: number): object[] {
  return portsOf(world, server).map((port) => ({
    net_id: port['network_id'],
    port_id: port['id'],
    mac_addr: port['mac_address'],
    port_state: port['status'],
    fixed_ips: port['fixed_ips'],
    ...(minor >= 70 ? { tag: server.portTags.get(port['id']) ?? null } : {}),
  }));
}
