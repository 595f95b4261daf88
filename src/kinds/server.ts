import type { Cloud, Service } from '../cloud/cloud.ts';
import { mapConcurrent } from '../cloud/pool.ts';
import { BaluchonError, isError } from '../errors.ts';
import { fromList, type RawFlavor } from './flavor.ts';
import { imageActive, splitProperties } from './glance.ts';
import type { CreateWork, Kind } from './kind.ts';
import { routersTo } from './reach.ts';
import { inStatus, removeServer, stop } from './server-state.ts';
import { sendTemporary } from './volume.ts';
import schema from '../../schemas/server.json' with { type: 'json' };

/** `GET /servers/detail`, with what other calls tell of it beside. */
interface RawServer {
  id: string;
  name: string;
  status: string;
  description?: string | null;
  image: '' | { id: string };
  flavor: RawFlavor;
  addresses: Record<string, { 'OS-EXT-IPS-MAC:mac_addr'?: string }[]>;
  metadata: Record<string, string>;
  tags?: string[];
  key_name: string | null;
  config_drive: string;
  created: string;
  locked?: boolean;
  'OS-EXT-AZ:availability_zone'?: string;
  'OS-EXT-SRV-ATTR:hostname'?: string;
  'OS-EXT-SRV-ATTR:user_data'?: string | null;
  group?: string;
  interfaces: { port_id: string; tag?: string | null; mac_addr: string }[];
  attachments: { volumeId: string; device: string; tag?: string | null; delete_on_termination?: boolean; bootable: boolean }[];
}

