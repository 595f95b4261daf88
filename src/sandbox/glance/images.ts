import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { stamp } from '../clock.ts';
import { Bytes } from '../disk/bytes.ts';
import { isQcow2, readQcow2, virtualSize } from '../disk/qcow2.ts';
import type { Image, World } from '../world.ts';
import { refuse } from './attributes.ts';

export function newImage(world: World, given: Partial<Image>, properties: Record<string, string> = {}): Image {
  const now = stamp();
  world.counter += 1;
  const image: Image = {
    id: randomUUID(),
    name: null,
    disk_format: null,
    container_format: null,
    visibility: 'shared',
    protected: false,
    min_ram: 0,
    min_disk: 0,
    os_hidden: false,
    owner: world.projectId,
    status: 'queued',
    tags: [],
    created_at: now,
    updated_at: now,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_value: null,
    properties,
    data: undefined,
    order: world.counter,
    ...given,
  };
  world.images.set(image.id, image);
  return image;
}

/** Takes the content for good: sizes, digests, `active`. */
export async function store(image: Image, data: Bytes): Promise<void> {
  const md5 = createHash('md5');
  const sha512 = createHash('sha512');
  let count = 0;
  for (const piece of data.stream()) {
    md5.update(piece);
    sha512.update(piece);
    count += 1;
    if (count % 64 === 0) await setImmediate();
  }
  if (image.status === 'deleted') return;
  image.data = data;
  image.size = data.size;
  image.checksum = md5.digest('hex');
  image.os_hash_value = sha512.digest('hex');
  image.virtual_size = image.disk_format === 'raw' ? data.size : image.disk_format === 'qcow2' && isQcow2(data) ? virtualSize(data) : null;
  image.status = 'active';
  image.updated_at = stamp();
}

/** The disk that the image's content is, as Nova and Cinder convert it. */
export function diskOf(image: Image): Bytes {
  const data = image.data ?? new Bytes(0);
  return image.disk_format === 'qcow2' ? readQcow2(data) : data.copy();
}

export function checkContent(world: World, image: Image, data: Bytes): void {
  if (!world.settings.policy.requireImageFormatMatch || image.container_format !== 'bare') return;
  const qcow2 = isQcow2(data);
  const is = qcow2 ? 'qcow2' : 'raw';
  if ((image.disk_format === 'qcow2' && !qcow2) || (image.disk_format === 'raw' && qcow2)) {
    throw refuse(415, `The Image object ${image.id} cannot be stored: Image content does not match disk_format: declared ${image.disk_format}, found ${is}`);
  }
}

export function showImage(image: Image): object {
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtual_size,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: image.os_hash_value === null ? null : 'sha512',
    os_hash_value: image.os_hash_value,
    id: image.id,
    created_at: image.created_at,
    updated_at: image.updated_at,
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
    ...(image.status === 'active' ? { stores: 'file' } : {}),
  };
}
