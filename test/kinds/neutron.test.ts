import { describe, expect, test } from 'vitest';
import { network } from '../../src/kinds/network.ts';
import { port } from '../../src/kinds/port.ts';
import { extensions } from '../../src/kinds/neutron.ts';
import { kinds } from '../../src/kinds/index.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { documentOf, documentsOf, faults, neutron, plainDocument, PROJECT, recordedCloud, refusal, work } from './neutron-stub.ts';

const ours = kinds.filter(({ name }) => ['network', 'subnet', 'router', 'port', 'security-group', 'floating-ip'].includes(name));
const params = { name: 'n', admin_state_up: true };
const document = plainDocument('network', params);
const now = () => new Date().toISOString().slice(0, 19) + 'Z';

const lost = () => refusal(0, 'network', 'connection reset');

describe('the network kinds on a recorded cloud', () => {
  test.each(ours.map((kind) => [kind.name, kind] as const))('every %s makes a document that its schema accepts', async (_, kind) => {
    const documents = await documentsOf(kind, recordedCloud());
    expect(documents.length).toBeGreaterThan(0);
    for (const { params } of documents) expect(faults(kind, params)).toEqual([]);
  });

  test.each(ours.map((kind) => [kind.name, kind] as const))('every attribute of %s has a description in its schema', (_, kind) => {
    const undescribed: string[] = [];
    const walk = (schema: any, at: string) => {
      for (const [name, property] of Object.entries<any>(schema.properties ?? {})) {
        if (!property.description) undescribed.push(`${at}/${name}`);
        walk(property.items ?? property, `${at}/${name}`);
      }
    };
    walk(kind.schema, '');
    expect((kind.schema as any).$id).toBe(`urn:baluchon:kind:${kind.name}:1`);
    expect(undescribed).toEqual([]);
  });

  test.each(ours.map((kind) => [kind.name, kind] as const))('no cloud id is left in the params of a %s', async (_, kind) => {
    for (const { params } of await documentsOf(kind, recordedCloud())) expect(JSON.stringify(params)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{32}/);
  });

  test.each(ours.map((kind) => [kind.name, kind] as const))('a cloud without Neutron has no %s', async (_, kind) => {
    expect(await documentsOf(kind, { ...recordedCloud(), has: () => false })).toEqual([]);
  });

  test.each(ours.map((kind) => [kind.name, kind] as const))('of a %s with hardly any attributes, as old clouds have them, a valid document is made', (_, kind) => {
    const raw = { id: 'x', network_id: 'n', floating_network_id: 'n', floating_ip_address: '192.0.2.1', ip_version: 4, cidr: '10.0.0.0/8' };
    expect(faults(kind, kind.toDocument(raw, documentId).params)).toEqual([]);
  });
});

describe('what is not brought back is told', () => {
  const told = (name: string, raw: object) => {
    const kind = ours.find((kind) => kind.name === name)!;
    const base = { id: 'x', network_id: 'n', floating_network_id: 'n', floating_ip_address: '192.0.2.1', ip_version: 4, cidr: '10.0.0.0/8' };
    return kind.unknown!(documentOf(kind, { ...base, ...raw })).map(({ attribute, verdict }) => `${attribute} ${verdict}`);
  };

  test.each<[string, object, string[]]>([
    ['network', { qos_policy_id: 'q' }, ['qos_policy_id lost']],
    ['network', { shared: true }, ['shared lost']],
    ['network', { shared: true, foreign: true }, []],
    ['subnet', { subnetpool_id: 'p', service_types: ['compute:nova'] }, ['subnetpool_id degraded', 'service_types lost']],
    ['router', { ha: true, distributed: true, external_gateway_info: { network_id: 'n', enable_snat: false } }, ['enable_snat degraded', 'distributed degraded', 'ha degraded']],
    ['port', { trunk_details: { trunk_id: 't' } }, ['trunk_details lost']],
    ['floating-ip', { port_id: 'p', port_details: { device_owner: 'Octavia' } }, ['port_id lost']],
    ['floating-ip', { port_id: 'p', port_details: { device_owner: '' }, port_forwardings: [{ protocol: 'tcp' }] }, ['port_forwardings lost']],
    ['security-group', { security_group_rules: [{ id: 'r', direction: 'ingress', remote_address_group_id: 'a' }] }, ['rules lost']],
  ])('%s %o', (name, raw, expected) => expect(told(name, raw)).toEqual(expected));

  test('and of what was recorded nothing is lost', async () => {
    for (const kind of ours) for (const document of await documentsOf(kind, recordedCloud())) expect(kind.unknown!(document)).toEqual([]);
  });
});