export const server: Kind<RawServer> = {
  name: 'server',
  schema,
  refs: {
    '/flavor': 'flavor',
    '/image': 'image',
    '/key': 'keypair',
    '/server_group': 'server-group',
    '/networks/*/port': 'port',
    '/volumes/*/volume': 'volume',
  },
  names: { '/availability_zone': 'compute_zone' },
  origin: ['/image'],

  async *list(cloud) {
    if (!cloud.has('compute')) return;
    const nova = await cloud.service('compute');
    const groups = await groupOf(nova);
    const told: RawServer[] = [];
    for await (const raw of nova.list<RawServer>('/servers/detail', 'servers')) told.push(raw);
    for (const raw of await mapConcurrent(told, 6, (raw) => complete(cloud, nova, raw, groups))) if (raw) yield raw;
  },
  key: (raw) => raw.id,
  toDocument(raw, ref) {
    const root = raw.image === '' ? raw.attachments.find(({ bootable }) => bootable) : undefined;
    return {
      name: raw.name,
      params: {
        name: raw.name,
        description: raw.description ?? '',
        flavor: ref('flavor', raw.flavor.original_name),
        image: raw.image === '' ? null : ref('image', raw.image.id),
        key: raw.key_name === null ? null : ref('keypair', raw.key_name),
        server_group: raw.group === undefined ? null : ref('server-group', raw.group),
        availability_zone: raw['OS-EXT-AZ:availability_zone'] || null,
        hostname: raw['OS-EXT-SRV-ATTR:hostname'] ?? null,
        // Nova writes "" for no (fact 7).
        config_drive: raw.config_drive === 'True',
        user_data: raw['OS-EXT-SRV-ATTR:user_data'] ?? null,
        metadata: { ...raw.metadata },
        tags: [...(raw.tags ?? [])].sort(),
        running: raw.status !== 'SHUTOFF',
        networks: raw.interfaces.map(({ port_id, tag }) => ({ port: ref('port', port_id), tag: tag ?? null })),
        volumes: raw.attachments.map((attachment) => ({
          volume: ref('volume', attachment.volumeId),
          boot_index: attachment === root ? 0 : null,
          tag: attachment.tag ?? null,
          delete_on_termination: attachment.delete_on_termination ?? false,
        })),
      },
      info: {
        id: raw.id,
        status: raw.status,
        created: raw.created,
        locked: raw.locked ?? false,
        flavor: { ephemeral: raw.flavor.ephemeral, swap: raw.flavor.swap },
        devices: raw.attachments.map(({ device }) => device),
      },
    };
  },
  also: (raw) => [{ kind: 'flavor', raw: raw.flavor }],
  unknown(document) {
    const { ephemeral = 0, swap = 0 } = (document.info.flavor ?? {}) as { ephemeral?: number; swap?: number };
    return [
      ...(document.params.user_data === null
        ? [{ attribute: 'user_data', verdict: 'unknown' as const, reason: 'this cloud shows user_data to administrators only; the mapping file can supply it' }]
        : []),
      ...(ephemeral + swap > 0 ? [{ attribute: 'ephemeral', verdict: 'lost' as const, reason: 'ephemeral and swap disks are in no snapshot' }] : []),
    ];
  },
  /** Guests ask for address, name and keys as they start: their routers are there first. */
  needs: ({ params }, all) => routersTo(((params.networks ?? []) as { port: string }[]).map(({ port }) => port), all),

  prepare: async (work) => work.disk && sendTemporary(work, work.disk),
  async create(work) {
    const { cloud, params, prepared, temporaries, emit, signal } = work;
    const nova = await cloud.service('compute');
    const fromVolume = params.volumes.some(({ boot_index }: { boot_index: number | null }) => boot_index === 0);
    const image = fromVolume ? undefined : (prepared ?? params.image);
    if (!fromVolume && !image) {
      throw new BaluchonError('usage', `server "${params.name}" has neither a root disk in this bundle nor an image on this cloud`, {
        hint: 'map its image in the mapping file, or export again with disks',
      });
    }
    const { body } = await nova.post<{ server: { id: string } }>('/servers', request(work, nova, image));
    const { id } = body.server;
    try {
      await inStatus(nova, id, params.name, 'ACTIVE', signal);
      if (!params.running) await stop(nova, id, params.name, signal);
    } catch (error) {
      // Not usable and ours: it goes (its ports and volumes are documents of their own and stay), or the next run would meet a broken namesake.
      await removeServer(nova, id, params.name).catch((reason: Error) => emit({ type: 'warning', message: `${reason.message}: remove it by hand`, about: work.document.id }));
      throw error;
    } finally {
      // What can't be removed now is tried again at the end.
      if (prepared) await temporaries.remove('image', prepared).catch(() => {});
    }
    return id;
  },

  hasDisk: (document) => document.params.image !== null,
  /** The root disk alone: Nova leaves attached volumes out of an image-backed server's snapshot (fact 4). */
  async capture({ cloud, document, consistency, taken, temporaries, signal }) {
    const nova = await cloud.service('compute');
    const id = document.info.id as string;
    const answer = await nova.post<{ image_id?: string } | undefined>(`/servers/${id}/action`, { createImage: { name: temporaries.name('root'), metadata: {} } });
    const takenAt = new Date();
    // Below 2.45 the image's URL is in Location.
    const image = answer.body?.image_id ?? answer.headers.location?.split('/').pop();
    if (!image) throw new BaluchonError('cloud', `the cloud does not name the image it makes of server "${document.name}"`);
    temporaries.add('image', image);
    const raw = await imageActive(cloud, image, signal);
    taken();
    const { kept } = splitProperties(raw);
    const { image_type: _, ...properties } = kept;
    const stopped = document.info.status === 'SHUTOFF' || consistency === 'stop';
    const agent = /^(yes|true|1)$/i.test(properties.hw_qemu_guest_agent ?? '');
    const notes = consistency === 'quiesce' && !stopped && !agent ? ['no guest agent (image property hw_qemu_guest_agent) freezes its file systems: taken as after a power cut'] : [];
    return { image, takenAt, consistency: stopped ? 'stopped' : agent ? 'quiesced' : 'crash', properties, notes, release: () => temporaries.remove('image', image) };
  },
};

/** Which server group each server is in: below 2.71 only the groups tell. */
async function groupOf(nova: Service): Promise<Map<string, string>> {
  const groups = new Map<string, string>();
  for await (const { id, members } of nova.list<{ id: string; members: string[] }>('/os-server-groups', 'server_groups')) {
    for (const member of members) groups.set(member, id);
  }
  return groups;
}

