import { describe, expect, it } from 'vitest';
import { collect, NOWHERE, once, refused, states, things } from './things.ts';
import { expectShape, FLOATING, GROUP, NETWORK, PORT, ROUTER, RULE, RULE_OF_GROUP, SUBNET } from './shape.ts';
import type { Cloud } from '../../src/cloud/index.ts';

export function networkContract(cloud: () => Cloud): void {
  describe('Neutron', () => {
    const work = things(cloud);
    const neutron = once(() => cloud().service('network'));
    const post = async (path: string, key: string, body: object): Promise<any> => {
      const one = (await neutron().post(path, { [key]: body })).body[key];
      work.later(() => neutron().delete(`${path}/${one.id}`));
      return one;
    };
    const put = (path: string, key: string, body: object): Promise<any> => neutron().put(path, { [key]: body }).then((answer) => answer.body[key]);
    const external = once(async () => (await collect(neutron().list('/networks', 'networks', { query: { 'router:external': true } })))[0] as any);
    const net = once(async () => post('/networks', 'network', { name: 'contract-net', description: 'd' }));
    const subnet = once(async () => post('/subnets', 'subnet', { network_id: net().id, name: 'contract-subnet', ip_version: 4, cidr: '10.77.0.0/24', enable_dhcp: false }));
    const port = once(async () => post('/ports', 'port', { network_id: net().id, name: 'contract-port', fixed_ips: [{ subnet_id: subnet().id, ip_address: '10.77.0.11' }], mac_address: 'fa:16:3e:c0:77:11' }));
    const router = once(async () => post('/routers', 'router', { name: 'contract-router' }));
    const group = once(async () => post('/security-groups', 'security_group', { name: 'contract-group', description: 'd' }));

    describe('networks', () => {
      it('have these attributes, and no provider:* for a member', async () => {
        expectShape((await neutron().get(`/networks/${net().id}`)).network, NETWORK);
      });
      it('say is_default when they are external', async () => {
        expectShape(external(), { ...NETWORK, is_default: 'boolean' });
      });
      it.each([
        [{ nonsense: 1 }, 400, 'cloud', /Unrecognized attribute\(s\) 'nonsense'/],
        [{ id: NOWHERE }, 400, 'cloud', /Attribute 'id' not allowed in POST/],
        [{ name: 5 }, 400, 'cloud', /Invalid input for name\. Reason: '5' is not a valid string/],
        [{ mtu: 60_000 }, 400, 'cloud', /Requested MTU is too big, maximum is \d+/],
        [{ shared: true }, 403, 'forbidden', /rule:create_network:shared\) is disallowed by policy/],
        [{ 'router:external': true }, 403, 'forbidden', /disallowed by policy/],
        [{ 'provider:network_type': 'vxlan' }, 403, 'forbidden', /rule:create_network:provider:network_type\) is disallowed/],
      ] as const)('are refused with %j', async (body, status, code, words) => {
        await refused(neutron().post('/networks', { network: { name: 'contract-x', ...body } }), status, code, words);
      });
      it('do not let their status be set', async () => {
        await refused(put(`/networks/${net().id}`, 'network', { status: 'x' }), 400, 'cloud', /Cannot update read-only attribute status/);
      });
      it('keep their tags in the order given', async () => {
        expect((await neutron().put(`/networks/${net().id}/tags`, { tags: ['b', 'a'] })).body).toEqual({ tags: ['b', 'a'] });
      });
      it('of the provider can be neither changed nor removed', async () => {
        await refused(put(`/networks/${external().id}`, 'network', { name: 'x' }), 403, 'forbidden', /rule:update_network is disallowed by policy/);
        await refused(neutron().delete(`/networks/${external().id}`), 403, 'forbidden', /rule:delete_network is disallowed by policy/);
      });
      it('of the provider name a subnet that a member does not see', async () => {
        expect(external().subnets).toHaveLength(1);
        expect(await collect(neutron().list('/subnets', 'subnets', { query: { network_id: external().id } }))).toEqual([]);
      });
      it('that are not there are a 404', async () => {
        await refused(neutron().get(`/networks/${NOWHERE}`), 404, 'not-found', /Network \S+ could not be found/);
      });
      it('cannot be asked for by an attribute that they do not have', async () => {
        await refused(neutron().get('/networks', { query: { nonsense: 1 } }), 400, 'cloud', /\['nonsense'\] is invalid attribute for filtering/);
      });
      it('come in pages that link to the next one when a limit is given', async () => {
        const page = await neutron().get('/networks', { query: { limit: 1 } });
        expect(page.networks).toHaveLength(1);
        expect(page.networks_links.map(({ rel }: { rel: string }) => rel)).toContain('next');
      });
    });

    describe('subnets', () => {
      it('have these attributes', async () => {
        expectShape((await neutron().get(`/subnets/${subnet().id}`)).subnet, SUBNET);
      });
      it('get the first address as gateway, and all but gateway and broadcast as pool', () => {
        expect(subnet()).toMatchObject({ gateway_ip: '10.77.0.1', allocation_pools: [{ start: '10.77.0.2', end: '10.77.0.254' }] });
      });
      it('have no gateway when null is sent, and then a larger pool', async () => {
        const one = await post('/subnets', 'subnet', { network_id: net().id, ip_version: 4, cidr: '10.78.0.0/24', gateway_ip: null, enable_dhcp: false });
        expect(one).toMatchObject({ gateway_ip: null, allocation_pools: [{ start: '10.78.0.1', end: '10.78.0.254' }] });
      });
      it('normalise their range, keep their pools in any order and name servers in the one given', async () => {
        const pools = [{ start: '10.79.0.9', end: '10.79.0.50' }, { start: '10.79.0.2', end: '10.79.0.5' }];
        const one = await post('/subnets', 'subnet', { network_id: net().id, ip_version: 4, cidr: '10.79.0.5/24', enable_dhcp: false, allocation_pools: pools, dns_nameservers: ['9.9.9.9', '1.1.1.1'] });
        expect(one).toMatchObject({ cidr: '10.79.0.0/24', allocation_pools: expect.arrayContaining(pools), dns_nameservers: ['9.9.9.9', '1.1.1.1'] });
      });
      it.each([
        [{ cidr: '10.77.0.0/24' }, 400, /overlaps with another subnet/],
        [{ cidr: '10.70.0.0/33' }, 400, /not in a CIDR format/],
        [{ cidr: '10.70.0.0/24', allocation_pools: [{ start: '10.71.0.1', end: '10.71.0.5' }] }, 400, /spans beyond the subnet cidr/],
      ] as const)('are refused with %j', async (body, status, words) => {
        await refused(neutron().post('/subnets', { subnet: { network_id: net().id, ip_version: 4, ...body } }), status, 'cloud', words);
      });
      it('cannot be made on a network of the provider, nor on none', async () => {
        await refused(neutron().post('/subnets', { subnet: { network_id: external().id, ip_version: 4, cidr: '10.70.0.0/24' } }), 403, 'forbidden', /not allowed to create subnet on this network/);
        await refused(neutron().post('/subnets', { subnet: { network_id: NOWHERE, ip_version: 4, cidr: '10.70.0.0/24' } }), 404, 'not-found', /Network \S+ could not be found/);
      });
      it('do not change their range', async () => {
        await refused(put(`/subnets/${subnet().id}`, 'subnet', { cidr: '10.70.0.0/24' }), 400, 'cloud', /Cannot update read-only attribute cidr/);
      });
      it('cannot go while a port has an address of theirs', async () => {
        await refused(neutron().delete(`/subnets/${subnet().id}`), 409, 'conflict', /One or more ports have an IP allocation from this subnet/);
        expect(port().id).toBeDefined();
      });
    });

    describe('ports', () => {
      it('have these attributes', async () => {
        expectShape((await neutron().get(`/ports/${port().id}`)).port, PORT);
      });
      it('keep the address and the MAC that the network’s owner asks for, and join the default group', async () => {
        const groups = await collect<any>(neutron().list('/security-groups', 'security_groups', { query: { name: 'default' } }));
        expect(port()).toMatchObject({ mac_address: 'fa:16:3e:c0:77:11', fixed_ips: [{ ip_address: '10.77.0.11' }], security_groups: [groups[0].id], status: 'DOWN', device_owner: '' });
      });
      it('are in no group when an empty list is sent, and pairs take their MAC', async () => {
        const one = await post('/ports', 'port', { network_id: net().id, security_groups: [], allowed_address_pairs: [{ ip_address: '10.77.0.100' }] });
        expect(one).toMatchObject({ security_groups: [], allowed_address_pairs: [{ ip_address: '10.77.0.100', mac_address: one.mac_address }] });
      });
      it('without port security are in no group', async () => {
        expect(await post('/ports', 'port', { network_id: net().id, port_security_enabled: false })).toMatchObject({ security_groups: [], port_security_enabled: false });
      });
      it.each([
        [{ fixed_ips: [{ ip_address: '10.77.0.11' }] }, 409, 'conflict', /IP address 10\.77\.0\.11 already allocated in subnet/],
        [{ mac_address: 'fa:16:3e:c0:77:11' }, 409, 'conflict', /mac address fa:16:3e:c0:77:11 is in use/],
        [{ mac_address: 'zz' }, 400, 'cloud', /'zz' is not a valid MAC address/],
        [{ security_groups: [NOWHERE] }, 404, 'not-found', /Security group \S+ does not exist/],
        [{ port_security_enabled: false, security_groups: [NOWHERE] }, 400, 'cloud', /Port security must be enabled/],
        [{ 'binding:host_id': 'x' }, 403, 'forbidden', /rule:create_port:binding:host_id\) is disallowed/],
        [{ dns_name: 'x' }, 400, 'cloud', /Unrecognized attribute\(s\) 'dns_name'/],
      ] as const)('are refused with %j', async (body, status, code, words) => {
        expect(port().id).toBeDefined();
        await refused(neutron().post('/ports', { port: { network_id: net().id, ...body } }), status, code, words);
      });
      it('are refused with an address outside of the subnet', async () => {
        await refused(neutron().post('/ports', { port: { network_id: net().id, fixed_ips: [{ subnet_id: subnet().id, ip_address: '10.99.0.1' }] } }), 400, 'cloud', /not a valid IP for the specified subnet/);
      });
      it('cannot be made on a network of the provider', async () => {
        await refused(neutron().post('/ports', { port: { network_id: external().id } }), 403, 'forbidden', /not allowed to create port on this network/);
      });
      it('do not let a member change their MAC', async () => {
        await refused(put(`/ports/${port().id}`, 'port', { mac_address: 'fa:16:3e:c0:77:12' }), 403, 'forbidden', /rule:update_port:mac_address\) is disallowed/);
      });
      it('keep their network from going', async () => {
        await refused(neutron().delete(`/networks/${net().id}`), 409, 'conflict', /There are one or more ports still in use on the network/);
      });
      it('of DHCP take the first free address of the pool as soon as a subnet wants DHCP', async () => {
        const other = await post('/networks', 'network', { name: 'contract-dhcp' });
        const one = await post('/subnets', 'subnet', { network_id: other.id, ip_version: 4, cidr: '10.76.0.0/24', allocation_pools: [{ start: '10.76.0.50', end: '10.76.0.60' }] });
        const dhcp = async (): Promise<any> => (await collect<any>(neutron().list('/ports', 'ports', { query: { network_id: other.id, device_owner: 'network:dhcp' } })))[0];
        await states(async () => ((await dhcp()) ? 'there' : 'missing'), 'there');
        expect(await dhcp()).toMatchObject({ fixed_ips: [{ subnet_id: one.id, ip_address: '10.76.0.50' }], security_groups: [], port_security_enabled: false });
        expectShape(await dhcp(), PORT);
        await refused(neutron().post('/ports', { port: { network_id: other.id, fixed_ips: [{ ip_address: '10.76.0.50' }] } }), 409, 'conflict', /already allocated/);
        await neutron().delete(`/networks/${other.id}`);
      });
    });

    describe('security groups', () => {
      const rule = (body: object): Promise<any> => neutron().post('/security-group-rules', { security_group_rule: { security_group_id: group().id, ...body } });
      it('have these attributes, and their rules those', async () => {
        const one = (await neutron().get(`/security-groups/${group().id}`)).security_group;
        expectShape(one, GROUP);
        expectShape(one.security_group_rules[0], RULE_OF_GROUP);
      });
      it('are born with two rules that let everything out', () => {
        const born = group().security_group_rules.map((one: any) => [one.direction, one.ethertype, one.protocol, one.remote_ip_prefix, one.remote_group_id]);
        expect(born.toSorted()).toEqual([['egress', 'IPv4', null, null, null], ['egress', 'IPv6', null, null, null]]);
      });
      it('are joined by one called default, which cannot be made, renamed or, in use, removed', async () => {
        const [one] = await collect<any>(neutron().list('/security-groups', 'security_groups', { query: { name: 'default' } }));
        expect(one).toBeDefined();
        expect(port().security_groups).toEqual([one.id]);
        await refused(neutron().post('/security-groups', { security_group: { name: 'default' } }), 409, 'conflict', /Default security group already exists/);
        await refused(put(`/security-groups/${one.id}`, 'security_group', { name: 'x' }), 409, 'conflict', /Updating default security group not allowed/);
        await refused(neutron().delete(`/security-groups/${one.id}`), 409, 'conflict', /in use|Insufficient rights/);
      });
      it('take a rule, which then has these attributes', async () => {
        const one = (await rule({ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 80, port_range_max: 80, remote_ip_prefix: '0.0.0.0/0', description: 'http' })).body.security_group_rule;
        expectShape(one, RULE);
        expect(one).toMatchObject({ protocol: 'tcp', remote_ip_prefix: '0.0.0.0/0', normalized_cidr: '0.0.0.0/0', description: 'http' });
      });
      it.each([
        ['by name', { protocol: 'tcp', remote_ip_prefix: '0.0.0.0/0' }],
        ['by number', { protocol: '6', remote_ip_prefix: '0.0.0.0/0' }],
        ['with no prefix instead of that of everything', { protocol: 'tcp' }],
      ])('take no rule twice: %s', async (_how, body) => {
        await rule({ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 81, port_range_max: 81, remote_ip_prefix: '0.0.0.0/0' }).catch(() => {});
        await refused(rule({ direction: 'ingress', ethertype: 'IPv4', port_range_min: 81, port_range_max: 81, ...body }), 409, 'conflict', /Security group rule already exists/);
      });
      it('have one of their born rules already', async () => {
        await refused(rule({ direction: 'egress', ethertype: 'IPv4' }), 409, 'conflict', /already exists/);
      });
      it('may refer to themselves', async () => {
        expect((await rule({ direction: 'ingress', remote_group_id: group().id })).body.security_group_rule).toMatchObject({ remote_group_id: group().id, protocol: null });
      });
      it('keep a protocol as it was written, and a prefix with its host bits', async () => {
        expect((await rule({ direction: 'ingress', protocol: 17, port_range_min: 1, port_range_max: 2 })).body.security_group_rule.protocol).toBe('17');
        expect((await rule({ direction: 'ingress', protocol: 'tcp', port_range_min: 5, port_range_max: 5, remote_ip_prefix: '10.1.2.3/16' })).body.security_group_rule).toMatchObject({ remote_ip_prefix: '10.1.2.3/16', normalized_cidr: '10.1.0.0/16' });
      });
      it('show the range of all ports as no range', async () => {
        expect((await rule({ direction: 'ingress', protocol: 'udp', port_range_min: 1, port_range_max: 65_535, remote_ip_prefix: '10.0.0.0/8' })).body.security_group_rule).toMatchObject({ port_range_min: null, port_range_max: null });
      });
      it('take ICMP types and codes as ports', async () => {
        expect((await rule({ direction: 'ingress', protocol: 'icmp', port_range_min: 8, port_range_max: 0 })).body.security_group_rule).toMatchObject({ port_range_min: 8, port_range_max: 0 });
      });
      it.each([
        [{ remote_group_id: NOWHERE }, 404, 'not-found', /Security group \S+ does not exist/],
        [{ protocol: 'foo' }, 400, 'cloud', /protocol foo not supported/],
        [{ direction: 'x' }, 400, 'cloud', /Invalid input for direction/],
        [{ protocol: 'tcp', port_range_min: 9, port_range_max: 8 }, 400, 'cloud', /port_range_min must be <= port_range_max/],
        [{ port_range_min: 9, port_range_max: 9 }, 400, 'cloud', /Must also specify protocol/],
        [{ ethertype: 'IPv6', remote_ip_prefix: '10.0.0.0/8' }, 400, 'cloud', /Conflicting value ethertype IPv6/],
      ] as const)('refuse a rule with %j', async (body, status, code, words) => {
        await refused(rule({ direction: 'ingress', ...body }), status, code, words);
      });
      it('refuse a rule that is limited twice', async () => {
        await refused(rule({ direction: 'ingress', remote_group_id: group().id, remote_ip_prefix: '10.0.0.0/8' }), 400, 'cloud', /Only one of remote_ip_prefix or remote_group_id/);
      });
    });

    describe('routers and floating addresses', () => {
      it('have these attributes', async () => {
        expectShape((await neutron().get(`/routers/${router().id}`)).router, ROUTER);
      });
      it.each([
        ['enable_snat', { enable_snat: true }],
        ['external_fixed_ips', { external_fixed_ips: [{ ip_address: '192.0.2.9' }] }],
      ])('take no %s from a member, whatever its value', async (key, info) => {
        const body = { external_gateway_info: { network_id: external().id, ...info } };
        await refused(neutron().post('/routers', { router: { name: 'contract-x', ...body } }), 403, 'forbidden', new RegExp(`create_router:external_gateway_info:${key}.*disallowed by policy`));
        await refused(put(`/routers/${router().id}`, 'router', body), 403, 'forbidden', new RegExp(`update_router:external_gateway_info:${key}.*disallowed by policy`));
      });
      it.each(['ha', 'distributed'])('take no %s from a member', async (key) => {
        await refused(neutron().post('/routers', { router: { name: 'contract-x', [key]: false } }), 403, 'forbidden', new RegExp(`create_router:${key}\\) is disallowed`));
      });
      it('lead to external networks only', async () => {
        await refused(neutron().post('/routers', { router: { name: 'contract-x', external_gateway_info: { network_id: net().id } } }), 400, 'cloud', /is not an external network/);
      });
      it('are needed before an address can lead to a port, and are held by it then', async () => {
        const floating = (body: object): Promise<any> => neutron().post('/floatingips', { floatingip: { floating_network_id: external().id, ...body } });
        await refused(floating({ port_id: port().id }), 404, 'not-found', /External network \S+ is not reachable from subnet/);

        const open = await put(`/routers/${router().id}`, 'router', { external_gateway_info: { network_id: external().id } });
        expect(open.external_gateway_info).toEqual({ network_id: external().id, external_fixed_ips: [{ subnet_id: external().subnets[0], ip_address: expect.any(String) }], enable_snat: true });
        const path = `/routers/${router().id}`;
        const added = (await neutron().put(`${path}/add_router_interface`, { subnet_id: subnet().id })).body;
        work.later(() => neutron().put(`${path}/remove_router_interface`, { subnet_id: subnet().id }).catch(() => {}));
        expect(added).toEqual({ id: router().id, tenant_id: cloud().project.id, port_id: expect.any(String), network_id: net().id, subnet_id: subnet().id, subnet_ids: [subnet().id] });
        const [inside] = await collect<any>(neutron().list('/ports', 'ports', { query: { device_id: router().id } }));
        expectShape(inside, PORT);
        expect(inside).toMatchObject({ device_owner: 'network:router_interface', fixed_ips: [{ ip_address: '10.77.0.1' }], security_groups: [] });
        await refused(neutron().put(`${path}/add_router_interface`, { subnet_id: subnet().id }), 400, 'cloud', /Router already has a port on subnet/);
        await refused(neutron().put(`${path}/add_router_interface`, {}), 400, 'cloud', /Either subnet_id or port_id must be specified/);
        await refused(neutron().delete(path), 409, 'conflict', /has ports still attached/);

        const routes = [{ destination: '10.50.0.0/24', nexthop: '10.77.0.11' }];
        expect((await put(path, 'router', { routes })).routes).toEqual(routes);
        await refused(put(path, 'router', { routes: [{ destination: '10.50.0.0/24', nexthop: '10.99.0.1' }] }), 400, 'cloud', /nexthop is not connected with router/);
        await refused(neutron().put(`${path}/remove_router_interface`, { subnet_id: subnet().id }), 409, 'conflict', /required by one or more routes/);
        await put(path, 'router', { routes: [] });

        const one = (await floating({ port_id: port().id, description: 'd' })).body.floatingip;
        work.later(() => neutron().delete(`/floatingips/${one.id}`));
        const shown = (await neutron().get(`/floatingips/${one.id}`)).floatingip;
        expectShape(shown, FLOATING);
        expect(shown).toMatchObject({ router_id: router().id, port_id: port().id, fixed_ip_address: '10.77.0.11', status: 'DOWN', description: 'd' });
        expect(Object.keys(shown.port_details).toSorted()).toEqual(['admin_state_up', 'device_id', 'device_owner', 'mac_address', 'name', 'network_id', 'status']);
        await refused(floating({ port_id: port().id }), 409, 'conflict', /already has a floating IP on external network/);
        await refused(neutron().put(`${path}/remove_router_interface`, { subnet_id: subnet().id }), 409, 'conflict', /required by one or more floating IPs/);
        await refused(put(path, 'router', { external_gateway_info: null }), 409, 'conflict', /required by one or more floating IPs/);
        expect(await put(`/floatingips/${one.id}`, 'floatingip', { port_id: null })).toMatchObject({ port_id: null, router_id: null, fixed_ip_address: null, port_details: null });
      });
      it.each([
        [{ floating_ip_address: '192.0.2.9' }, 403, 'forbidden', /create_floatingip:floating_ip_address\) is disallowed/],
        [{ port_id: NOWHERE }, 404, 'not-found', /Port \S+ could not be found/],
      ] as const)('are refused with %j', async (body, status, code, words) => {
        await refused(neutron().post('/floatingips', { floatingip: { floating_network_id: external().id, ...body } }), status, code, words);
      });
      it('need a network that is external', async () => {
        await refused(neutron().post('/floatingips', { floatingip: { floating_network_id: net().id } }), 400, 'cloud', /not a valid external network/);
        await refused(neutron().post('/floatingips', { floatingip: {} }), 400, 'cloud', /Required attribute 'floating_network_id' not specified/);
      });
    });

    describe('the rest', () => {
      it('tells limits and use', async () => {
        const { quota } = await neutron().get(`/quotas/${cloud().project.id}/details.json`);
        expect(Object.keys(quota)).toEqual(expect.arrayContaining(['network', 'subnet', 'port', 'router', 'floatingip', 'security_group', 'security_group_rule']));
        expect(quota.network).toEqual({ limit: expect.any(Number), used: expect.any(Number), reserved: 0 });
      });
      it('lists extensions by alias', async () => {
        const extensions = await collect<any>(neutron().list('/extensions', 'extensions'));
        expectShape(extensions[0], { name: 'string', alias: 'string', description: 'string', updated: 'string', links: 'array' });
        expect(extensions.map(({ alias }) => alias)).toEqual(expect.arrayContaining(['router', 'security-group', 'port-security', 'extraroute', 'standard-attr-tag', 'net-mtu']));
      });
      it('has no trunks here, and says so as for any unknown path', async () => {
        await refused(neutron().get('/trunks'), 404, 'not-found', /The resource could not be found/);
      });
      it('shows availability zones, and no agents to a member', async () => {
        expect((await neutron().get('/availability_zones')).availability_zones[0]).toEqual({ state: 'available', name: expect.any(String), resource: expect.stringMatching(/network|router/) });
        expect(await neutron().get('/agents')).toEqual({ agents: [] });
      });
    });
  });
}
