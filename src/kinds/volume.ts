import type { Service } from '../cloud/cloud.ts';
import { waitFor } from '../cloud/wait.ts';
import type { Document } from '../tenant/document.ts';
import type { CreateWork, Kind } from './kind.ts';
import { imageActive, sendImage, splitProperties } from './glance.ts';
import { isTemporary, type TemporaryType } from './temporary.ts';
import schema from '../../schemas/volume.json' with { type: 'json' };

/** `GET /volumes/detail`. */
interface RawVolume {
  id: string;
  name: string | null;
  description: string | null;
  status: string;
  size: number;
  volume_type: string | null;
  availability_zone: string;
  bootable: string;
  multiattach: boolean;
  encrypted?: boolean;
  encryption_key_id?: string | null;
  metadata: Record<string, string>;
  volume_image_metadata?: Record<string, string>;
  attachments: { server_id: string; device: string | null }[];
  created_at: string;
}

export const volume: Kind<RawVolume> = {
  name: 'volume',
  schema,
  refs: {},
  names: { '/volume_type': 'volume_type', '/availability_zone': 'volume_zone' },
  async *list(cloud) {
    if (!cloud.has('volume')) return;
    const cinder = await cloud.service('volume');
    for await (const raw of cinder.list<RawVolume>('/volumes/detail', 'volumes')) if (!isTemporary(raw.name)) yield raw;
  },
  key: (raw) => raw.id,
  toDocument(raw) {
    const { kept, local } = splitProperties(raw.volume_image_metadata ?? {});
    return {
      name: raw.name ?? '',
      params: {
        name: raw.name ?? '',
        description: raw.description ?? '',
        size: raw.size,
        volume_type: raw.volume_type,
        availability_zone: raw.availability_zone,
        bootable: raw.bootable === 'true',
        multiattach: raw.multiattach,
        encrypted: raw.encrypted ?? false,
        metadata: { ...raw.metadata },
        image_metadata: kept,
      },
      info: {
        id: raw.id,
        status: raw.status,
        created_at: raw.created_at,
        attached_to: raw.attachments.map(({ server_id, device }) => ({ server_id, device })),
        image_metadata: local,
      },
    };
  },

  /**
   * Through an image where there are bytes; a volume of zeros is simply made. Until it is whole it has a temporary name: one
   * that bears its own is never half a volume, whatever happened.
   */
  async create(work) {
    const { cloud, params, disk, temporaries, signal } = work;
    const cinder = await cloud.service('volume');
    const { name, description, size, volume_type, availability_zone, metadata } = params;
    const bytes = disk !== undefined && (await hasData(disk)) ? disk : undefined;
    const image = bytes && (await sendTemporary(work, bytes));
    const { body } = await cinder.post<{ volume: RawVolume }>(
      '/volumes',
      { volume: { name: temporaries.name('volume'), description, size, metadata, ...(volume_type && { volume_type }), ...(availability_zone && { availability_zone }), ...(image && { imageRef: image }) } },
    );
    const { id } = body.volume;
    temporaries.add('volume', id);
    try {
      await volumeReady(cinder, id, name, signal);
      await action(cinder, id, { 'os-set_bootable': { bootable: params.bootable } });
      await setImageMetadata(cinder, id, params.image_metadata);
      await cinder.put(`/volumes/${id}`, { volume: { name } });
    } catch (error) {
      await temporaries.remove('volume', id).catch(() => {});
      throw error;
    } finally {
      // What can't be removed now is tried again at the end.
      if (image) await temporaries.remove('image', image).catch(() => {});
    }
    temporaries.keep(id);
    return id;
  },

  hasDisk: () => true,
  /** Snapshot, temporary volume, image: the way that works for an attached volume on every cloud (fact 11). */
  async capture({ cloud, document, consistency, taken, temporaries, signal }) {
    const cinder = await cloud.service('volume');
    const { id, status } = document.info as { id: string; status: string };
    const what = `volume ${document.name || id}`;
    const force = cinder.at('3.66') ? {} : { force: true };
    const made: [TemporaryType, string][] = [];
    const add = (type: TemporaryType, temporary: string) => {
      temporaries.add(type, temporary);
      made.unshift([type, temporary]);
    };
    // What makes something has no signal: it is short, and its answer tells what there is to remove.
    try {
      const snapshot: string = (await cinder.post('/snapshots', { snapshot: { volume_id: id, name: temporaries.name('snapshot'), ...force } })).body.snapshot.id;
      add('snapshot', snapshot);
      const takenAt = new Date();
      await ready(cinder, `/snapshots/${snapshot}`, 'snapshot', `snapshot of ${what}`, signal);
      taken();
      const copy: string = (await cinder.post('/volumes', { volume: { snapshot_id: snapshot, size: document.params.size, name: temporaries.name('volume') } })).body.volume.id;
      add('volume', copy);
      await volumeReady(cinder, copy, `copy of ${what}`, signal);
      const upload = { image_name: temporaries.name('image'), disk_format: 'qcow2', container_format: 'bare' };
      const image: string = (await cinder.post(`/volumes/${copy}/action`, { 'os-volume_upload_image': upload })).body['os-volume_upload_image'].image_id;
      add('image', image);
      await imageActive(cloud, image, signal);
      await temporaries.remove('volume', copy);
      await temporaries.remove('snapshot', snapshot);
      // Another server that it is attached to as well may be writing.
      const resting = status !== 'in-use' || (consistency === 'stop' && ((document.info.attached_to ?? []) as unknown[]).length < 2);
      return { image, takenAt, consistency: resting ? 'stopped' : 'crash', notes: notesOn(document, consistency === 'quiesce' && !resting), release: () => temporaries.remove('image', image) };
    } catch (error) {
      // A volume that can't be had must not keep the room that the others need.
      for (const [type, temporary] of made) await temporaries.remove(type, temporary).catch(() => {});
      throw error;
    }
  },
};