/** What further calls tell of a server; undefined for one that is removed meanwhile. */
async function complete(cloud: Cloud, nova: Service, raw: RawServer, groups: Map<string, string>): Promise<RawServer | undefined> {
  try {
    return await completed(cloud, nova, raw, groups);
  } catch (error) {
    const gone = isError(error, 'not-found') && (await nova.get(`/servers/${raw.id}`).then(() => false, (reason: unknown) => isError(reason, 'not-found')));
    if (gone) return undefined;
    throw error;
  }
}

async function completed(cloud: Cloud, nova: Service, raw: any, groups: Map<string, string>): Promise<RawServer> {
  const interfaces = [];
  for await (const each of nova.list<RawServer['interfaces'][number]>(`/servers/${raw.id}/os-interface`, 'interfaceAttachments')) interfaces.push(each);
  // `addresses` comes from the order in which the guest sees its interfaces; os-interface in any.
  const order = Object.values(raw.addresses as RawServer['addresses']).flat().map((address) => address['OS-EXT-IPS-MAC:mac_addr']);
  interfaces.sort((a, b) => order.indexOf(a.mac_addr) - order.indexOf(b.mac_addr));
  const attachments = [];
  if ((raw['os-extended-volumes:volumes_attached'] ?? []).length > 0) {
    const bootable = async (id: string) => (await (await cloud.service('volume')).get<{ volume: { bootable: string } }>(`/volumes/${id}`)).volume.bootable === 'true';
    for await (const each of nova.list<any>(`/servers/${raw.id}/os-volume_attachments`, 'volumeAttachments')) {
      // Only where there is a root disk to be found among them.
      attachments.push({ ...each, bootable: raw.image === '' && (await bootable(each.volumeId)) });
    }
    // vdb before vdaa: the order of the buses, not of the alphabet.
    attachments.sort((a, b) => a.device.length - b.device.length || (a.device < b.device ? -1 : 1));
  }
  const flavor = raw.flavor.original_name ? raw.flavor : fromList((await nova.get(`/flavors/${raw.flavor.id}`)).flavor);
  return { ...raw, flavor, interfaces, attachments, group: groups.get(raw.id) };
}

function request({ params, userData }: CreateWork, nova: Service, image: string | undefined): object {
  const volumes = (params.volumes as { volume: string; boot_index: number | null; tag: string | null; delete_on_termination: boolean }[]).map((each) => ({
    boot_index: each.boot_index ?? -1,
    uuid: each.volume,
    source_type: 'volume',
    destination_type: 'volume',
    delete_on_termination: each.delete_on_termination,
    ...(each.tag && nova.at('2.42') && { tag: each.tag }),
  }));
  const root = { boot_index: 0, uuid: image, source_type: 'image', destination_type: 'local', delete_on_termination: true };
  const networks = params.networks.map(({ port, tag }: { port: string; tag: string | null }) => ({ port, ...(tag && nova.at('2.42') && { tag }) }));
  const user_data = userData ?? params.user_data;
  return {
    server: {
      name: params.name,
      flavorRef: params.flavor,
      ...(image && { imageRef: image }),
      ...(volumes.length > 0 && { block_device_mapping_v2: image ? [root, ...volumes] : volumes }),
      networks: networks.length > 0 || !nova.at('2.37') ? networks : 'none',
      metadata: params.metadata,
      ...(params.description && nova.at('2.19') && { description: params.description }),
      ...(params.tags.length > 0 && nova.at('2.52') && { tags: params.tags }),
      ...(params.hostname && nova.at('2.90') && { hostname: params.hostname }),
      ...(params.key && { key_name: params.key }),
      ...(params.availability_zone && { availability_zone: params.availability_zone }),
      ...(params.config_drive && { config_drive: true }),
      ...(user_data && { user_data }),
    },
    ...(params.server_group && { 'os:scheduler_hints': { group: params.server_group } }),
  };
}
