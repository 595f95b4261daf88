import type { Cloud } from '../cloud/cloud.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Kind } from './kind.ts';
import { imageActive, sendImage, splitProperties, type RawImage } from './glance.ts';
import { isTemporary } from './temporary.ts';
import schema from '../../schemas/image.json' with { type: 'json' };

/** The project's own images, and references to those that others own. */
export const image: Kind<RawImage & { ours?: boolean }> = {
  name: 'image',
  schema,
  refs: {},
  async *list(cloud) {
    if (!cloud.has('image')) return;
    const glance = await cloud.service('image');
    for await (const raw of glance.list<RawImage>('/images', 'images', { query: { owner: cloud.project.id } })) {
      if (raw.owner === cloud.project.id && !isTemporary(raw.name)) yield { ...raw, ours: true };
    }
  },
  async fetch(cloud, key) {
    try {
      return await (await cloud.service('image')).get<RawImage>(`/images/${key}`);
    } catch (error) {
      if (isError(error, 'not-found', 'forbidden')) return undefined;
      throw error;
    }
  },
  async *offers(cloud) {
    if (!cloud.has('image')) return;
    const glance = await cloud.service('image');
    for (const visibility of ['public', 'community', 'shared']) {
      for await (const raw of glance.list<RawImage>('/images', 'images', { query: { visibility, status: 'active' } })) {
        if (raw.owner !== cloud.project.id) yield raw;
      }
    }
  },
  key: (raw) => raw.id,
  toDocument(raw) {
    const { kept, local } = splitProperties(raw);
    return {
      name: raw.name ?? '',
      params: {
        name: raw.name ?? '',
        visibility: raw.visibility,
        disk_format: raw.disk_format,
        container_format: raw.container_format,
        min_disk: raw.min_disk,
        min_ram: raw.min_ram,
        protected: raw.protected,
        os_hidden: raw.os_hidden ?? false,
        tags: [...raw.tags].sort(),
        properties: kept,
      },
      info: {
        id: raw.id,
        foreign: !raw.ours,
        status: raw.status,
        size: raw.size,
        checksum: raw.checksum,
        os_hash_algo: raw.os_hash_algo ?? null,
        os_hash_value: raw.os_hash_value ?? null,
        created_at: raw.created_at,
        properties: local,
      },
    };
  },
  foreign: (document) => document.info.foreign === true,
  rank(wanted, offer) {
    if (wanted.info.os_hash_value && wanted.info.os_hash_value === offer.info.os_hash_value) return { cost: 0, reason: 'the same bytes' };
    if (wanted.name === offer.name) return { cost: 1, reason: 'the same name' };
    const plain = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '').replace(/0+$/, '');
    const [a, b] = [plain(wanted.name), plain(offer.name)];
    if (a !== '' && (a.startsWith(b) || b.startsWith(a))) return { cost: 2 + Math.abs(a.length - b.length) / 100, reason: 'a similar name' };
    return undefined;
  },
  adapt: (params) =>
    params.visibility === 'public'
      ? { params: { ...params, visibility: 'private' }, changes: [{ attribute: 'visibility', reason: 'making an image public takes an administrator' }] }
      : { params, changes: [] },
  async create({ cloud, params, disk, signal, sending, temporaries }) {
    const { name, visibility, disk_format, container_format, min_disk, min_ram, tags, os_hidden, properties } = params;
    if (!disk) throw new BaluchonError('usage', `image "${name}" has no bytes in this bundle`, { hint: 'export again without --no-disks' });
    const more = { min_disk, min_ram, tags, ...(os_hidden && { os_hidden }), visibility };
    // Its own name comes last: an image that bears it is whole.
    const wanted = { name: temporaries.name('image'), disk_format, container_format, properties, more };
    const id = await sending(() => sendImage(cloud, disk, wanted, (created) => temporaries.add('image', created), signal));
    await change(cloud, id, 'name', name);
    temporaries.keep(id);
    return id;
  },
  complete: {
    // It would stand in the way of removing an upload that failed.
    async run({ cloud, params, id }) {
      if (params.protected) await change(cloud, id, 'protected', true);
    },
  },
  hasDisk: (document) => document.info.foreign !== true && document.info.status === 'active' && (document.info.size ?? 0) !== 0,
  async capture({ cloud, document, taken, signal }) {
    const id = document.info.id as string;
    await imageActive(cloud, id, signal);
    taken();
    return { image: id, takenAt: new Date(document.info.created_at as string), consistency: 'stopped', release: async () => {} };
  },
};

async function change(cloud: Cloud, id: string, attribute: 'name' | 'protected', value: unknown): Promise<void> {
  const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
  await (await cloud.service('image')).patch(`/images/${id}`, [{ op: 'replace', path: `/${attribute}`, value }], { headers });
}
