import { randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import { requireToken } from '../keystone.ts';
import { htmlNotFound, route, type Api, type Body, type Handler, type Reply, type Request, type Route } from '../http.ts';
import { checkStrings, denied, fault, invalid, listBody, microversion, onlyKnown, page, python, refuse, type Microversion } from '../versions.ts';
import { newest, type ServerGroup, type ServerRecord, type World } from '../world.ts';
import { act, attach, deleteServer, detach } from './actions.ts';
import { createServer } from './create.ts';
import { importKey, showKey } from './keypairs.ts';
import { links, showAddresses, showAttachments, showFlavor, showInterfaces, showServer } from './view.ts';

type Versioned = (request: Request, version: Microversion) => Reply | Promise<Reply>;

const POLICIES = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'];
const FORBIDDEN = { 'os-hypervisors': 'os_compute_api:os-hypervisors:list', 'os-services': 'os_compute_api:os-services:list', 'os-availability-zone/detail': 'os_compute_api:os-availability-zone:detail', 'os-simple-tenant-usage': 'os_compute_api:os-simple-tenant-usage:list', 'os-aggregates': 'os_compute_api:os-aggregates:index' };

export function nova(world: World): Api {
  const { settings } = world;
  const cap = settings.pageCap ?? 1000;
  const at = (pattern: string, handle: Versioned): Route => {
    const [method, path] = pattern.split(' ') as [string, string];
    const wrapped: Handler = (request) => handle(request, microversion(request, 'compute', settings.compute));
    return route(`${method} /v2.1${path}`, wrapped);
  };
  const find = (request: Request): ServerRecord => {
    const server = world.servers.get(request.params['id']!);
    if (!server) throw refuse(404, `Instance ${request.params['id']} could not be found.`);
    return server;
  };
  const servers = (request: Request): ServerRecord[] => {
    const { query } = request;
    if (query.get('all_tenants') !== null && !/^(0|false)$/i.test(query.get('all_tenants')!)) throw denied(`os_compute_api:servers:${request.path.endsWith('detail') ? 'detail' : 'index'}:get_all_tenants`);
    return newest(world.servers).filter((server) => {
      if (query.has('name') && !new RegExp(query.get('name')!).test(server.name)) return false;
      if (query.has('status') && server.status !== query.get('status')!.toUpperCase()) return false;
      if (query.has('tags') && !query.get('tags')!.split(',').every((tag) => server.tags.includes(tag))) return false;
      return !query.has('key_name') || server.key_name === query.get('key_name');
    });
  };
  const flavors = [...world.flavors.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const version = (detail: boolean): object => ({
    id: 'v2.1',
    status: 'CURRENT',
    version: settings.compute,
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${world.roots.compute}/v2.1/` }, ...(detail ? [{ rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }] : [])],
    ...(detail ? { 'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }] } : {}),
  });
  const usage = (): Record<string, number> => ({
    cores: [...world.servers.values()].reduce((sum, one) => sum + one.flavor.vcpus, 0),
    instances: world.servers.size,
    ram: [...world.servers.values()].reduce((sum, one) => sum + one.flavor.ram, 0),
    server_groups: world.serverGroups.size,
  });
  const tags = async (request: Request, minor: number): Promise<ServerRecord> => {
    if (minor < 26) throw refuse(404, 'The resource could not be found.');
    return find(request);
  };

  return {
    enter(request) {
      if (request.path === '/' || request.path === '/v2.1' || request.path === '/v2.1/') return;
      requireToken(world, request);
    },
    notFound: htmlNotFound,
    badJson: () => fault(400, 'Malformed request body'),
    headers(request): Record<string, string> {
      const asked = /compute\s+([\d.]+|latest)/.exec(String(request.headers['openstack-api-version'] ?? ''))?.[1] ?? request.headers['x-openstack-nova-api-version'] ?? '2.1';
      const used = asked === 'latest' ? settings.compute : String(asked);
      return request.path === '/' ? {} : { 'openstack-api-version': `compute ${used}`, 'x-openstack-nova-api-version': used, vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version' };
    },
    routes: [
      route('GET /', () => ({ status: 200, body: { versions: [{ id: 'v2.0', status: 'SUPPORTED', version: '', min_version: '', updated: '2011-01-21T11:33:21Z', links: [{ rel: 'self', href: `${world.roots.compute}/v2/` }] }, version(false)] } })),
      route('GET /v2.1', () => ({ status: 200, body: { version: version(true) } })),
      at('GET /servers', (request) => ({ status: 200, body: listBody('servers', page(servers(request), request, (one) => one.id, cap), (one) => ({ id: one.id, name: one.name, links: links(request, 'servers', one.id) })) })),
      at('GET /servers/detail', (request, version) => ({ status: 200, body: listBody('servers', page(servers(request), request, (one) => one.id, cap), (one) => showServer(world, one, version, request, 'list')) })),
      at('POST /servers', (request, version) => createServer(world, request, version)),
      at('GET /servers/:id', (request, version) => ({ status: 200, body: { server: showServer(world, find(request), version, request, 'show') } })),
      at('PUT /servers/:id', async (request, version) => {
        const server = find(request);
        const body: Body = (await request.json())?.server ?? {};
        onlyKnown('server', body, ['name', 'OS-DCF:diskConfig', 'accessIPv4', 'accessIPv6', ...(version.minor >= 19 ? ['description'] : []), ...(version.minor >= 90 ? ['hostname'] : [])]);
        Object.assign(server, body, { updated: stamp() });
        return { status: 200, body: { server: showServer(world, server, version, request, 'show') } };
      }),
      at('DELETE /servers/:id', (request) => deleteServer(world, find(request))),
      at('POST /servers/:id/action', (request, version) => act(world, find(request), request, version)),
      at('GET /servers/:id/os-volume_attachments', (request, { minor }) => ({ status: 200, body: { volumeAttachments: showAttachments(find(request), minor) } })),
      at('POST /servers/:id/os-volume_attachments', (request, version) => attach(world, find(request), request, version)),
      at('DELETE /servers/:id/os-volume_attachments/:volume', (request) => detach(world, find(request), request.params['volume']!)),
      at('GET /servers/:id/os-interface', (request, { minor }) => ({ status: 200, body: { interfaceAttachments: showInterfaces(world, find(request), minor) } })),
      at('GET /servers/:id/ips', (request) => ({ status: 200, body: { addresses: showAddresses(world, find(request)) } })),
      at('GET /servers/:id/metadata', (request) => ({ status: 200, body: { metadata: find(request).metadata } })),
      at('POST /servers/:id/metadata', (request) => setMetadata(request, find(request), false)),
      at('PUT /servers/:id/metadata', (request) => setMetadata(request, find(request), true)),
      at('GET /servers/:id/tags', async (request, { minor }) => ({ status: 200, body: { tags: (await tags(request, minor)).tags } })),
      at('PUT /servers/:id/tags', async (request, { minor }) => {
        const server = await tags(request, minor);
        server.tags = [...new Set<string>((await request.json())?.tags ?? [])].sort();
        return { status: 200, body: { tags: server.tags } };
      }),
      at('GET /servers/:id/os-instance-actions', () => ({ status: 200, body: { instanceActions: [] } })),
      at('GET /flavors', (request, { minor }) => ({ status: 200, body: listBody('flavors', page(flavors, request, (one) => one.id, cap), (one) => ({ id: one.id, name: one.name, links: links(request, 'flavors', one.id), ...(minor >= 55 ? { description: null } : {}) })) })),
      at('GET /flavors/detail', (request, version) => ({ status: 200, body: listBody('flavors', page(flavors, request, (one) => one.id, cap), (one) => showFlavor(one, version, request)) })),
      at('GET /flavors/:id', (request, version) => {
        const flavor = world.flavors.get(request.params['id']!);
        if (!flavor) throw refuse(404, `Flavor ${request.params['id']} could not be found.`);
        return { status: 200, body: { flavor: showFlavor(flavor, version, request) } };
      }),
      at('GET /flavors/:id/os-extra_specs', (request) => {
        const flavor = world.flavors.get(request.params['id']!);
        if (!flavor) throw refuse(404, `Flavor ${request.params['id']} could not be found.`);
        return { status: 200, body: { extra_specs: flavor.extra_specs } };
      }),
      ...keypairRoutes(world, at, cap),
      ...groupRoutes(world, at),
      at('GET /os-availability-zone', () => ({ status: 200, body: { availabilityZoneInfo: settings.zones.compute.map((zoneName) => ({ zoneName, zoneState: { available: true }, hosts: null })) } })),
      at('GET /limits', (_request, { minor }) => ({ status: 200, body: { limits: { rate: [], absolute: limits(world, usage(), minor) } } })),
      at('GET /os-quota-sets/:project', (_request, { minor }) => ({ status: 200, body: { quota_set: { id: world.projectId, ...quotas(world, minor) } } })),
      at('GET /os-quota-sets/:project/detail', (_request, { minor }) => {
        const use = usage();
        return { status: 200, body: { quota_set: { id: world.projectId, ...Object.fromEntries(Object.entries(quotas(world, minor)).map(([key, limit]) => [key, { limit, in_use: use[key] ?? 0, reserved: 0 }])) } } };
      }),
      at('GET /extensions', () => ({ status: 200, body: { extensions: [] } })),
      at('GET /images', (_request, { minor }) => {
        if (minor >= 36) throw refuse(404, 'The resource could not be found.');
        return { status: 200, body: { images: newest(world.images).map(({ id, name }) => ({ id, name })) } };
      }),
      ...Object.entries(FORBIDDEN).map(([path, rule]) =>
        at(`GET /${path}`, () => {
          throw denied(rule);
        }),
      ),
    ],
  };
}

async function setMetadata(request: Request, server: ServerRecord, replace: boolean): Promise<Reply> {
  const metadata = (await request.json())?.metadata ?? {};
  checkStrings(metadata);
  server.metadata = replace ? metadata : { ...server.metadata, ...metadata };
  return { status: 200, body: { metadata: server.metadata } };
}

function keypairRoutes(world: World, at: (pattern: string, handle: Versioned) => Route, cap: number): Route[] {
  const missing = (name: string): Error => refuse(404, `Keypair ${name} not found for user ${world.userId}`);
  return [
    at('GET /os-keypairs', (request, version) => {
      const all = [...world.keypairs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const part = version.minor >= 35 ? page(all, request, (one) => one.name, cap) : { items: all, next: undefined };
      return { status: 200, body: listBody('keypairs', part, (one) => ({ keypair: showKey(world, one, version, false) })) };
    }),
    at('POST /os-keypairs', (request, version) => importKey(world, request, version)),
    at('GET /os-keypairs/:name', (request, version) => {
      const key = world.keypairs.get(request.params['name']!);
      if (!key) throw missing(request.params['name']!);
      return { status: 200, body: { keypair: showKey(world, key, version, true) } };
    }),
    at('DELETE /os-keypairs/:name', (request, { minor }) => {
      if (!world.keypairs.delete(request.params['name']!)) throw missing(request.params['name']!);
      return { status: minor >= 2 ? 204 : 202 };
    }),
  ];
}

function groupRoutes(world: World, at: (pattern: string, handle: Versioned) => Route): Route[] {
  const show = (group: ServerGroup, minor: number): object => {
    const members = newest(world.servers).filter((one) => one.group === group.id).map((one) => one.id);
    return {
      id: group.id,
      name: group.name,
      ...(minor >= 64 ? { policy: group.policy, rules: group.rules } : { policies: [group.policy], metadata: {} }),
      members,
      ...(minor >= 13 ? { project_id: world.projectId, user_id: world.userId } : {}),
    };
  };
  const find = (request: Request): ServerGroup => {
    const group = world.serverGroups.get(request.params['id']!);
    if (!group) throw refuse(404, `Instance group ${request.params['id']} could not be found.`);
    return group;
  };
  return [
    at('GET /os-server-groups', (request, { minor }) => {
      const from = Number(request.query.get('offset') ?? 0);
      const limit = Number(request.query.get('limit') ?? 1000);
      return { status: 200, body: { server_groups: [...world.serverGroups.values()].slice(from, from + limit).map((one) => show(one, minor)) } };
    }),
    at('POST /os-server-groups', async (request, { minor }) => {
      const body: Body = (await request.json())?.server_group ?? {};
      const named = minor >= 64;
      const key = named ? 'policy' : 'policies';
      if (body[key] === undefined) throw invalid('server_group', body, `'${key}' is a required property`);
      if (typeof body.name !== 'string') throw invalid('server_group', body, "'name' is a required property");
      onlyKnown('server_group', body, ['name', key, ...(named ? ['rules'] : [])]);
      if (body.name === '') throw invalid('name', '', "'' is too short");
      const policy = named ? body.policy : body.policies[0];
      const good = minor >= 15 ? POLICIES : POLICIES.slice(0, 2);
      if (!good.includes(policy)) throw invalid(named ? 'policy' : '0', policy, `${python(policy)} is not one of ${python(good)}`);
      if (world.serverGroups.size >= world.settings.quotas.compute['server_groups']!) throw refuse(403, 'Quota exceeded, too many server groups.');
      if (body.rules && Object.keys(body.rules).length > 0 && policy !== 'anti-affinity') throw refuse(400, 'Only anti-affinity policy supports rules.');
      const group: ServerGroup = { id: randomUUID(), name: body.name, policy, rules: body.rules ?? {} };
      world.serverGroups.set(group.id, group);
      return { status: 200, body: { server_group: show(group, minor) } };
    }),
    at('GET /os-server-groups/:id', (request, { minor }) => ({ status: 200, body: { server_group: show(find(request), minor) } })),
    at('DELETE /os-server-groups/:id', (request) => {
      world.serverGroups.delete(find(request).id);
      for (const server of world.servers.values()) if (server.group === request.params['id']) server.group = undefined;
      return { status: 204 };
    }),
  ];
}

function limits(world: World, use: Record<string, number>, minor: number): object {
  const { compute: limit } = world.settings.quotas;
  return {
    maxTotalInstances: limit['instances'],
    maxTotalCores: limit['cores'],
    maxTotalRAMSize: limit['ram'],
    maxServerMeta: limit['metadata_items'],
    ...(minor < 39 ? { maxImageMeta: limit['metadata_items'] } : {}),
    ...(minor < 57 ? { maxPersonality: 5, maxPersonalitySize: 10_240 } : {}),
    maxTotalKeypairs: limit['key_pairs'],
    maxServerGroups: limit['server_groups'],
    maxServerGroupMembers: limit['server_group_members'],
    ...(minor < 36 ? { maxTotalFloatingIps: -1, maxSecurityGroups: -1, maxSecurityGroupRules: -1 } : {}),
    totalRAMUsed: use['ram'],
    totalCoresUsed: use['cores'],
    totalInstancesUsed: use['instances'],
    ...(minor < 36 ? { totalFloatingIpsUsed: 0, totalSecurityGroupsUsed: 0 } : {}),
    totalServerGroupsUsed: use['server_groups'],
  };
}

function quotas(world: World, minor: number): Record<string, number> {
  const { cores, instances, key_pairs, metadata_items, ram, server_group_members, server_groups } = world.settings.quotas.compute as Record<string, number>;
  const old = { fixed_ips: -1, floating_ips: -1, security_group_rules: -1, security_groups: -1 };
  const files = { injected_file_content_bytes: 10_240, injected_file_path_bytes: 255, injected_files: 5 };
  return { cores, ...(minor < 36 ? old : {}), ...(minor < 57 ? files : {}), instances, key_pairs, metadata_items, ram, server_group_members, server_groups } as Record<string, number>;
}
