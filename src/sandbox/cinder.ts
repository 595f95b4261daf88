import { randomUUID } from 'node:crypto';
import { longStamp } from './clock.ts';
import { Bytes } from './disk/bytes.ts';
import { writeQcow2 } from './disk/qcow2.ts';
import { diskOf, newImage, store } from './glance.ts';
import { htmlNotFound, Refusal, route, type Api, type Body, type Handler, type Reply, type Request } from './http.ts';
import { accepted } from './keystone.ts';
import { checkStrings, denied, fault, invalid, listBody, microversion, onlyKnown, page, python, refuse, type Microversion } from './versions.ts';
import { newest, type Image, type Snapshot, type Volume, type World } from './world.ts';

const GIB = 2 ** 30;
const UNDELETABLE = 'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.';
const BOOLEANS = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't', false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f'];
const truthy = (value: unknown): boolean => BOOLEANS.indexOf(value as string) < BOOLEANS.indexOf(false) && BOOLEANS.includes(value as string);

const VOLUME_ATTRIBUTES = ['name', 'description', 'display_name', 'display_description', 'volume_type', 'metadata', 'snapshot_id', 'source_volid', 'consistencygroup_id', 'size', 'availability_zone', 'multiattach', 'image_id', 'imageRef', 'group_id', 'backup_id'];

type Versioned = (request: Request, version: Microversion) => Reply | Promise<Reply>;

