import { createHash } from 'node:crypto';
import type { Cloud } from '../cloud/cloud.ts';
import { waitFor } from '../cloud/wait.ts';
import type { Disk } from '../disk/disk.ts';
import { readAll } from '../disk/extents.ts';
import { writeQcow2 } from '../disk/qcow2/writer.ts';
import { BaluchonError, isError } from '../errors.ts';

/** `GET /v2/images/{id}`: the core attributes, and the custom properties beside them. */
export interface RawImage {
  id: string;
  name: string | null;
  status: string;
  visibility: string;
  disk_format: string | null;
  container_format: string | null;
  size: number | null;
  virtual_size?: number | null;
  min_disk: number;
  min_ram: number;
  protected: boolean;
  os_hidden?: boolean;
  owner: string | null;
  tags: string[];
  checksum: string | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
  created_at: string;
  [property: string]: unknown;
}

const CORE = new Set(
  `id name status visibility disk_format container_format size virtual_size min_disk min_ram protected os_hidden owner tags checksum
   os_hash_algo os_hash_value created_at updated_at self file schema stores locations direct_url deleted deleted_at`.split(/\s+/),
);

/**
 * Properties that speak of the cloud they were made on: its ids, its users, its stores, its digests of other bytes.
 * The first group is Nova's own on snapshots, the others Glance's, Cinder's and openstacksdk's.
 */
const OF_THE_CLOUD =
  /^(base_image_ref|owner_user_name|owner_project_name|boot_roles|instance_uuid|user_id|image_location|owner_id|image_state|block_device_mapping|bdm_v2|root_device_name|mappings|clean_attempts|old_vm_state|os_glance.*|cinder_encryption_key.*|img_signature.*|owner_specified\.openstack\..*|stores|signature_verified|image_id|image_name)$/;

/** The custom properties of an image, those that travel apart from those that only its own cloud understands. */
export function splitProperties(raw: Record<string, unknown>): { kept: Record<string, string>; local: Record<string, string> } {
  const kept: Record<string, string> = {};
  const local: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (CORE.has(name) || value === null || value === undefined) continue;
    (OF_THE_CLOUD.test(name) ? local : kept)[name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return { kept, local };
}

/** Waits until an image has all of its bytes. */
export async function imageActive(cloud: Cloud, id: string, signal?: AbortSignal): Promise<RawImage> {
  const image = await cloud.service('image');
  return waitFor(
    `image ${id}`,
    () => image.get<RawImage>(`/images/${id}`, { signal }),
    ({ status }) => status === 'active' || (['killed', 'deleted', 'pending_delete'].includes(status) && `it went to status ${status}`),
    { signal, stall: 3_600_000 },
  );
}

export interface NewImage {
  name: string;
  disk_format: string;
  container_format: string;
  properties?: Record<string, unknown>;
  /** Core attributes beyond those: `visibility`, `min_disk`, `tags` ... */
  more?: Record<string, unknown>;
}

/**
 * Creates an image and streams the disk into it: qcow2 for that format, its bytes as they are for every other.
 * What arrived is checked against our own SHA-512 where the cloud tells its digest. `created` hears of the id before the
 * first byte leaves, so that the caller can see to its removal.
 */
export async function sendImage(cloud: Cloud, disk: Disk, wanted: NewImage, created: (id: string) => void, signal?: AbortSignal): Promise<string> {
  const image = await cloud.service('image');
  const { name, disk_format, container_format, properties, more } = wanted;
  const { body } = await image.post<RawImage>('/images', { visibility: 'private', ...properties, ...more, name, disk_format, container_format });
  created(body.id);
  const send = async (place: 'file' | 'stage') => {
    const { size, body: bytes } = disk_format === 'qcow2' ? await writeQcow2(disk) : { size: disk.size, body: readAll(disk) };
    const digest = createHash('sha512');
    await image.upload(`/images/${body.id}/${place}`, hashed(bytes, digest), size, { headers: { 'content-type': 'application/octet-stream' }, signal });
    return digest.digest('hex');
  };
  let ours: string;
  try {
    ours = await send('file');
  } catch (error) {
    // Some clouds take images only by the import API (fact 18).
    if (!(isError(error, 'forbidden') || (error instanceof BaluchonError && error.status === 405))) throw error;
    ours = await send('stage');
    await image.post(`/images/${body.id}/import`, { method: { name: 'glance-direct' } });
  }
  const arrived = await imageActive(cloud, body.id, signal);
  // A cloud that converts on import stores other bytes in another format; there is nothing to compare then.
  const comparable = arrived.os_hash_algo === 'sha512' && arrived.disk_format === disk_format;
  if (comparable && arrived.os_hash_value && arrived.os_hash_value !== ours) {
    throw new BaluchonError('cloud', `image "${name}" did not arrive as it was sent (SHA-512 differs)`, { hint: 'run the same command again' });
  }
  return body.id;
}

async function* hashed(body: AsyncIterable<Uint8Array>, digest: { update(data: Uint8Array): unknown }): AsyncIterable<Uint8Array> {
  for await (const part of body) {
    digest.update(part);
    yield part;
  }
}