describe('lists', () => {
  test('only what the project owns is listed, also where the cloud ignores the filter', async () => {
    const cloud = neutron(() => ({ networks: [{ id: 'a', project_id: PROJECT }, { id: 'b', project_id: 'other' }, { id: 'c', tenant_id: PROJECT }] }));
    expect((await documentsOf(network, cloud)).map(({ info }) => info.id)).toEqual(['a', 'c']);
    expect(cloud.calls[0]?.query).toMatchObject({ project_id: PROJECT });
  });

  test('the extensions are asked once a session', async () => {
    const cloud = recordedCloud();
    let asked = 0;
    const service = await cloud.service('network');
    const counting = { ...cloud, service: async () => ({ ...service, get: (path: string) => (asked++, service.get(path)) as any }) };
    const [one, two] = await Promise.all([extensions(counting), extensions(counting)]);
    expect(one).toBe(two);
    expect(one.has('standard-attr-tag')).toBe(true);
    expect(asked).toBe(1);
  });
});

describe.concurrent('a creation that got no answer', () => {
  test('is not repeated when the resource was made all the same', async () => {
    let posts = 0;
    const cloud = neutron(({ method }) => {
      if (method === 'GET') return { networks: [{ id: 'there', ...params, project_id: PROJECT, created_at: now() }] };
      posts++;
      throw lost();
    });
    expect(await network.create!(work(cloud, document, params))).toBe('there');
    expect(posts).toBe(1);
  });

  test('is repeated once when it was not', async () => {
    let posts = 0;
    const cloud = neutron(({ method }) => {
      if (method === 'GET') return { networks: [] };
      if (++posts === 1) throw refusal(504, 'cloud', 'gateway time-out');
      return { network: { id: 'second' } };
    });
    expect(await network.create!(work(cloud, document, params))).toBe('second');
    expect(posts).toBe(2);
  });

  test('does not take an older resource like it, nor one with other attributes, for its own', async () => {
    let posts = 0;
    const cloud = neutron(({ method }) => {
      if (method === 'GET') {
        return { networks: [{ id: 'old', ...params, created_at: '2020-01-01T00:00:00Z' }, { id: 'other', ...params, admin_state_up: false, created_at: now() }] };
      }
      if (++posts === 1) throw lost();
      return { network: { id: 'second' } };
    });
    expect(await network.create!(work(cloud, document, params))).toBe('second');
  });

  test('stops where the cloud does not say how old the one like it is', async () => {
    const cloud = neutron(({ method }) => {
      if (method === 'GET') return { networks: [{ id: 'old', ...params }] };
      throw lost();
    });
    await expect(network.create!(work(cloud, document, params))).rejects.toMatchObject({ code: 'network', hint: expect.stringContaining('remove it') });
  });

  test('never takes a twin that another creation was given', async () => {
    const made: object[] = [];
    let posts = 0;
    const cloud = neutron(({ method }) => {
      if (method === 'GET') return { ports: made };
      const id = `p${++posts}`;
      made.push({ id, network_id: 'n', name: '', fixed_ips: [], security_groups: [], created_at: now() });
      if (posts === 1) throw lost();
      return { port: made.at(-1) };
    });
    const twin = plainDocument('port', { name: '', network_id: 'n', fixed_ips: [], security_groups: [] });
    const ids = await Promise.all([port.create!(work(cloud, twin, twin.params)), port.create!(work(cloud, twin, twin.params))]);
    expect(ids.toSorted()).toEqual(['p1', 'p2']);
  });

  test('is not looked for after a plain refusal', async () => {
    const cloud = neutron(() => {
      throw refusal(409, 'quota', 'quota exceeded for resources: network');
    });
    await expect(network.create!(work(cloud, document, params))).rejects.toMatchObject({ code: 'quota' });
    expect(cloud.calls).toHaveLength(1);
  });
});

describe('extensions that the cloud lacks', () => {
  test('their attributes are not sent, and said to be left out where they meant something', async () => {
    const full = { name: 'n', description: 'mine', admin_state_up: true, mtu: 1400, port_security_enabled: true, dns_domain: 'example.org.', tags: ['a'] };
    const cloud = neutron(() => ({ network: { id: 'made' } }), []);
    const job = work(cloud, plainDocument('network', full), full);
    await network.create!(job);
    expect(cloud.calls).toEqual([{ method: 'POST', path: '/networks', body: { network: { name: 'n', admin_state_up: true } } }]);
    expect(job.warnings.map((line) => line.replace(/ (is|are) left out.*/, ''))).toEqual(['network n: description', 'network n: mtu', 'network n: dns_domain', 'network n: tags']);
  });
});
