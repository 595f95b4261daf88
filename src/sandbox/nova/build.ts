import { longStamp, stamp } from '../clock.ts';
import { diskOf } from '../glance/images.ts';
import type { Reply } from '../http.ts';
import { contains } from '../neutron/addresses.ts';
import { makePort, subnetsOf } from '../neutron/ports.ts';
import type { BlockDevice, Image, ServerRecord, Shown, Volume, World } from '../world.ts';

const GIB = 2 ** 30;

export interface Nic {
  port?: Shown;
  network?: Shown;
  fixed_ip?: string;
  tag?: string;
}

export interface Planned {
  volume: Volume;
  device: BlockDevice;
}

interface Plan {
  image: Image | undefined;
  devices: Planned[];
  nics: Nic[];
  groups: string[];
}

/** scheduling -> block_device_mapping -> spawning -> ACTIVE, or ERROR with a fault. */
export function build(world: World, server: ServerRecord, { image, devices, nics, groups }: Plan): void {
  const step = world.settings.delays.server / 3;
  const gone = (): boolean => !world.servers.has(server.id) || server.task_state === 'deleting';
  const fail = (message: string): void => {
    Object.assign(server, { status: 'ERROR', vm_state: 'error', task_state: null, fault: { code: 500, created: stamp(), message }, updated: stamp() });
    for (const { volume } of devices) if (volume.status !== 'in-use') volume.status = 'available';
  };
  world.clock.after(step, () => {
    if (gone()) return;
    server.reserved = [];
    server.task_state = devices.length > 0 ? 'block_device_mapping' : 'networking';
    try {
      for (const nic of nics) plug(world, server, nic, groups);
    } catch (error) {
      const reason = (error as { reply?: Reply }).reply?.body as { NeutronError?: { message: string } } | undefined;
      return fail(`Build of instance ${server.id} aborted: ${reason?.NeutronError?.message ?? String(error)}`);
    }
    for (const { volume, device } of devices) {
      server.devices.push(device);
      volume.status = 'attaching';
    }
    world.clock.after(step, () => {
      if (gone()) return;
      server.task_state = 'spawning';
      for (const { volume, device } of devices) attached(volume, device, server.id);
      try {
        if (image) server.root = diskOf(image).copy(server.flavor.disk * GIB);
      } catch {
        return fail(`Build of instance ${server.id} aborted: Image ${image!.id} is unacceptable: its content is not ${image!.disk_format}`);
      }
      world.clock.after(step, () => {
        if (gone()) return;
        Object.assign(server, { status: 'ACTIVE', vm_state: 'active', task_state: null, power_state: 1, launched: longStamp(), updated: stamp() });
        server.tags.sort();
        for (const port of world.ports.values()) {
          if (port['device_id'] !== server.id) continue;
          port['status'] = 'ACTIVE';
          for (const floating of world.floatingips.values()) if (floating['port_id'] === port['id']) floating['status'] = 'ACTIVE';
        }
      });
    });
  });
}

export function attached(volume: Volume, device: BlockDevice, serverId: string): void {
  volume.status = 'in-use';
  volume.updated_at = longStamp();
  volume.attachments = [{ attachment_id: device.attachment_id, server_id: serverId, device: device.device, attached_at: longStamp() }];
}

function plug(world: World, server: ServerRecord, nic: Nic, groups: string[]): void {
  const owner = `compute:${server.zone}`;
  let { port } = nic;
  if (port) Object.assign(port, { device_id: server.id, device_owner: owner });
  else {
    if (nic.fixed_ip !== undefined && !subnetsOf(world, nic.network!['id']).some((subnet) => contains(subnet['cidr'], nic.fixed_ip!))) throw new Error(`Invalid input received: Fixed IP ${nic.fixed_ip} is not a valid ip address for network ${nic.network!['id']}.`);
    port = makePort(world, {
      network_id: nic.network!['id'],
      device_id: server.id,
      device_owner: owner,
      ...(nic.fixed_ip === undefined ? {} : { fixed_ips: [{ ip_address: nic.fixed_ip }] }),
      ...(groups.length > 0 && nic.network!['port_security_enabled'] ? { security_groups: groups } : {}),
    });
    server.ownPorts.add(port['id']);
  }
  if (nic.tag !== undefined) server.portTags.set(port['id'], nic.tag);
  port['revision_number'] += 1;
  port['updated_at'] = stamp();
}
