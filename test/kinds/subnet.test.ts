import { describe, expect, test } from 'vitest';
import { subnet } from '../../src/kinds/subnet.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { documentOf, documentsOf, neutron, plainDocument, recordedCloud, work } from './neutron-stub.ts';

const params = { name: 's', network_id: 'net', ip_version: 4, cidr: '10.0.0.0/24', gateway_ip: null, enable_dhcp: true };
const of = (given: object) => documentOf(subnet, { id: 'x', network_id: 'n', ip_version: 4, cidr: '10.0.0.0/24', foreign: true, ...given });

describe('a subnet', () => {
  test('of a recorded cloud is described by what is needed to make it again', async () => {
    const [miop] = await documentsOf(subnet, recordedCloud());
    const network = documentId('network', '77ee2c0a-11ab-48c5-8a12-b0e182b950f7');
    expect(miop!.refs).toEqual({ '/network_id': 'network' });
    expect(miop!.params).toEqual({
      name: 'miop-subnet',
      description: '',
      network_id: network,
      ip_version: 4,
      cidr: '10.1.0.0/24',
      gateway_ip: '10.1.0.1',
      enable_dhcp: true,
      allocation_pools: [{ start: '10.1.0.50', end: '10.1.0.200' }],
      dns_nameservers: ['192.0.2.53'],
      host_routes: [{ destination: '10.9.0.0/24', nexthop: '10.1.0.10' }],
      tags: [],
    });
  });

  test('without a gateway says so, and sends it', async () => {
    expect(documentOf(subnet, { id: 'x', network_id: 'n', ip_version: 4, cidr: '10.0.0.0/24', gateway_ip: null }).params.gateway_ip).toBeNull();
    const cloud = neutron(() => ({ subnet: { id: 'made' } }));
    await subnet.create!(work(cloud, plainDocument('subnet', params), params));
    expect(cloud.calls[0]!.body.subnet).toHaveProperty('gateway_ip', null);
  });

  test('gets its DHCP only when its ports have their addresses', async () => {
    const cloud = neutron(() => ({ subnet: { id: 'made' } }));
    const job = work(cloud, plainDocument('subnet', params), params);
    await subnet.create!(job);
    expect(cloud.calls[0]!.body.subnet.enable_dhcp).toBe(false);
    expect(subnet.complete!.after).toContain('port');
    await subnet.complete!.run(job);
    expect(cloud.calls[1]).toEqual({ method: 'PUT', path: '/subnets/made', body: { subnet: { enable_dhcp: true } } });
  });

  test('that had no DHCP gets none', async () => {
    const cloud = neutron(() => ({ subnet: { id: 'made' } }));
    await subnet.complete!.run(work(cloud, plainDocument('subnet', params), { ...params, enable_dhcp: false }));
    expect(cloud.calls).toEqual([]);
  });

  test('with IPv6 modes, which Neutron takes only together with DHCP and only at creation, has it from the start', async () => {
    const v6 = { ...params, ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };
    const cloud = neutron(() => ({ subnet: { id: 'made' } }));
    const job = work(cloud, plainDocument('subnet', v6), v6);
    await subnet.create!(job);
    await subnet.complete!.run(job);
    expect(cloud.calls).toHaveLength(1);
    expect(cloud.calls[0]!.body.subnet).toMatchObject({ enable_dhcp: true, ipv6_ra_mode: 'slaac' });
  });

  test('with DHCPv6 from the start leaves it addresses that no port of the bundle has, until those have theirs', async () => {
    const pools = [{ start: '2001:db8::2', end: '2001:db8::ffff' }];
    const v6 = { ...params, ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'dhcpv6-stateful', ipv6_address_mode: 'dhcpv6-stateful', allocation_pools: pools };
    const document = plainDocument('subnet', v6);
    const holder = plainDocument('port', { fixed_ips: [{ subnet_id: document.id, ip_address: '2001:db8::fffe' }] });
    const cloud = neutron(() => ({ subnet: { id: 'made' } }));
    const job = work(cloud, document, v6, [holder]);
    await subnet.create!(job);
    expect(cloud.calls[0]!.body.subnet).toMatchObject({ enable_dhcp: true, allocation_pools: [{ start: '2001:db8::fff6', end: '2001:db8::fffd' }] });
    await subnet.complete!.run(job);
    expect(cloud.calls[1]!.body).toEqual({ subnet: { allocation_pools: pools } });
  });

  test('of another project is foreign, and the one with the same addresses stands in for it', () => {
    expect(subnet.foreign!(of({}))).toBe(true);
    expect(subnet.rank!(of({}), of({ name: 'b' }))?.cost).toBe(0);
    expect(subnet.rank!(of({ name: 'a' }), of({ name: 'a', cidr: '10.2.0.0/24' }))?.cost).toBe(1);
    expect(subnet.rank!(of({}), of({ ip_version: 6, cidr: '2001:db8::/64' }))).toBeUndefined();
    expect(subnet.rank!(of({}), of({ cidr: '10.2.0.0/24' }))).toBeUndefined();
  });
});
