import { stamp } from '../clock.ts';
import { takeSnapshot } from '../cinder/snapshots.ts';
import { deleteVolume } from '../cinder/volumes.ts';
import { Bytes } from '../disk/bytes.ts';
import { writeQcow2 } from '../disk/qcow2.ts';
import { newImage, store } from '../glance/images.ts';
import type { Body, Reply, Request } from '../http.ts';
import { dropPort } from '../neutron/ports.ts';
import { checkStrings, invalid, onlyKnown, refuse, type Microversion } from '../versions.ts';
import type { ServerRecord, World } from '../world.ts';
import { attached } from './build.ts';
import { newDevice } from './create.ts';
import { portsOf } from './view.ts';

const conflict = (server: ServerRecord, action: string): Error =>
  refuse(409, `Cannot '${action}' instance ${server.id} while it is in ${server.task_state ? `task_state ${server.task_state}` : `vm_state ${server.vm_state}`}`);

export async function act(world: World, server: ServerRecord, request: Request, version: Microversion): Promise<Reply> {
  const body: Body = (await request.json()) ?? {};
  const action = Object.keys(body)[0] ?? '';
  const accepted: Reply = { status: 202, headers: { 'content-type': 'application/json' } };
  if (server.locked && !['unlock', 'createImage', 'os-getConsoleOutput'].includes(action)) throw refuse(409, `Instance ${server.id} is locked`);
  switch (action) {
    case 'createImage':
      return createImage(world, server, version, body.createImage ?? {});
    case 'os-stop':
      if (server.vm_state !== 'active' || server.task_state) throw conflict(server, 'stop');
      change(world, server, 'powering-off', { status: 'SHUTOFF', vm_state: 'stopped', power_state: 4 });
      return accepted;
    case 'os-start':
      if (server.vm_state !== 'stopped' || server.task_state) throw conflict(server, 'start');
      change(world, server, 'powering-on', { status: 'ACTIVE', vm_state: 'active', power_state: 1 });
      return accepted;
    case 'reboot':
      if (server.task_state) throw conflict(server, 'reboot');
      change(world, server, 'rebooting', {});
      return accepted;
    case 'lock':
      server.locked = true;
      return accepted;
    case 'unlock':
      server.locked = false;
      return accepted;
    case 'os-getConsoleOutput':
      return { status: 200, body: { output: `tinyweb: ready ${server.name}\n` } };
    default:
      throw refuse(400, `There is no such action: ${action}`);
  }
}

function change(world: World, server: ServerRecord, task: string, then: Partial<ServerRecord>): void {
  server.task_state = task;
  world.clock.after(world.settings.delays.attach, () => void Object.assign(server, { task_state: null, updated: stamp() }, then));
}

/** What Nova copies from the server into its image, over what the image it came from had. */
function snapshotProperties(world: World, server: ServerRecord, base: Record<string, string>): Record<string, string> {
  return {
    ...base,
    base_image_ref: server.image ?? '',
    owner_user_name: world.settings.username,
    owner_project_name: world.settings.projectName,
    boot_roles: 'member,reader',
    hw_machine_type: 'pc',
    hw_cdrom_bus: 'ide',
    hw_disk_bus: 'virtio',
    hw_input_bus: 'usb',
    hw_pointer_model: 'usbtablet',
    hw_video_model: 'virtio',
    hw_vif_model: 'virtio',
  };
}

function createImage(world: World, server: ServerRecord, { minor }: Microversion, given: Body): Reply {
  onlyKnown('createImage', given, ['name', 'metadata']);
  if (typeof given.name !== 'string') throw invalid('createImage', given, "'name' is a required property");
  if (given.name === '') throw invalid('name', '', "'' is too short");
  checkStrings(given.metadata ?? {});
  if (!['active', 'stopped', 'paused', 'suspended'].includes(server.vm_state) || server.task_state) throw conflict(server, 'createImage');
  const image = server.root ? imageOfRoot(world, server, given) : imageOfVolumes(world, server, given);
  if (minor >= 45) return { status: 202, body: { image_id: image } };
  return { status: 202, headers: { location: `${world.roots.image}/images/${image}`, 'content-type': 'text/html; charset=UTF-8' } };
}