export function cinder(world: World): Api {
  const { settings, clock } = world;
  const at = (request: Request): Microversion => microversion(request, 'volume', settings.volume);
  const root = (): object => ({
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: settings.volume,
        min_version: '3.0',
        updated: '2022-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${world.roots.volume}/v3/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
      },
    ],
  });
  const own = (pattern: string, handle: Versioned): ReturnType<typeof route> => {
    const [method, path] = pattern.split(' ') as [string, string];
    const wrapped: Handler = (request) => {
      if (request.params['project'] !== world.projectId) throw refuse(400, 'Malformed request url');
      return handle(request, at(request));
    };
    return route(`${method} /v3/:project${path}`, wrapped);
  };
  const volume = (request: Request): Volume => findVolume(world, request.params['id']!);
  const snapshot = (request: Request): Snapshot => findSnapshot(world, request.params['id']!);
  const volumes = (request: Request): Volume[] => filter(newest(world.volumes), request, ['name', 'status', 'bootable', 'availability_zone', 'volume_type'], (one) => ({ ...one, bootable: String(one.bootable) }));
  const snapshots = (request: Request): Snapshot[] => filter(newest(world.snapshots), request, ['name', 'status', 'volume_id'], (one) => one as unknown as Record<string, unknown>);
  const brief = (one: { id: string; name: string | null }, request: Request): object => ({ id: one.id, name: one.name, links: links(world, request, one.id) });
  const cap = settings.pageCap ?? 1000;

  return {
    enter(request) {
      if (request.path === '/' || request.path === '/v3/' || request.path === '/v3') return;
      requireToken(world, request);
    },
    notFound: htmlNotFound,
    badJson: () => fault(400, 'Malformed request body'),
    headers(request) {
      const asked = /volume\s+([\d.]+|latest)/.exec(String(request.headers['openstack-api-version'] ?? ''))?.[1] ?? '3.0';
      return { 'openstack-api-version': `volume ${asked === 'latest' ? settings.volume : asked}`, vary: 'OpenStack-API-Version' };
    },
    routes: [
      route('GET /', () => ({ status: 300, body: root() })),
      route('GET /v3', () => ({ status: 200, body: root() })),
      own('GET /volumes', (request) => ({ status: 200, body: listBody('volumes', page(volumes(request), request, (one) => one.id, cap), (one) => brief(one, request)) })),
      own('GET /volumes/detail', (request, version) => ({ status: 200, body: listBody('volumes', page(volumes(request), request, (one) => one.id, cap), (one) => showVolume(world, one, version, request)) })),
      own('POST /volumes', async (request, version) => createVolume(world, request, version, ((await request.json()) ?? {}).volume)),
      own('GET /volumes/:id', (request, version) => ({ status: 200, body: { volume: showVolume(world, volume(request), version, request) } })),
      own('PUT /volumes/:id', async (request, version) => {
        const one = volume(request);
        const body: Body = (await request.json())?.volume ?? {};
        onlyKnown('volume', body, ['name', 'description', 'display_name', 'display_description', 'metadata']);
        if (body.metadata) checkStrings(body.metadata);
        Object.assign(one, body, { updated_at: longStamp() });
        return { status: 200, body: { volume: showVolume(world, one, version, request, true) } };
      }),
      own('DELETE /volumes/:id', (request) => deleteVolume(world, volume(request), request.query.get('cascade') === 'true')),
      own('POST /volumes/:id/action', (request, version) => act(world, request, version, volume(request))),
      own('GET /volumes/:id/metadata', (request) => ({ status: 200, body: { metadata: volume(request).metadata } })),
      own('POST /volumes/:id/metadata', (request) => setMetadata(request, volume(request), false)),
      own('PUT /volumes/:id/metadata', (request) => setMetadata(request, volume(request), true)),
      own('DELETE /volumes/:id/metadata/:key', (request) => {
        const { metadata } = volume(request);
        const key = request.params['key']!;
        if (!(key in metadata)) throw refuse(404, 'Metadata item was not found.');
        delete metadata[key];
        return { status: 200, headers: { 'content-type': 'text/html; charset=UTF-8' } };
      }),
      own('GET /snapshots', (request, version) => ({ status: 200, body: listBody('snapshots', page(snapshots(request), request, (one) => one.id, cap), (one) => showSnapshot(world, one, version, true)) })),
      own('GET /snapshots/detail', (request, version) => ({ status: 200, body: listBody('snapshots', page(snapshots(request), request, (one) => one.id, cap), (one) => showSnapshot(world, one, version)) })),
      own('POST /snapshots', async (request, version) => createSnapshot(world, version, ((await request.json()) ?? {}).snapshot)),
      own('GET /snapshots/:id', (request, version) => ({ status: 200, body: { snapshot: showSnapshot(world, snapshot(request), version) } })),
      own('PUT /snapshots/:id', async (request, version) => {
        const one = snapshot(request);
        const body: Body = (await request.json())?.snapshot ?? {};
        onlyKnown('snapshot', body, ['name', 'description', 'display_name', 'display_description']);
        Object.assign(one, body, { updated_at: longStamp() });
        return { status: 200, body: { snapshot: showSnapshot(world, one, version, true) } };
      }),
      own('DELETE /snapshots/:id', (request) => {
        const one = snapshot(request);
        if (one.status !== 'available' && one.status !== 'error') throw refuse(400, 'Invalid snapshot: Snapshot status must be available or error and must not be part of a group.');
        one.status = 'deleting';
        clock.after(settings.delays.remove, () => void world.snapshots.delete(one.id));
        return { status: 202, headers: { 'content-type': 'text/html; charset=UTF-8' } };
      }),
      own('GET /types', () => ({ status: 200, body: { volume_types: world.volumeTypes.map((type) => showType(type)) } })),
      own('GET /types/:id', (request) => {
        const id = request.params['id']!;
        const type = id === 'default' ? world.volumeTypes[0] : world.volumeTypes.find((one) => one.id === id);
        if (!type) throw refuse(404, `Volume type ${id} could not be found.`);
        return { status: 200, body: { volume_type: showType(type, id !== 'default') } };
      }),
      own('GET /limits', () => ({ status: 200, body: { limits: { rate: [], absolute: limits(world) } } })),
      own('GET /os-quota-sets/:tenant', (request) => ({ status: 200, body: { quota_set: quotas(world, truthy(request.query.get('usage') ?? 'False')) } })),
      own('GET /os-availability-zone', () => ({ status: 200, body: { availabilityZoneInfo: settings.zones.volume.map((zoneName) => ({ zoneName, zoneState: { available: true } })) } })),
      own('GET /attachments', (_request, version) => {
        if (version.minor < 27) throw refuse(404, 'The resource could not be found.');
        const attachments = newest(world.volumes).flatMap((one) => one.attachments.map((attachment) => ({ id: attachment.attachment_id, status: 'attached', instance: attachment.server_id, volume_id: one.id })));
        return { status: 200, body: { attachments } };
      }),
      own('GET /backups/detail', () => ({ status: 200, body: { backups: [] } })),
      own('GET /backups', () => ({ status: 200, body: { backups: [] } })),
      own('GET /os-services', () => {
        throw denied('volume_extension:services:index');
      }),
    ],
  };
}

