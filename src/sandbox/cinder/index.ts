import { longStamp } from '../clock.ts';
import { htmlNotFound, route, type Api, type Body, type Handler, type Reply, type Request } from '../http.ts';
import { requireToken } from '../keystone.ts';
import { checkStrings, denied, fault, listBody, microversion, onlyKnown, page, refuse, type Microversion } from '../versions.ts';
import { newest, type Snapshot, type Volume, type World } from '../world.ts';
import { act, setMetadata } from './actions.ts';
import { truthy } from './booleans.ts';
import { findSnapshot, findVolume } from './find.ts';
import { limits, quotas } from './quotas.ts';
import { createSnapshot } from './snapshots.ts';
import { links, showSnapshot, showType, showVolume } from './view.ts';
import { createVolume, deleteVolume } from './volumes.ts';

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

function filter<T>(all: T[], request: Request, keys: string[], view: (one: T) => Record<string, unknown>): T[] {
  return all.filter((one) => keys.every((key) => request.query.get(key) === null || String(view(one)[key]) === request.query.get(key)));
}