function imageOfRoot(world: World, server: ServerRecord, given: Body): string {
  const base = world.images.get(server.image!);
  const root = server.root!.copy();
  const image = newImage(
    world,
    { name: given.name, visibility: 'private', min_ram: base?.min_ram ?? 0, min_disk: Math.max(base?.min_disk ?? 0, server.flavor.disk) },
    { ...snapshotProperties(world, server, base?.properties ?? {}), instance_uuid: server.id, user_id: world.userId, image_type: 'snapshot', ...given.metadata },
  );
  const step = world.settings.delays.serverImage / 3;
  server.task_state = server.vm_state === 'active' ? 'image_snapshot_pending' : 'image_snapshot';
  world.clock.after(step, () => {
    server.task_state = 'image_pending_upload';
    world.clock.after(step, () => {
      server.task_state = 'image_uploading';
      if (image.status === 'queued') image.status = 'saving';
      Object.assign(image, { disk_format: 'qcow2', container_format: 'bare' });
      world.clock.after(step, async () => {
        Object.assign(image.properties, { image_location: 'snapshot', owner_id: world.projectId, image_state: 'available' });
        if (world.images.has(image.id)) await store(image, writeQcow2(root));
        server.task_state = null;
      });
    });
  });
  return image.id;
}

/** The image of a server that boots from a volume: no bytes, and a snapshot of each of its volumes. */
function imageOfVolumes(world: World, server: ServerRecord, given: Body): string {
  const quota = world.settings.quotas.volume['snapshots']!;
  if (quota >= 0 && world.snapshots.size + server.devices.length > quota) throw refuse(403, 'SnapshotLimitExceeded: Maximum number of snapshots allowed exceeded');
  const mapping = server.devices.map((device) => {
    const volume = world.volumes.get(device.volumeId)!;
    const snapshot = takeSnapshot(world, volume, `snapshot for ${given.name}`, '');
    return {
      no_device: null,
      guest_format: null,
      destination_type: 'volume',
      source_type: 'snapshot',
      disk_bus: 'virtio',
      encryption_options: null,
      encryption_format: null,
      snapshot_id: snapshot.id,
      image_id: null,
      volume_id: null,
      tag: null,
      delete_on_termination: device.delete_on_termination,
      boot_index: device.boot_index ?? -1,
      device_type: 'disk',
      device_name: device.device,
      encryption_secret_uuid: null,
      volume_type: null,
      encrypted: null,
      volume_size: volume.size,
    };
  });
  const root = world.volumes.get(server.devices[0]!.volumeId)!;
  const notImage = ['image_id', 'image_name', 'checksum', 'container_format', 'disk_format', 'min_disk', 'min_ram', 'size'];
  const base = Object.fromEntries(Object.entries(root.imageMetadata).filter(([key]) => !notImage.includes(key)));
  const image = newImage(
    world,
    {
      name: given.name,
      visibility: 'private',
      disk_format: 'qcow2',
      container_format: 'bare',
      min_ram: Number(root.imageMetadata['min_ram'] ?? 0),
      min_disk: Number(root.imageMetadata['min_disk'] ?? 0),
    },
    { ...snapshotProperties(world, server, base), ...given.metadata, root_device_name: '/dev/vda', block_device_mapping: JSON.stringify(mapping), bdm_v2: 'True' },
  );
  void store(image, new Bytes(0)).then(() => void (image.virtual_size = null));
  server.task_state = null;
  return image.id;
}

