import { randomBytes, randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import type { Body, Reply, Request } from '../http.ts';
import { contains } from '../neutron/addresses.ts';
import { takenAddresses, subnetsOf } from '../neutron/ports.ts';
import { defaultGroup } from '../neutron/groups.ts';
import { checkStrings, denied, invalid, onlyKnown, refuse, type Microversion } from '../versions.ts';
import type { BlockDevice, Flavor, Image, ServerRecord, Shown, World } from '../world.ts';
import { build, type Nic, type Planned } from './build.ts';
import { links } from './view.ts';

const GIB = 2 ** 30;

function knownAttributes(minor: number): string[] {
  const known = ['name', 'imageRef', 'flavorRef', 'adminPass', 'metadata', 'networks', 'OS-DCF:diskConfig', 'accessIPv4', 'accessIPv6', 'availability_zone', 'block_device_mapping', 'block_device_mapping_v2', 'config_drive', 'key_name', 'min_count', 'max_count', 'return_reservation_id', 'security_groups', 'user_data'];
  if (minor < 57) known.push('personality');
  if (minor >= 19) known.push('description');
  if (minor >= 52) known.push('tags');
  if (minor >= 63) known.push('trusted_image_certificates');
  if (minor >= 74) known.push('host', 'hypervisor_hostname');
  if (minor >= 90) known.push('hostname');
  return known;
}

export async function createServer(world: World, request: Request, { minor }: Microversion): Promise<Reply> {
  const whole: Body = (await request.json()) ?? {};
  const body: Body = whole.server;
  if (!body || typeof body !== 'object') throw invalid('body', whole, "'server' is a required property");
  onlyKnown('server', body, knownAttributes(minor));
  for (const key of ['name', 'flavorRef', ...(minor >= 37 ? ['networks'] : [])]) if (body[key] === undefined) throw invalid('server', body, `'${key}' is a required property`);
  if (body.name === '') throw invalid('name', '', "'' is too short");
  checkStrings(body.metadata ?? {});
  if (body.tags && (new Set(body.tags).size !== body.tags.length || body.tags.length > 50)) throw invalid('tags', body.tags, `${body.tags} has non-unique elements`);
  const zone = chooseZone(world, body.availability_zone);
  if (body.host !== undefined || body.hypervisor_hostname !== undefined) throw denied('compute:servers:create:requested_destination');
  const hints = whole['os:scheduler_hints'] ?? whole['OS-SCH-HNT:scheduler_hints'] ?? {};
  if (hints.group !== undefined && !world.serverGroups.has(hints.group)) throw refuse(400, `Instance group ${hints.group} could not be found.`);
  const flavor = findFlavor(world, body.flavorRef);
  const { image, devices } = blockDevices(world, body, flavor);
  if (body.key_name !== undefined && body.key_name !== null && !world.keypairs.has(body.key_name)) throw refuse(400, 'Invalid key_name provided.');
  const groups: string[] = (body.security_groups ?? []).map((one: { name: string }) => groupByName(world, one.name));
  const nics = chooseNics(world, body.networks, minor);
  const count = Number(body.min_count ?? 1);
  checkQuota(world, flavor, count, hints.group);

  world.counter += 1;
  const server: ServerRecord = {
    id: randomUUID(),
    name: body.name,
    status: 'BUILD',
    vm_state: 'building',
    task_state: 'scheduling',
    power_state: 0,
    description: body.description ?? (minor >= 19 ? null : body.name),
    metadata: body.metadata ?? {},
    tags: body.tags ?? [],
    flavor,
    image: image?.id,
    key_name: body.key_name ?? null,
    config_drive: body.config_drive === true || String(body.config_drive).toLowerCase() === 'true' ? 'True' : '',
    user_data: body.user_data ?? null,
    zone,
    created: stamp(),
    updated: stamp(),
    launched: null,
    hostname: body.hostname ?? hostname(body.name),
    diskConfig: body['OS-DCF:diskConfig'] ?? 'MANUAL',
    locked: false,
    devices: [],
    reserved: devices.map(({ volume }) => volume),
    root: undefined,
    group: hints.group,
    ownPorts: new Set(),
    portTags: new Map(),
    fault: undefined,
    order: world.counter,
  };
  world.servers.set(server.id, server);
  for (const volume of server.reserved) volume.status = 'reserved';
  build(world, server, { image, devices, nics, groups });
  const shown = groups.length > 0 ? body.security_groups : [{ name: 'default' }];
  return {
    status: 202,
    headers: { location: `${request.root}/v2.1/servers/${server.id}` },
    body: { server: { id: server.id, links: links(request, 'servers', server.id), 'OS-DCF:diskConfig': server.diskConfig, security_groups: shown, adminPass: randomBytes(9).toString('base64url').slice(0, 12) } },
  };
}

function hostname(name: string): string {
  const clean = name.normalize('NFKD').replace(/[ _]/g, '-').replace(/[^\w.-]+/g, '').toLowerCase().replace(/^[.-]+|[.-]+$/g, '').slice(0, 63);
  return clean === '' ? 'server' : clean;
}

function chooseZone(world: World, wanted: string | undefined): string {
  const zones = world.settings.zones.compute;
  if (wanted === undefined || wanted === null) return zones[0]!;
  if (wanted.includes(':')) throw denied('os_compute_api:servers:create:forced_host');
  if (!zones.includes(wanted)) throw refuse(400, 'The requested availability zone is not available');
  return wanted;
}

function findFlavor(world: World, ref: string): Flavor {
  const id = String(ref).split('/').pop()!;
  const flavor = world.flavors.get(id);
  if (!flavor) throw refuse(400, `Flavor ${id} could not be found.`);
  return flavor;
}

function blockDevices(world: World, body: Body, flavor: Flavor): { image: Image | undefined; devices: Planned[] } {
  const mappings: Body[] = body.block_device_mapping_v2 ?? [];
  const devices: Planned[] = [];
  let image: Image | undefined;
  for (const mapping of mappings) {
    if (mapping.source_type === 'image' && mapping.destination_type === 'local') continue;
    if (mapping.source_type !== 'volume') throw refuse(400, `Block Device Mapping is Invalid: source_type ${mapping.source_type} is not simulated.`);
    const volume = world.volumes.get(mapping.uuid);
    if (!volume) throw refuse(400, `Block Device Mapping is Invalid: failed to get volume ${mapping.uuid}.`);
    if (volume.status !== 'available') throw refuse(400, `Invalid volume: ${volume.status === 'in-use' ? `volume ${volume.id} is already attached to instances: ${volume.attachments.map((one) => one.server_id).join(', ')}` : `status must be 'available', but is '${volume.status}'`}`);
    const boot = mapping.boot_index === undefined || mapping.boot_index === null ? null : Number(mapping.boot_index);
    if (boot === 0 && !volume.bootable) throw refuse(400, `Block Device ${volume.id} is not bootable.`);
    devices.push({ volume, device: newDevice(volume.id, '', mapping.tag ?? null, mapping.delete_on_termination === true, boot) });
  }
  const boots = devices.some(({ device }) => device.boot_index === 0);
  if (body.imageRef) {
    image = world.images.get(body.imageRef);
    if (!image || (image.owner !== world.projectId && image.visibility === 'private')) throw refuse(400, 'Can not find requested image');
    if (image.status !== 'active') throw refuse(400, `Image ${image.id} is not active.`);
    if (image.properties['block_device_mapping']) throw refuse(400, 'Block Device Mapping is Invalid: images of volume-booted servers are not simulated as boot sources.');
    if (image.min_ram > flavor.ram) throw refuse(400, "Flavor's memory is too small for requested image.");
    if (image.min_disk > flavor.disk) throw refuse(400, "Flavor's disk is smaller than the minimum size specified in image metadata.".replace('Flavor', 'The created instance') + ` Flavor disk is ${flavor.disk * GIB} bytes, minimum size is ${image.min_disk * GIB} bytes.`);
    if ((image.virtual_size ?? image.size ?? 0) > flavor.disk * GIB) throw refuse(400, `Flavor's disk is too small for requested image. Flavor disk is ${flavor.disk * GIB} bytes, image is ${image.virtual_size} bytes.`);
    if (boots) throw refuse(400, 'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.');
  } else if (!boots) throw refuse(400, mappings.length > 0 ? 'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.' : 'Missing imageRef attribute');
  // The root disk is /dev/vda, whether it is a volume or not.
  devices.sort((a, b) => Number(b.device.boot_index === 0) - Number(a.device.boot_index === 0));
  let letter = boots ? 0 : 1;
  for (const { device } of devices) device.device = `/dev/vd${String.fromCodePoint(97 + letter++)}`;
  return { image, devices };
}

export function newDevice(volumeId: string, device: string, tag: string | null, deleted: boolean, boot: number | null): BlockDevice {
  return { volumeId, device, tag, delete_on_termination: deleted, attachment_id: randomUUID(), bdm_uuid: randomUUID(), boot_index: boot };
}

function groupByName(world: World, name: string): string {
  defaultGroup(world);
  const found = [...world.groups.values()].filter((group) => group['id'] === name || group['name'] === name);
  if (found.length === 0) throw refuse(400, `Unable to find security_group with name or id '${name}'`);
  if (found.length > 1) throw refuse(409, `Multiple security groups found matching '${name}'. Use an ID to be more specific.`);
  return found[0]!['id'];
}

function chooseNics(world: World, wanted: Body, minor: number): Nic[] {
  const mine = [...world.networks.values()].filter((network) => network['project_id'] === world.projectId);
  if (wanted === 'none') return [];
  if (wanted === undefined || wanted === 'auto') {
    if (wanted === 'auto' && minor < 37) throw invalid('networks', wanted, "'auto' is not of type 'array'");
    if (mine.length > 1) throw refuse(409, 'Multiple possible networks found, use a Network ID to be more specific.');
    return mine.map((network) => ({ network }));
  }
  return wanted.map((one: Body) => {
    if (one.port !== undefined && one.port !== null) {
      const port = world.ports.get(one.port);
      if (!port) throw refuse(400, `Port id ${one.port} could not be found.`);
      if (port['device_id'] !== '') throw refuse(409, `Port ${port['id']} is still in use.`);
      if (port['fixed_ips'].length === 0) throw refuse(400, `Port ${port['id']} requires a FixedIP in order to be used.`);
      return { port, tag: one.tag };
    }
    const network = world.networks.get(one.uuid);
    if (!network) throw refuse(400, `Network ${one.uuid} could not be found.`);
    if (network['router:external']) throw refuse(403, `It is not allowed to create an interface on external network ${network['id']}`);
    const subnets = subnetsOf(world, network['id']);
    if (subnets.length === 0) throw refuse(400, `Network ${network['id']} requires a subnet in order to boot instances on.`);
    const subnet = subnets.find((item) => one.fixed_ip !== undefined && contains(item['cidr'], one.fixed_ip));
    if (subnet && takenAddresses(world, subnet['id']).has(one.fixed_ip)) {
      const holder = [...world.ports.values()].find((port) => port['fixed_ips'].some((ip: Shown) => ip['subnet_id'] === subnet['id'] && ip['ip_address'] === one.fixed_ip));
      throw refuse(400, `Fixed IP address ${one.fixed_ip} is already in use on instance ${holder?.['device_id'] ?? ''}.`);
    }
    return { network, fixed_ip: one.fixed_ip, tag: one.tag };
  });
}

function checkQuota(world: World, flavor: Flavor, count: number, group: string | undefined): void {
  const limit = world.settings.quotas.compute;
  const all = [...world.servers.values()];
  const use: Record<string, number> = { cores: all.reduce((sum, one) => sum + one.flavor.vcpus, 0), instances: all.length, ram: all.reduce((sum, one) => sum + one.flavor.ram, 0) };
  const wish: Record<string, number> = { cores: flavor.vcpus * count, instances: count, ram: flavor.ram * count };
  const over = Object.keys(use).filter((key) => limit[key]! >= 0 && use[key]! + wish[key]! > limit[key]!);
  if (over.length > 0) throw refuse(403, `Quota exceeded for ${over.join(', ')}: Requested ${over.map((key) => wish[key]).join(', ')}, but already used ${over.map((key) => use[key]).join(', ')} of ${over.map((key) => limit[key]).join(', ')} ${over.join(', ')}`);
  if (group !== undefined && all.filter((one) => one.group === group).length >= limit['server_group_members']!) throw refuse(403, 'Quota exceeded, too many servers in group');
}