export function requireToken(world: World, request: Request): void {
  if (accepted(world, request.headers['x-auth-token'] as string | undefined)) return;
  throw new Refusal({ status: 401, headers: { 'www-authenticate': `Keystone uri="${world.authUrl}"` }, body: { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } } });
}

export function findVolume(world: World, id: string): Volume {
  const volume = world.volumes.get(id);
  if (!volume) throw refuse(404, `Volume ${id} could not be found.`);
  return volume;
}

function findSnapshot(world: World, id: string): Snapshot {
  const snapshot = world.snapshots.get(id);
  if (!snapshot) throw refuse(404, `Snapshot ${id} could not be found.`);
  return snapshot;
}

function filter<T>(all: T[], request: Request, keys: string[], view: (one: T) => Record<string, unknown>): T[] {
  return all.filter((one) => keys.every((key) => request.query.get(key) === null || String(view(one)[key]) === request.query.get(key)));
}

function createVolume(world: World, request: Request, version: Microversion, body: Body): Reply {
  const { settings, clock } = world;
  if (!body || typeof body !== 'object') throw invalid('body', body, "'volume' is a required property");
  if (version.minor >= 53) onlyKnown('volume', body, VOLUME_ATTRIBUTES);
  if (body.metadata) checkStrings(body.metadata);
  if (body.size !== undefined && body.size !== null && !/^\d+$/.test(String(body.size))) throw invalid('size', body.size, `${python(body.size)} is not of type 'integer'`);
  if (body.size !== undefined && body.size !== null && Number(body.size) < 1) throw invalid('size', body.size, `${body.size} is less than the minimum of 1`);
  const imageRef: string | undefined = body.imageRef ?? body.image_id ?? undefined;
  const snapshot = body.snapshot_id ? findSnapshot(world, body.snapshot_id) : undefined;
  const source = body.source_volid ? findVolume(world, body.source_volid) : undefined;
  const type = body.volume_type ? world.volumeTypes.find((one) => one.name === body.volume_type || one.id === body.volume_type) : undefined;
  if (body.volume_type && !type) throw refuse(404, `Volume type with name ${body.volume_type} could not be found.`);
  const zone = body.availability_zone ?? settings.zones.volume[0]!;
  if (!settings.zones.volume.includes(zone)) throw refuse(400, `Availability zone '${zone}' is invalid.`);
  let image: Image | undefined;
  if (imageRef) {
    image = world.images.get(imageRef);
    if (!image) throw refuse(400, 'Invalid image identifier or unable to access requested image.');
    if (image.status !== 'active') throw refuse(400, `Invalid input received: Image ${image.id} is not active.`);
    if (image.properties['block_device_mapping'] && version.minor < 46) throw refuse(400, 'Invalid image: Invalid image identifier or unable to access requested image.');
  }
  if (snapshot && snapshot.status !== 'available') throw refuse(400, `Invalid snapshot: Originating snapshot status must be one of 'available' values`);
  if (source && !['available', 'in-use'].includes(source.status)) throw refuse(400, `Invalid volume: Volume ${source.id} status must be available or in-use.`);
  const least = snapshot?.size ?? source?.size ?? 0;
  const size = Number(body.size ?? (least || undefined));
  if (!size) throw refuse(400, 'The server could not comply with the request since it is either malformed or otherwise incorrect.');
  if (snapshot && size < snapshot.size) throw refuse(400, `Invalid input received: Volume size '${size}'GB cannot be smaller than the snapshot size ${snapshot.size}GB. They must be >= original snapshot size.`);
  if (source && size < source.size) throw refuse(400, `Invalid input received: Volume size '${size}'GB cannot be smaller than original volume size ${source.size}GB. They must be >= original volume size.`);
  if (image && image.size! > size * GIB) throw refuse(400, `Invalid input received: Size of specified image ${Math.ceil(image.size! / GIB)}GB is larger than volume size ${size}GB.`);
  if (image && image.min_disk > size) throw refuse(400, `Invalid input received: Volume size ${size}GB cannot be smaller than the image minDisk size ${image.min_disk}GB.`);
  checkQuota(world, 'volumes', size);

  world.counter += 1;
  const volume: Volume = {
    id: randomUUID(),
    name: body.name ?? body.display_name ?? null,
    description: body.description ?? body.display_description ?? null,
    status: 'creating',
    size,
    availability_zone: zone,
    volume_type: type?.name ?? settings.volumeTypes[0]!,
    snapshot_id: snapshot?.id ?? null,
    source_volid: source?.id ?? null,
    metadata: body.metadata ?? {},
    imageMetadata: {},
    bootable: snapshot?.bootable ?? source?.bootable ?? false,
    multiattach: false,
    attachments: [],
    created_at: new Date().toISOString().replace('Z', '000'),
    updated_at: null,
    data: snapshot?.data.copy(size * GIB) ?? source?.data.copy(size * GIB) ?? new Bytes(size * GIB),
    order: world.counter,
  };
  world.volumes.set(volume.id, volume);
  const done = (status: string): void => {
    volume.status = status;
    volume.created_at = volume.created_at.replace(/\.\d+$/, '.000000');
    volume.updated_at = longStamp();
  };
  clock.after(settings.delays.volume, () => {
    Object.assign(volume.imageMetadata, snapshot?.imageMetadata ?? source?.imageMetadata);
    if (!image) return done('available');
    done('downloading');
    clock.after(settings.delays.volume, () => {
      try {
        const disk = diskOf(image);
        if (disk.size > size * GIB) throw new Error('larger than the volume');
        volume.data = disk.copy(size * GIB);
      } catch {
        return done('error');
      }
      volume.bootable = true;
      volume.imageMetadata = imageMetadata(image);
      done('available');
    });
  });
  return { status: 202, body: { volume: showVolume(world, volume, version, request, true) } };
}

