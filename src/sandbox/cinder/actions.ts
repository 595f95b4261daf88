import { writeQcow2 } from '../disk/qcow2.ts';
import { newImage, store } from '../glance/images.ts';
import type { Body, Reply, Request } from '../http.ts';
import { checkStrings, denied, invalid, onlyKnown, python, refuse, type Microversion } from '../versions.ts';
import type { Volume, World } from '../world.ts';
import { truthy } from './booleans.ts';

const GIB = 2 ** 30;

export async function act(world: World, request: Request, version: Microversion, volume: Volume): Promise<Reply> {
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

export async function setMetadata(request: Request, volume: Volume, replace: boolean): Promise<Reply> {
  const metadata = (await request.json())?.metadata ?? {};
  checkStrings(metadata);
  volume.metadata = replace ? metadata : { ...volume.metadata, ...metadata };
  return { status: 200, body: { metadata: volume.metadata } };
}
