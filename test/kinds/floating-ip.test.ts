import { describe, expect, test } from 'vitest';
import { floatingIp } from '../../src/kinds/floating-ip.ts';
import { port } from '../../src/kinds/port.ts';
import { router } from '../../src/kinds/router.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { documentOf, documentsOf, neutron, plainDocument, PROJECT, recordedCloud, work } from './neutron-stub.ts';

const made = () => neutron(() => ({ floatingip: { id: 'made' } }));

describe('a floating address', () => {
  test('of a recorded cloud is described by the network it is from and the port it leads to; it is called by its address', async () => {
    const [document] = await documentsOf(floatingIp, recordedCloud());
    expect(document).toMatchObject({
      name: '198.51.100.79',
      info: { address: '198.51.100.79', status: 'ACTIVE', router_id: '9e0a5242-bec1-492f-a7bb-9d52a1519e31' },
      refs: { '/floating_network_id': 'network', '/port_id': 'port' },
    });
    expect(document!.params).toEqual({
      description: 'the way in',
      floating_network_id: documentId('network', '83ef87f5-5530-4bc6-b395-944102d710dd'),
      port_id: documentId('port', 'afbbfc44-f14c-4c99-beec-4b3a20a23da9'),
      fixed_ip_address: '10.1.0.10',
      tags: [],
    });
  });

  test('of a load balancer comes along unbound, told by the details in the answer or by the list of ports', async () => {
    const raw = { id: 'f', floating_ip_address: '192.0.2.1', floating_network_id: 'n', port_id: 'p', fixed_ip_address: '10.0.0.9', project_id: PROJECT };
    expect(documentOf(floatingIp, { ...raw, port_details: { device_owner: 'Octavia' } }).params).not.toHaveProperty('port_id');
    for (const [owner, bound] of [['Octavia', false], ['compute:nova', true]] as const) {
      const cloud = neutron(({ path }) => (path === '/ports' ? { ports: [{ id: 'p', device_owner: owner, project_id: PROJECT }] } : { floatingips: [raw] }));
      const [document] = await documentsOf(floatingIp, cloud);
      expect('port_id' in document!.params).toBe(bound);
      expect(document!.info.fixed_ip_address === undefined).toBe(bound);
    }
  });

  test('needs the router that leads to its port, and no other', async () => {
    const cloud = recordedCloud();
    const [document] = await documentsOf(floatingIp, cloud);
    const other = plainDocument('router', { interfaces: [{ subnet_id: 'elsewhere', ip_address: '10.7.0.1' }] });
    const routers = await documentsOf(router, cloud);
    expect(floatingIp.needs!(document!, [...(await documentsOf(port, cloud)), ...routers, other])).toEqual([routers[0]!.id]);
    expect(floatingIp.needs!(plainDocument('floating-ip', {}), [...routers, other])).toEqual([]);
  });

  test('is asked for as a new one: no address is sent', async () => {
    const cloud = made();
    const params = { description: 'in', floating_network_id: 'public', port_id: 'p', fixed_ip_address: '10.0.0.9' };
    await floatingIp.create!(work(cloud, plainDocument('floating-ip', params), params));
    expect(cloud.calls).toEqual([{ method: 'POST', path: '/floatingips', body: { floatingip: { description: 'in', floating_network_id: 'public', port_id: 'p' } } }]);
  });

  test('leads to the same one of several addresses', async () => {
    const cloud = made();
    const two = plainDocument('port', { fixed_ips: [{ ip_address: '10.0.0.8' }, { ip_address: '10.0.0.9' }] });
    const params = { floating_network_id: 'public', port_id: 'p', fixed_ip_address: '10.0.0.9' };
    await floatingIp.create!(work(cloud, plainDocument('floating-ip', { ...params, port_id: two.id }), params, [two]));
    expect(cloud.calls[0]!.body.floatingip.fixed_ip_address).toBe('10.0.0.9');
  });

  test('that the project owns already is led to the port by an update', async () => {
    const cloud = made();
    const params = { description: 'in', floating_network_id: 'public', port_id: 'p', fixed_ip_address: '10.0.0.9' };
    await floatingIp.update!(work(cloud, plainDocument('floating-ip', params), params));
    expect(cloud.calls).toEqual([{ method: 'PUT', path: '/floatingips/made', body: { floatingip: { description: 'in', port_id: 'p' } } }]);
  });
});