export function deleteServer(world: World, server: ServerRecord): Reply {
  if (server.locked) throw refuse(409, `Instance ${server.id} is locked`);
  if (server.task_state === 'deleting') return { status: 204 };
  server.task_state = 'deleting';
  world.clock.after(world.settings.delays.serverDelete, () => {
    for (const port of portsOf(world, server)) {
      if (server.ownPorts.has(port['id'])) dropPort(world, port);
      else Object.assign(port, { device_id: '', device_owner: '', status: 'DOWN' });
    }
    for (const volume of server.reserved) volume.status = 'available';
    for (const device of server.devices) {
      const volume = world.volumes.get(device.volumeId);
      if (!volume) continue;
      Object.assign(volume, { status: 'available', attachments: [] });
      if (device.delete_on_termination && ![...world.snapshots.values()].some((one) => one.volume_id === volume.id)) deleteVolume(world, volume);
    }
    world.servers.delete(server.id);
  });
  return { status: 204 };
}

export async function attach(world: World, server: ServerRecord, request: Request, { minor }: Microversion): Promise<Reply> {
  const body: Body = (await request.json())?.volumeAttachment ?? {};
  onlyKnown('volumeAttachment', body, ['volumeId', 'device', ...(minor >= 49 ? ['tag'] : []), ...(minor >= 79 ? ['delete_on_termination'] : [])]);
  if (typeof body.volumeId !== 'string') throw invalid('volumeAttachment', body, "'volumeId' is a required property");
  const volume = world.volumes.get(body.volumeId);
  if (!volume) throw refuse(404, `Volume ${body.volumeId} could not be found.`);
  if (server.task_state || !['active', 'stopped', 'paused'].includes(server.vm_state)) throw conflict(server, 'attach_volume');
  if (volume.attachments.length > 0) throw refuse(400, `Invalid volume: volume ${volume.id} is already attached to instances: ${volume.attachments.map((one) => one.server_id).join(', ')}`);
  if (volume.status !== 'available') throw refuse(400, `Invalid input received: Invalid volume: Volume ${volume.id} status must be available or in-use or downloading to reserve, but the current status is ${volume.status}. (HTTP 400)`);
  const used = new Set(['/dev/vda', ...server.devices.map((one) => one.device)]);
  // The device's name is the hypervisor's affair: what is asked for is not what comes.
  const letter = [...'bcdefghijklmnopqrstuvwxyz'].find((one) => !used.has(`/dev/vd${one}`))!;
  const device = newDevice(volume.id, `/dev/vd${letter}`, body.tag ?? null, body.delete_on_termination ?? false, null);
  server.devices.push(device);
  volume.status = 'reserved';
  const step = world.settings.delays.attach / 2;
  world.clock.after(step, () => {
    volume.status = 'attaching';
    world.clock.after(step, () => {
      if (server.devices.includes(device)) attached(volume, device, server.id);
    });
  });
  return {
    status: 200,
    body: {
      volumeAttachment: { id: volume.id, serverId: server.id, volumeId: volume.id, device: device.device, ...(minor >= 70 ? { tag: device.tag } : {}), ...(minor >= 79 ? { delete_on_termination: device.delete_on_termination } : {}) },
    },
  };
}

export function detach(world: World, server: ServerRecord, volumeId: string): Reply {
  const device = server.devices.find((one) => one.volumeId === volumeId);
  if (!device) {
    if (!world.volumes.has(volumeId)) throw refuse(404, `Volume ${volumeId} could not be found.`);
    throw refuse(404, `Instance ${server.id} is not attached to volume ${volumeId}`);
  }
  if (device.boot_index === 0) throw refuse(400, 'Cannot detach a root device volume');
  const volume = world.volumes.get(volumeId)!;
  if (volume.status !== 'in-use') throw refuse(400, `Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.`);
  volume.status = 'detaching';
  world.clock.after(world.settings.delays.attach, () => {
    server.devices = server.devices.filter((one) => one !== device);
    Object.assign(volume, { status: 'available', attachments: [] });
  });
  return { status: 202, headers: { 'content-type': 'application/json' } };
}