/** What a volume keeps of the image it was made from. */
function imageMetadata(image: Image): Record<string, string> {
  return {
    signature_verified: 'False',
    ...image.properties,
    image_id: image.id,
    image_name: image.name ?? '',
    checksum: image.checksum ?? '',
    container_format: image.container_format ?? '',
    disk_format: image.disk_format ?? '',
    min_disk: String(image.min_disk),
    min_ram: String(image.min_ram),
    size: String(image.size),
  };
}

export function deleteVolume(world: World, volume: Volume, cascade = false): Reply {
  const mine = [...world.snapshots.values()].filter((one) => one.volume_id === volume.id);
  if (!/^(available|error|error_restoring|error_extending|error_managing)$/.test(volume.status) || volume.attachments.length > 0 || (mine.length > 0 && !cascade)) throw refuse(400, UNDELETABLE);
  volume.status = 'deleting';
  for (const one of mine) one.status = 'deleting';
  world.clock.after(world.settings.delays.remove, () => {
    for (const one of mine) world.snapshots.delete(one.id);
    world.volumes.delete(volume.id);
  });
  return { status: 202, headers: { 'content-type': 'text/html; charset=UTF-8' } };
}

function createSnapshot(world: World, version: Microversion, body: Body): Reply {
  if (!body || typeof body !== 'object') throw invalid('body', body, "'snapshot' is a required property");
  onlyKnown('snapshot', body, ['name', 'description', 'display_name', 'display_description', 'volume_id', 'force', 'metadata']);
  if (body.metadata) checkStrings(body.metadata);
  if (typeof body.volume_id !== 'string') throw invalid('snapshot', body, "'volume_id' is a required property");
  if (body.force !== undefined && !BOOLEANS.includes(body.force)) throw invalid('force', body.force, `${python(body.force)} is not one of ${python(BOOLEANS)}`);
  const volume = findVolume(world, body.volume_id);
  if (version.minor >= 66 && body.force !== undefined && !truthy(body.force)) {
    throw refuse(400, "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.");
  }
  const force = version.minor >= 66 || truthy(body.force);
  if (volume.status !== 'available' && !(force && volume.status === 'in-use')) throw refuse(400, `Invalid volume: Volume ${volume.id} status must be available${force ? ' or in-use' : ''}, but current status is: ${volume.status}.`);
  const snapshot = takeSnapshot(world, volume, body.name ?? body.display_name ?? null, body.description ?? body.display_description ?? null, body.metadata ?? {});
  return { status: 202, body: { snapshot: showSnapshot(world, snapshot, version, true) } };
}

