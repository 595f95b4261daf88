import { describe, expect, test } from 'vitest';
import { port } from '../../src/kinds/port.ts';
import { documentId } from '../../src/tenant/identity.ts';
import type { Document } from '../../src/tenant/document.ts';
import { allExtensions, documentOf, documentsOf, neutron, plainDocument, PROJECT, recordedCloud, refusal, work } from './neutron-stub.ts';

const params = {
  name: 'p',
  network_id: 'net',
  fixed_ips: [{ subnet_id: 'sub', ip_address: '10.0.0.9' }],
  mac_address: 'fa:16:3e:00:00:01',
  security_groups: [] as string[],
  allowed_address_pairs: [{ ip_address: '10.0.0.100' }],
};

/** What the last `asked` removed again. */
let deleted: string[] = [];

/** The body of the port that a cloud was asked for in the end. */
async function asked(params: object, options: { aliases?: string[]; documents?: Document[]; document?: object; refuse?: (body: any) => unknown; answer?: object } = {}) {
  const cloud = neutron(({ method, body }) => {
    if (method !== 'POST') return {};
    const refusal = options.refuse?.(body.port);
    if (refusal) throw refusal;
    return { port: { port_security_enabled: true, ...body.port, id: 'made', ...options.answer } };
  }, options.aliases);
  const job = work(cloud, plainDocument('port', options.document ?? params), params, options.documents);
  await port.create!(job).finally(() => {
    deleted = cloud.calls.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
  });
  return { body: cloud.calls.findLast(({ method }) => method === 'POST')!.body.port, warnings: job.warnings, posts: cloud.calls.filter(({ method }) => method === 'POST').length };
}

describe('ports', () => {
  test('of servers and of nobody are documents; those of DHCP and routers are not', async () => {
    const documents = await documentsOf(port, recordedCloud());
    expect(documents.map(({ info }) => info.device_owner).toSorted()).toEqual(['', 'compute:nova', 'compute:nova', 'compute:nova', 'compute:nova', 'compute:nova']);
    const haproxy = documents.find(({ name }) => name === 'haproxy-port')!;
    expect(haproxy.params).toEqual({
      name: 'haproxy-port',
      description: '',
      network_id: documentId('network', '77ee2c0a-11ab-48c5-8a12-b0e182b950f7'),
      fixed_ips: [{ subnet_id: documentId('subnet', '36ac133d-108a-4f7a-a199-fc65028ad0c2'), ip_address: '10.1.0.10' }],
      mac_address: 'fa:16:3e:25:13:9d',
      admin_state_up: true,
      security_groups: [documentId('security-group', '2ad38fd2-42df-450d-a2ec-2510da458fb2')],
      allowed_address_pairs: [{ ip_address: '10.1.0.100' }],
      port_security_enabled: true,
      extra_dhcp_opts: [],
      tags: [],
    });
    expect(haproxy.refs).toEqual({ '/network_id': 'network', '/fixed_ips/0/subnet_id': 'subnet', '/security_groups/0': 'security-group' });
  });

  test('of load balancers and other services are not', async () => {
    const owners = ['network:floatingip', 'network:router_gateway', 'Octavia', 'network:dhcp', 'compute:az-2', ''];
    const cloud = neutron(({ path }) => (path === '/subnets' ? { subnets: [] } : { ports: owners.map((device_owner, at) => ({ id: `p${at}`, network_id: 'n', project_id: PROJECT, device_owner })) }));
    expect((await documentsOf(port, cloud)).map(({ info }) => info.device_owner)).toEqual(['compute:az-2', '']);
  });

  test('on another project\'s subnet keep the address, without a reference to what may not be visible', async () => {
    const cloud = neutron(({ path }) => (path === '/subnets' ? { subnets: [] } : { ports: [{ id: 'p', network_id: 'n', project_id: PROJECT, fixed_ips: [{ subnet_id: 's', ip_address: '192.0.2.5' }] }] }));
    const [document] = await documentsOf(port, cloud);
    expect(document!.params.fixed_ips).toEqual([{ ip_address: '192.0.2.5' }]);
  });

  test('keep a pair\'s own MAC, and their sort of card where it is not the usual one', () => {
    const pairs = [{ ip_address: '10.0.0.9', mac_address: 'fa:16:3e:99:99:99' }, { ip_address: '10.0.0.10', mac_address: 'fa:16:3e:00:00:01' }];
    const { params } = documentOf(port, { id: 'p', network_id: 'n', mac_address: 'fa:16:3e:00:00:01', allowed_address_pairs: pairs, 'binding:vnic_type': 'direct' });
    expect(params.allowed_address_pairs).toEqual([{ ip_address: '10.0.0.10' }, pairs[0]]);
    expect(params['binding:vnic_type']).toBe('direct');
  });
});

