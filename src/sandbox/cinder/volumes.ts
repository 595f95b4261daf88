import { randomUUID } from 'node:crypto';
import { longStamp } from '../clock.ts';
import { Bytes } from '../disk/bytes.ts';
import { diskOf } from '../glance/images.ts';
import type { Body, Reply, Request } from '../http.ts';
import { checkStrings, invalid, onlyKnown, python, refuse, type Microversion } from '../versions.ts';
import type { Image, Volume, World } from '../world.ts';
import { findSnapshot, findVolume } from './find.ts';
import { checkQuota } from './quotas.ts';
import { showVolume } from './view.ts';

const GIB = 2 ** 30;
const UNDELETABLE = 'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.';
const VOLUME_ATTRIBUTES = ['name', 'description', 'display_name', 'display_description', 'volume_type', 'metadata', 'snapshot_id', 'source_volid', 'consistencygroup_id', 'size', 'availability_zone', 'multiattach', 'image_id', 'imageRef', 'group_id', 'backup_id'];

export function createVolume(world: World, request: Request, version: Microversion, body: Body): Reply {
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