/** A snapshot of the volume as it is now. */
export function takeSnapshot(world: World, volume: Volume, name: string | null, description: string | null, metadata: Record<string, string> = {}): Snapshot {
  checkQuota(world, 'snapshots', volume.size);
  world.counter += 1;
  const snapshot: Snapshot = {
    id: randomUUID(),
    name,
    description,
    volume_id: volume.id,
    status: 'creating',
    size: volume.size,
    metadata,
    imageMetadata: { ...volume.imageMetadata },
    bootable: volume.bootable,
    created_at: new Date().toISOString().replace('Z', '000'),
    updated_at: null,
    data: volume.data.copy(),
    order: world.counter,
  };
  world.snapshots.set(snapshot.id, snapshot);
  world.clock.after(world.settings.delays.snapshot, () => {
    snapshot.status = 'available';
    snapshot.created_at = snapshot.created_at.replace(/\.\d+$/, '.000000');
    snapshot.updated_at = longStamp();
  });
  return snapshot;
}

async function act(world: World, request: Request, version: Microversion, volume: Volume): Promise<Reply> {
  const body: Body = (await request.json()) ?? {};
  const action = Object.keys(body)[0] ?? '';
  const given = body[action] ?? {};
  switch (action) {
    case 'os-set_image_metadata':
      checkStrings(given.metadata ?? {});
      Object.assign(volume.imageMetadata, given.metadata);
      return { status: 200, body: { metadata: volume.imageMetadata } };
    case 'os-show_image_metadata':
      return { status: 200, body: { metadata: volume.imageMetadata } };
    case 'os-unset_image_metadata':
      if (!(given.key in volume.imageMetadata)) throw refuse(404, 'Metadata item was not found.');
      delete volume.imageMetadata[given.key];
      return { status: 200, headers: { 'content-type': 'text/html; charset=UTF-8' } };
    case 'os-set_bootable':
      volume.bootable = truthy(given.bootable);
      return { status: 200, headers: { 'content-type': 'application/json' } };
    case 'os-update_readonly_flag':
      return { status: 202 };
    case 'os-extend':
      if (!(Number(given.new_size) > volume.size)) throw refuse(400, `Invalid input received: New size for extend must be greater than current size. (current: ${volume.size}, extended: ${given.new_size}).`);
      if (volume.status !== 'available') throw refuse(400, `Invalid volume: Volume ${volume.id} status must be '('available',)' to extend, currently ${volume.status}.`);
      volume.status = 'extending';
      world.clock.after(world.settings.delays.volume, () => {
        volume.size = Number(given.new_size);
        volume.data.resize(volume.size * GIB);
        volume.status = 'available';
      });
      return { status: 202 };
    case 'os-volume_upload_image':
      return uploadToImage(world, version, volume, given);
    case 'os-reset_status':
      throw denied('volume_extension:volume_admin_actions:reset_status');
    case 'os-force_delete':
      throw denied('volume_extension:volume_admin_actions:force_delete');
    default:
      throw refuse(400, `There is no such action: ${action}. Verify the request body and Content-Type header and try again.`);
  }
}