describe('a port is created', () => {
  test('with exactly its address, MAC and groups; no group is sent as an empty list', async () => {
    const { body, warnings } = await asked(params);
    expect(body).toEqual(params);
    expect(warnings).toEqual([]);
  });

  test('without addresses where it had none', async () => {
    expect((await asked({ ...params, fixed_ips: [] })).body.fixed_ips).toEqual([]);
  });

  test('without groups and pairs where it has no port security', async () => {
    const { body } = await asked({ ...params, port_security_enabled: false });
    expect(body.port_security_enabled).toBe(false);
    expect(body).not.toHaveProperty('security_groups');
    expect(body).not.toHaveProperty('allowed_address_pairs');
  });

  test('with no groups, never with the default one, where the cloud can\'t do without port security', async () => {
    const { body, warnings } = await asked({ ...params, port_security_enabled: false }, { aliases: allExtensions.filter((alias) => alias !== 'port-security') });
    expect(body.security_groups).toEqual([]);
    expect(body).not.toHaveProperty('port_security_enabled');
    expect(warnings).toEqual([expect.stringContaining('port_security_enabled is left out')]);
  });

  test('by its subnet alone where the address follows from the MAC', async () => {
    const subnet = plainDocument('subnet', { ip_version: 6, ipv6_address_mode: 'slaac' });
    const document = { ...params, fixed_ips: [{ subnet_id: subnet.id, ip_address: '2001:db8::9' }] };
    const { body } = await asked({ ...params, fixed_ips: [{ subnet_id: 'sub6', ip_address: '2001:db8::9' }] }, { document, documents: [subnet] });
    expect(body.fixed_ips).toEqual([{ subnet_id: 'sub6' }]);
  });

  test('without MAC, then without addresses, where the cloud refuses them, and says so', async () => {
    const { body, warnings, posts } = await asked(params, {
      refuse: (body) => (body.mac_address || body.fixed_ips ? refusal(403, 'forbidden', 'disallowed by policy') : undefined),
    });
    expect(posts).toBe(3);
    expect(body).toEqual({ name: 'p', network_id: 'net', security_groups: [], allowed_address_pairs: params.allowed_address_pairs });
    expect(warnings).toEqual([expect.stringContaining('mac_address, fixed_ips')]);
  });

  test('with another address where its own is not one of another project\'s network here', async () => {
    const network = plainDocument('network', { name: 'campus', shared: true });
    const { body } = await asked(params, {
      documents: [network],
      document: { ...params, network_id: network.id },
      refuse: (body) => (body.fixed_ips ? refusal(400, 'cloud', 'IP address 10.0.0.9 is not a valid IP for any of the subnets') : undefined),
    });
    expect(body).not.toHaveProperty('fixed_ips');
  });

  test('never with another address on its own network: what is in the way is an error', async () => {
    const taken = refusal(409, 'conflict', 'IP address 10.0.0.9 already allocated in subnet');
    await expect(asked(params, { refuse: () => taken })).rejects.toBe(taken);
  });

  test.each([
    ['made it without port security', { port_security_enabled: false }],
    ['put other groups on it', { security_groups: ['default'] }],
    ['knows no groups', { security_groups: undefined }],
  ])('and removed again, never left open, where the cloud %s', async (_, answer) => {
    await expect(asked({ ...params, security_groups: ['web'] }, { answer })).rejects.toThrow('does not guard it');
    expect(deleted).toEqual(['/ports/made']);
  });

  test('never wider where the cloud refuses everything: the first refusal is the error', async () => {
    let posts = 0;
    await expect(asked(params, { refuse: () => refusal(403, 'forbidden', `refusal ${++posts}`) })).rejects.toThrow('refusal 1');
  });
});
