import { describe, expect, test } from 'vitest';
import { router } from '../../src/kinds/router.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { allExtensions, documentsOf, neutron, plainDocument, recordedCloud, refusal, work, type Call } from './neutron-stub.ts';

const params = {
  name: 'r',
  gateway: { network_id: 'public' },
  interfaces: [{ subnet_id: 'a', ip_address: '10.0.0.1' }, { subnet_id: 'b', ip_address: '10.2.0.7' }],
  routes: [{ destination: '10.9.0.0/24', nexthop: '10.0.0.10' }, { destination: '10.8.0.0/24', nexthop: '198.51.100.9' }],
};

/** A Neutron with subnets a and b, whose gateways end in 1. */
function cloudWith(special: (call: Call) => unknown = () => undefined, aliases?: string[]) {
  return neutron((call) => {
    const other = special(call);
    if (other !== undefined) return other;
    if (call.path === '/routers') return { router: { id: 'made' } };
    if (call.method === 'POST') return { port: { id: 'foot' } };
    if (call.path.startsWith('/subnets/')) return { subnet: { network_id: `net-${call.path.at(-1)}`, gateway_ip: call.path.endsWith('a') ? '10.0.0.1' : '10.2.0.1' } };
    return { ports: [] };
  }, aliases);
}

const changes = (calls: Call[]) => calls.filter(({ method }) => method !== 'GET').map(({ method, path, body }) => [method, path, body]);

describe('a router', () => {
  test('of a recorded cloud is described with its gateway and interfaces; what only an admin chooses is observed', async () => {
    const [miop] = await documentsOf(router, recordedCloud());
    expect(miop!.params).toEqual({
      name: 'miop-router',
      description: '',
      admin_state_up: true,
      gateway: { network_id: documentId('network', '83ef87f5-5530-4bc6-b395-944102d710dd') },
      interfaces: [{ subnet_id: documentId('subnet', '36ac133d-108a-4f7a-a199-fc65028ad0c2'), ip_address: '10.1.0.1' }],
      routes: [],
      tags: ['miop'],
    });
    expect(miop!.refs).toEqual({ '/gateway/network_id': 'network', '/interfaces/0/subnet_id': 'subnet' });
    expect(miop!.info).toMatchObject({ id: '9e0a5242-bec1-492f-a7bb-9d52a1519e31', external_gateway_info: { enable_snat: true } });
  });

  test('of a cloud without routers is none', async () => {
    expect(await documentsOf(router, neutron(() => ({}), allExtensions.filter((alias) => alias !== 'router')))).toEqual([]);
  });

  test('is created with its gateway, then its interfaces, then its routes', async () => {
    const cloud = cloudWith();
    const job = work(cloud, plainDocument('router', params), params);
    await router.create!(job);
    await router.complete!.run(job);
    expect(changes(cloud.calls)).toEqual([
      ['POST', '/routers', { router: { name: 'r', external_gateway_info: { network_id: 'public' } } }],
      ['PUT', '/routers/made/add_router_interface', { subnet_id: 'a' }],
      ['POST', '/ports', { port: { network_id: 'net-b', fixed_ips: [{ subnet_id: 'b', ip_address: '10.2.0.7' }], security_groups: [] } }],
      ['PUT', '/routers/made/add_router_interface', { port_id: 'foot' }],
      ['PUT', '/routers/made', { router: { routes: params.routes } }],
    ]);
  });

  test('never asks for what only an admin may: SNAT off is said to be lost', async () => {
    const cloud = cloudWith();
    const document = plainDocument('router', { name: 'r' }, { external_gateway_info: { network_id: 'x', enable_snat: false } });
    await router.create!(work(cloud, document, { name: 'r', gateway: params.gateway }));
    expect(JSON.stringify(cloud.calls)).not.toContain('enable_snat');
    expect(router.unknown!(document)).toMatchObject([{ attribute: 'enable_snat', verdict: 'degraded' }]);
  });

  test('keeps the routes that are possible, and says which is not', async () => {
    const cloud = cloudWith(({ body }) => {
      if (body?.router?.routes?.some(({ nexthop }: any) => nexthop === '198.51.100.9')) throw refusal(400, 'cloud', 'Invalid format for routes');
    });
    const job = work(cloud, plainDocument('router', params), params);
    await router.complete!.run(job);
    expect(changes(cloud.calls).filter(([, path]) => path === '/routers/made').map(([, , body]) => (body as any).router.routes.length)).toEqual([2, 1, 2]);
    expect(job.warnings).toEqual([expect.stringContaining('10.8.0.0/24 through 198.51.100.9')]);
  });

  test('whose interface can\'t be added keeps no port made for it', async () => {
    const cloud = cloudWith(({ path, body }) => {
      if (body?.port_id === 'foot' && path.endsWith('add_router_interface')) throw refusal(409, 'conflict', 'busy');
    });
    await expect(router.complete!.run(work(cloud, plainDocument('router', params), params))).rejects.toThrow('busy');
    expect(changes(cloud.calls).at(-1)!.slice(0, 2)).toEqual(['DELETE', '/ports/foot']);
  });

  test('that was cut off half made is completed, with what is there left alone', async () => {
    const foot = { id: 'x', device_owner: 'network:router_interface', device_id: 'made', fixed_ips: [{ subnet_id: 'a', ip_address: '10.0.0.1' }] };
    const waiting = { id: 'waiting', device_id: '', device_owner: '', fixed_ips: [{ subnet_id: 'b', ip_address: '10.2.0.7' }] };
    const cloud = cloudWith(({ method, path }) => (method === 'GET' && path === '/ports' ? { ports: [foot, waiting] } : undefined));
    await router.complete!.run(work(cloud, plainDocument('router', params), { ...params, routes: [] }));
    expect(changes(cloud.calls)).toEqual([['PUT', '/routers/made/add_router_interface', { port_id: 'waiting' }]]);
  });

  test('whose interface is there already, since the request was repeated, goes on', async () => {
    let asked = 0;
    const cloud = cloudWith(({ method, path, body }) => {
      if (path.endsWith('add_router_interface') && body.subnet_id === 'a') throw refusal(400, 'cloud', 'Router already has a port on subnet a');
      if (method === 'GET' && path === '/ports' && asked++ > 0) return { ports: [{ id: 'x', device_id: 'made', device_owner: 'network:router_interface', fixed_ips: [{ subnet_id: 'a', ip_address: '10.0.0.1' }] }] };
    });
    await router.complete!.run(work(cloud, plainDocument('router', params), params));
    expect(changes(cloud.calls).at(-1)![1]).toBe('/routers/made');
  });
});