function uploadToImage(world: World, version: Microversion, volume: Volume, given: Body): Reply {
  const { settings, clock } = world;
  const formats = ['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop'];
  const known = ['image_name', 'force', 'disk_format', 'container_format', ...(version.minor >= 1 ? ['visibility', 'protected'] : [])];
  onlyKnown('os-volume_upload_image', given, known);
  if (typeof given.image_name !== 'string') throw invalid('os-volume_upload_image', given, "'image_name' is a required property");
  const format = given.disk_format ?? 'raw';
  if (!formats.includes(format)) throw invalid('disk_format', format, `${python(format)} is not one of ${python(formats)}`);
  if (given.visibility === 'public') throw denied('volume_extension:volume_actions:upload_public');
  const force = truthy(given.force) && settings.policy.forceUpload;
  if (volume.status !== 'available' && !(force && volume.status === 'in-use')) throw refuse(400, `Invalid volume: Volume ${volume.id} status must be available${force ? ' or in-use' : ''}`);
  const before = volume.status;
  const imageProperties = Object.fromEntries(Object.entries(volume.imageMetadata).filter(([key]) => !['image_id', 'image_name', 'checksum', 'container_format', 'disk_format', 'min_disk', 'min_ram', 'size'].includes(key)));
  const image = newImage(
    world,
    {
      name: given.image_name,
      disk_format: format,
      container_format: given.container_format ?? 'bare',
      visibility: given.visibility ?? (version.minor >= 1 ? 'private' : 'shared'),
      protected: given.protected ?? false,
    },
    imageProperties,
  );
  volume.status = 'uploading';
  const { data } = volume;
  clock.after(settings.delays.volumeUpload / 2, () => {
    image.status = 'saving';
    clock.after(settings.delays.volumeUpload / 2, async () => {
      await store(image, format === 'qcow2' ? writeQcow2(data) : data.copy());
      volume.status = before;
    });
  });
  const { id, name } = world.volumeTypes.find((type) => type.name === volume.volume_type)!;
  return {
    status: 202,
    body: {
      'os-volume_upload_image': {
        id: volume.id,
        updated_at: volume.updated_at,
        status: 'uploading',
        display_description: volume.description,
        size: volume.size,
        volume_type: { id, name, is_public: true, description: null, extra_specs: {} },
        image_id: image.id,
        container_format: image.container_format,
        disk_format: image.disk_format,
        image_name: image.name,
        ...(version.minor >= 1 ? { protected: image.protected, visibility: image.visibility } : {}),
      },
    },
  };
}

async function setMetadata(request: Request, volume: Volume, replace: boolean): Promise<Reply> {
  const metadata = (await request.json())?.metadata ?? {};
  checkStrings(metadata);
  volume.metadata = replace ? metadata : { ...volume.metadata, ...metadata };
  return { status: 200, body: { metadata: volume.metadata } };
}

function links(world: World, request: Request, id: string): object[] {
  return [
    { rel: 'self', href: `${request.root}/v3/${world.projectId}/volumes/${id}` },
    { rel: 'bookmark', href: `${request.root}/${world.projectId}/volumes/${id}` },
  ];
}

function showVolume(world: World, volume: Volume, { minor }: Microversion, request: Request, fresh = false): object {
  const type = world.volumeTypes.find((one) => one.name === volume.volume_type)!;
  const placed = volume.status !== 'creating' && volume.status !== 'error';
  return {
    id: volume.id,
    status: volume.status,
    size: volume.size,
    availability_zone: volume.availability_zone,
    created_at: volume.created_at,
    updated_at: volume.updated_at,
    name: volume.name,
    description: volume.description,
    volume_type: volume.volume_type,
    snapshot_id: volume.snapshot_id,
    source_volid: volume.source_volid,
    metadata: volume.metadata,
    links: links(world, request, volume.id),
    user_id: world.userId,
    bootable: String(volume.bootable),
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: volume.attachments.map((one) => ({ id: volume.id, attachment_id: one.attachment_id, volume_id: volume.id, server_id: one.server_id, host_name: null, device: one.device, attached_at: one.attached_at })),
    ...(minor >= 13 ? { group_id: null } : {}),
    ...(minor >= 48 ? { shared_targets: !placed, service_uuid: placed ? world.serviceId : null } : {}),
    ...(minor >= 63 ? { volume_type_id: type.id } : {}),
    ...(minor >= 65 ? { consumes_quota: true } : {}),
    ...(fresh ? {} : { 'os-vol-tenant-attr:tenant_id': world.projectId }),
    ...(!fresh && Object.keys(volume.imageMetadata).length > 0 ? { volume_image_metadata: volume.imageMetadata } : {}),
  };
}

