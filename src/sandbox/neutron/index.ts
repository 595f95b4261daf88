import { stamp } from '../clock.ts';
import { route, type Api, type Request, type Route } from '../http.ts';
import { requireToken } from '../keystone.ts';
import type { Shown, World } from '../world.ts';
import { badInput, badRequest, checkBody, denied, neutronError, refuse } from './attributes.ts';
import { EXTENSIONS } from './extensions.ts';
import { makeFloating, showFloating, updateFloating } from './floatingips.ts';
import { defaultGroup, makeGroup, makeRule, showGroup, showRule } from './groups.ts';
import { checkMtu, deleteNetwork, deleteSubnet, makeNetwork, makeSubnet, showNetwork, updateSubnet } from './networks.ts';
import { chosen, type Collection, listCollection, seen } from './list.ts';
import { addressPairs, allocate, dropPort, makePort } from './ports.ts';
import { addInterface, deleteRouter, makeRouter, removeInterface, updateRouter } from './routers.ts';

export function neutron(world: World): Api {
  const extensions = new Set(EXTENSIONS.filter((alias) => !world.settings.withoutExtensions.includes(alias)));
  const allowed = world.settings.policy.chooseFloatingAddress ? ['floatingip:floating_ip_address'] : [];
  const missing = (type: string, words: (id: string) => string) => (id: string) => refuse(404, type, words(id));
  const plain = (one: Shown): Shown => one;
  const collections: Collection[] = [
    {
      name: 'networks', resource: 'network', path: 'networks', quota: 'network', tags: true,
      all: () => world.networks,
      missing: missing('NetworkNotFound', (id) => `Network ${id} could not be found.`),
      make: (given) => makeNetwork(world, given),
      update(one, given) {
        checkMtu(world, given);
        Object.assign(one, given);
      },
      remove: (one) => deleteNetwork(world, one),
      show: (one) => showNetwork(world, one),
    },
    {
      name: 'subnets', resource: 'subnet', path: 'subnets', quota: 'subnet', tags: true,
      all: () => world.subnets,
      missing: missing('SubnetNotFound', (id) => `Subnet ${id} could not be found.`),
      make: (given) => makeSubnet(world, given),
      update: (one, given) => updateSubnet(world, one, given),
      remove: (one) => deleteSubnet(world, one),
      show: plain,
    },
    {
      name: 'ports', resource: 'port', path: 'ports', quota: 'port', tags: true,
      all: () => world.ports,
      missing: missing('PortNotFound', (id) => `Port ${id} could not be found.`),
      make(given) {
        if (world.networks.get(given['network_id'])?.['project_id'] === world.providerId) throw refuse(403, 'HTTPForbidden', `Tenant ${world.projectId} not allowed to create port on this network`);
        const { tags: _ignored, ...rest } = given;
        return makePort(world, rest as any);
      },
      update: (one, given) => updatePort(world, one, given),
      remove(one) {
        if (one['device_owner'] === 'network:router_interface') throw refuse(409, 'ServicePortInUse', `Port ${one['id']} cannot be deleted directly via the port API: has device owner network:router_interface.`);
        dropPort(world, one);
      },
      show: plain,
    },
    {
      name: 'routers', resource: 'router', path: 'routers', quota: 'router', tags: true,
      all: () => world.routers,
      missing: missing('RouterNotFound', (id) => `Router ${id} could not be found`),
      make: (given) => makeRouter(world, given),
      update: (one, given) => updateRouter(world, one, given),
      remove: (one) => deleteRouter(world, one),
      show: plain,
    },
    {
      name: 'floatingips', resource: 'floatingip', path: 'floatingips', quota: 'floatingip', tags: true,
      all: () => world.floatingips,
      missing: missing('FloatingIPNotFound', (id) => `Floating IP ${id} could not be found`),
      make: (given) => makeFloating(world, given),
      update: (one, given) => updateFloating(world, one, given),
      remove: (one) => void world.floatingips.delete(one['id']),
      show: (one) => showFloating(world, one),
    },
    {
      name: 'security_groups', resource: 'security_group', path: 'security-groups', quota: 'security_group', tags: true,
      all() {
        defaultGroup(world);
        return world.groups;
      },
      missing: missing('SecurityGroupNotFound', (id) => `Security group ${id} does not exist`),
      make(given) {
        if (given['name'] === 'default') throw refuse(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
        return makeGroup(world, given);
      },
      update(one, given) {
        if (one['name'] === 'default' && given['name'] !== undefined && given['name'] !== 'default') throw refuse(409, 'SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.');
        if (one['name'] !== 'default' && given['name'] === 'default') throw refuse(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
        Object.assign(one, given);
      },
      remove(one) {
        if ([...world.ports.values()].some((port) => port['security_groups'].includes(one['id']))) throw refuse(409, 'SecurityGroupInUse', `Security Group ${one['id']} in use.`);
        if (one['name'] === 'default') throw refuse(409, 'SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.');
        for (const rule of world.rules.values()) if (rule['security_group_id'] === one['id'] || rule['remote_group_id'] === one['id']) world.rules.delete(rule['id']);
        world.groups.delete(one['id']);
      },
      show: (one) => showGroup(world, one),
    },
    {
      name: 'security_group_rules', resource: 'security_group_rule', path: 'security-group-rules', quota: 'security_group_rule', tags: false,
      all() {
        defaultGroup(world);
        return world.rules;
      },
      missing: missing('SecurityGroupRuleNotFound', (id) => `Security group rule ${id} does not exist`),
      make: (given) => makeRule(world, given),
      remove: (one) => void world.rules.delete(one['id']),
      show: showRule,
    },
  ];

  const find = (collection: Collection, request: Request): Shown => {
    const one = collection.all().get(request.params['id']!);
    if (!one || !seen(world, collection, one)) throw collection.missing(request.params['id']!);
    return one;
  };
  const routes: Route[] = collections.flatMap((collection) => {
    const { path, resource } = collection;
    const writable = (request: Request, action: string): Shown => {
      const one = find(collection, request);
      if (one['project_id'] !== world.projectId) throw denied(`rule:${action}_${resource}`);
      return one;
    };
    const list = [
      route(`GET /v2.0/${path}`, (request) => listCollection(world, collection, request)),
      route(`POST /v2.0/${path}`, async (request) => {
        const body = await request.json();
        if (Array.isArray(body?.[collection.name])) throw badRequest(`Bulk creation of ${collection.name} is not simulated`);
        const given = checkBody(resource, body, 'post', world.projectId, extensions, allowed);
        checkQuota(world, collection);
        return { status: 201, body: { [resource]: collection.show(collection.make(given)) } };
      }),
      route(`GET /v2.0/${path}/:id`, (request) => ({ status: 200, body: { [resource]: chosen(collection.show(find(collection, request)), request) } })),
      route(`DELETE /v2.0/${path}/:id`, (request) => {
        collection.remove(writable(request, 'delete'));
        return { status: 204 };
      }),
    ];
    if (collection.update) {
      list.push(
        route(`PUT /v2.0/${path}/:id`, async (request) => {
          const one = writable(request, 'update');
          collection.update!(one, checkBody(resource, await request.json(), 'put', world.projectId, extensions));
          touch(one);
          return { status: 200, body: { [resource]: collection.show(one) } };
        }),
      );
    }
    if (collection.tags) list.push(...tagRoutes(path, (request) => find(collection, request)));
    return list;
  });

  const quota = world.settings.quotas.network;
  const count = (name: string): number => {
    const collection = collections.find((one) => one.quota === name);
    return collection ? [...collection.all().values()].filter((one) => one['project_id'] === world.projectId).length : 0;
  };
  routes.push(
    route('PUT /v2.0/routers/:id/add_router_interface', (request) => addInterface(world, find(collections[3]!, request), request)),
    route('PUT /v2.0/routers/:id/remove_router_interface', (request) => removeInterface(world, find(collections[3]!, request), request)),
    route('GET /v2.0/extensions', () => ({ status: 200, body: { extensions: [...extensions].map((alias) => ({ name: alias, alias, description: alias, updated: '2016-01-01T00:00:00-00:00', links: [] })) } })),
    route('GET /v2.0/extensions/:alias', (request) => (extensions.has(request.params['alias']!) ? { status: 200, body: { extension: { name: request.params['alias'], alias: request.params['alias'], description: '', updated: '2016-01-01T00:00:00-00:00', links: [] } } } : neutronError(404, 'HTTPNotFound', 'The resource could not be found.'))),
    route('GET /v2.0/quotas/:id', () => ({ status: 200, body: { quota } })),
    route('GET /v2.0/quotas/:id/details.json', () => ({ status: 200, body: { quota: Object.fromEntries(Object.entries(quota).map(([name, limit]) => [name, { limit, used: count(name), reserved: 0 }])) } })),
    route('GET /v2.0/availability_zones', () => ({ status: 200, body: { availability_zones: ['network', 'router'].flatMap((resource) => world.settings.zones.network.map((name) => ({ state: 'available', name, resource }))) } })),
    ...['agents', 'subnetpools', 'address-groups', 'network-ip-availabilities', 'flavors', 'rbac-policies', 'address-scopes'].map((path) => route(`GET /v2.0/${path}`, () => ({ status: 200, body: { [path.replaceAll('-', '_')]: [] } }))),
    route('GET /', () => ({ status: 200, body: { versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${world.roots.network}/v2.0/` }] }] } })),
    route('GET /v2.0', () => ({ status: 200, body: { resources: ['network', 'subnet', 'subnetpool', 'port'].map((name) => ({ name, collection: `${name}s`, links: [{ rel: 'self', href: `${world.roots.network}/v2.0/${name}s` }] })) } })),
  );
  function checkQuota(_world: World, collection: Collection): void {
    const limit = quota[collection.quota] ?? -1;
    if (limit >= 0 && count(collection.quota) >= limit) throw refuse(409, 'OverQuota', `Quota exceeded for resources: ['${collection.quota}'].`);
  }
  return {
    enter(request) {
      if (request.path !== '/') requireToken(world, request);
    },
    notFound: () => neutronError(404, 'HTTPNotFound', 'The resource could not be found.'),
    badJson: () => neutronError(400, 'HTTPBadRequest', 'Body contains invalid data'),
    routes,
  };
}

function touch(one: Shown): void {
  one['updated_at'] = stamp();
  one['revision_number'] += 1;
}

function updatePort(world: World, port: Shown, given: Shown): void {
  const network = world.networks.get(port['network_id'])!;
  if (given['fixed_ips'] !== undefined) given['fixed_ips'] = allocate(world, network, given['fixed_ips'], 'any', port);
  if (given['allowed_address_pairs'] !== undefined) given['allowed_address_pairs'] = addressPairs(given['allowed_address_pairs'], port['mac_address']);
  if (given['security_groups'] === null) given['security_groups'] = [];
  for (const id of given['security_groups'] ?? []) if (!world.groups.has(id)) throw refuse(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`);
  const secure = given['port_security_enabled'] ?? port['port_security_enabled'];
  const groups = given['security_groups'] ?? port['security_groups'];
  if (!secure && groups.length > 0) throw refuse(409, 'PortSecurityPortHasSecurityGroup', 'Port has security group associated. Cannot disable port security or IP address until security group is removed.');
  Object.assign(port, given);
}

function tagRoutes(path: string, find: (request: Request) => Shown): Route[] {
  const base = `/v2.0/${path}/:id/tags`;
  return [
    route(`GET ${base}`, (request) => ({ status: 200, body: { tags: find(request)['tags'] } })),
    route(`PUT ${base}`, async (request) => {
      const one = find(request);
      const tags = (await request.json())?.tags;
      if (!Array.isArray(tags)) throw badInput(`'${String(tags)}' is not a list.`);
      one['tags'] = [...new Set(tags)];
      touch(one);
      return { status: 200, body: { tags: one['tags'] } };
    }),
    route(`DELETE ${base}`, (request) => {
      const one = find(request);
      one['tags'] = [];
      touch(one);
      return { status: 204 };
    }),
    route(`PUT ${base}/:tag`, (request) => {
      const one = find(request);
      if (!one['tags'].includes(request.params['tag'])) one['tags'].push(request.params['tag']);
      return { status: 201 };
    }),
    route(`DELETE ${base}/:tag`, (request) => {
      const one = find(request);
      if (!one['tags'].includes(request.params['tag'])) throw refuse(404, 'TagNotFound', `Tag ${request.params['tag']} could not be found.`);
      one['tags'] = one['tags'].filter((tag: string) => tag !== request.params['tag']);
      return { status: 204 };
    }),
  ];
}