function notesOn({ params }: Document, unquiesced: boolean): string[] {
  return [
    ...(params.encrypted ? ['the volume is encrypted by its cloud (LUKS): its bytes are carried as they are, its key is not'] : []),
    ...(unquiesced ? ['a volume snapshot freezes no file system: taken as after a power cut'] : []),
  ];
}

async function hasData(disk: { extents(): AsyncIterable<unknown> }): Promise<boolean> {
  for await (const _ of disk.extents()) return true;
  return false;
}

/** The disk as a temporary image, to be removed by whoever made something of it. */
export async function sendTemporary({ cloud, temporaries, about, sending, signal }: CreateWork, disk: NonNullable<CreateWork['disk']>): Promise<string> {
  const wanted = { name: temporaries.name('image'), disk_format: 'qcow2', container_format: 'bare', properties: about?.properties };
  return sending(() => sendImage(cloud, disk, wanted, (id) => temporaries.add('image', id), signal));
}

const action = (cinder: Service, id: string, body: object) => cinder.post(`/volumes/${id}/action`, body);

/** Exactly these, beside the core ones that Cinder writes of the image a volume was made from (fact 13). */
async function setImageMetadata(cinder: Service, id: string, wanted: Record<string, string>): Promise<void> {
  const { volume } = await cinder.get<{ volume: RawVolume }>(`/volumes/${id}`);
  const { kept } = splitProperties(volume.volume_image_metadata ?? {});
  for (const key of Object.keys(kept)) {
    if (!(key in wanted)) await action(cinder, id, { 'os-unset_image_metadata': { key } });
  }
  if (Object.keys(wanted).length > 0) await action(cinder, id, { 'os-set_image_metadata': { metadata: wanted } });
}

const volumeReady = (cinder: Service, id: string, name: string, signal?: AbortSignal) => ready(cinder, `/volumes/${id}`, 'volume', `volume ${name}`, signal);

async function ready(cinder: Service, path: string, key: string, what: string, signal?: AbortSignal): Promise<void> {
  await waitFor(
    what,
    async () => (await cinder.get<Record<string, { status: string }>>(path, { signal }))[key]?.status ?? '',
    (status) => status === 'available' || (status.startsWith('error') && `it went to status ${status}`),
    { signal, stall: 3_600_000 },
  );
}