function showSnapshot(world: World, snapshot: Snapshot, { minor }: Microversion, brief = false): object {
  return {
    id: snapshot.id,
    created_at: snapshot.created_at,
    updated_at: snapshot.updated_at,
    name: snapshot.name,
    description: snapshot.description,
    volume_id: snapshot.volume_id,
    status: snapshot.status,
    size: snapshot.size,
    metadata: snapshot.metadata,
    ...(minor >= 14 ? { group_snapshot_id: null } : {}),
    ...(minor >= 41 ? { user_id: world.userId } : {}),
    ...(minor >= 65 ? { consumes_quota: true } : {}),
    ...(brief ? {} : { 'os-extended-snapshot-attributes:project_id': world.projectId, 'os-extended-snapshot-attributes:progress': snapshot.status === 'available' ? '100%' : '0%' }),
  };
}

function showType(type: World['volumeTypes'][number], access = true): object {
  return { id: type.id, name: type.name, is_public: true, description: type.description, extra_specs: {}, ...(access ? { 'os-volume-type-access:is_public': true } : {}) };
}

function used(world: World): Record<string, number> {
  const volumes = [...world.volumes.values()];
  const snapshots = [...world.snapshots.values()];
  const sum = (all: { size: number }[]): number => all.reduce((total, { size }) => total + size, 0);
  const use: Record<string, number> = { volumes: volumes.length, snapshots: snapshots.length, gigabytes: sum(volumes) + sum(snapshots) };
  for (const { name } of world.volumeTypes) {
    const here = volumes.filter((one) => one.volume_type === name);
    const taken = snapshots.filter((one) => world.volumes.get(one.volume_id)?.volume_type === name);
    use[`volumes_${name}`] = here.length;
    use[`gigabytes_${name}`] = sum(here) + sum(taken);
    use[`snapshots_${name}`] = taken.length;
  }
  return use;
}

function checkQuota(world: World, what: 'volumes' | 'snapshots', size: number): void {
  const { volume: limit } = world.settings.quotas;
  const use = used(world);
  const over = (message: string): never => {
    throw refuse(413, message, { 'retry-after': '0' });
  };
  if (limit['per_volume_gigabytes']! >= 0 && size > limit['per_volume_gigabytes']!) over(`VolumeSizeExceedsLimit: Requested volume size ${size}G is larger than maximum allowed limit ${limit['per_volume_gigabytes']}G.`);
  if (limit['gigabytes']! >= 0 && use['gigabytes']! + size > limit['gigabytes']!) over(`VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${size}G, quota is ${limit['gigabytes']}G and ${use['gigabytes']}G has been consumed.`);
  if (limit[what]! >= 0 && use[what]! + 1 > limit[what]!) over(what === 'volumes' ? `VolumeLimitExceeded: Maximum number of volumes allowed (${limit[what]}) exceeded for quota 'volumes'.` : `SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit[what]}) exceeded`);
}

function quotas(world: World, usage: boolean): object {
  const use = used(world);
  const limit: Record<string, number> = { ...world.settings.quotas.volume };
  for (const { name } of world.volumeTypes) for (const what of ['volumes', 'gigabytes', 'snapshots']) limit[`${what}_${name}`] = -1;
  const entries = Object.entries(limit).map(([key, value]) => [key, usage ? { limit: value, in_use: use[key] ?? 0, reserved: 0 } : value]);
  return { ...Object.fromEntries(entries), id: world.projectId };
}

function limits(world: World): object {
  const use = used(world);
  const { volume: limit } = world.settings.quotas;
  return {
    totalVolumesUsed: use['volumes'],
    totalGigabytesUsed: use['gigabytes'],
    totalSnapshotsUsed: use['snapshots'],
    totalBackupsUsed: 0,
    totalBackupGigabytesUsed: 0,
    maxTotalVolumes: limit['volumes'],
    maxTotalSnapshots: limit['snapshots'],
    maxTotalVolumeGigabytes: limit['gigabytes'],
    maxTotalBackups: limit['backups'],
    maxTotalBackupGigabytes: limit['backup_gigabytes'],
  };
}
