import { describe, expect, test } from 'vitest';
import { network } from '../../src/kinds/network.ts';
import { documentOf, documentsOf, neutron, plainDocument, recordedCloud, refusal, work } from './neutron-stub.ts';

const rank = (a: object, b: object) => network.rank!(plainDocument('network', a), plainDocument('network', b))?.cost;

describe('a network', () => {
  test('of a recorded cloud is described by what is needed to make it again', async () => {
    const [miop, ...others] = await documentsOf(network, recordedCloud());
    expect(others).toEqual([]);
    expect(miop).toMatchObject({
      kind: 'network',
      id: expect.stringMatching(/^network-[0-9a-f]{12}$/),
      name: 'miop-net',
      refs: {},
      info: { id: '77ee2c0a-11ab-48c5-8a12-b0e182b950f7', status: 'ACTIVE', shared: false },
    });
    expect(miop!.params).toEqual({ name: 'miop-net', description: 'the private network of miop', admin_state_up: true, mtu: 1450, port_security_enabled: true, tags: ['miop', 'prod'] });
  });

  test('keeps its smaller MTU; where it is too large the cloud chooses, and it is said', async () => {
    const params = { name: 'n', mtu: 9000 };
    const cloud = neutron(({ body }) => {
      if (body.network.mtu) throw refusal(400, 'cloud', 'Invalid input for operation: Requested MTU is too big, maximum is 1450.');
      return { network: { id: 'made', mtu: 1450 } };
    });
    const job = work(cloud, plainDocument('network', params), params);
    expect(await network.create!(job)).toBe('made');
    expect(job.warnings).toEqual([expect.stringContaining('MTU 1450 in place of 9000')]);
  });

  test('is made with its tags after it', async () => {
    const params = { name: '', tags: ['a', 'b'] };
    const cloud = neutron(() => ({ network: { id: 'made' } }));
    await network.create!(work(cloud, plainDocument('network', params), params));
    expect(cloud.calls.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/networks', { network: { name: '' } }],
      ['PUT', '/networks/made/tags', { tags: ['a', 'b'] }],
    ]);
  });
});

describe('a network of the cloud\'s own', () => {
  test('is offered, is fetched by its id, and is foreign', async () => {
    const cloud = recordedCloud();
    const offers: unknown[] = [];
    for await (const raw of network.offers!(cloud)) offers.push(raw);
    expect(offers).toHaveLength(1);
    const offer = documentOf(network, offers[0]);
    const fetched = documentOf(network, await network.fetch!(cloud, '83ef87f5-5530-4bc6-b395-944102d710dd'));
    expect(fetched).toEqual(offer);
    expect(fetched.params).toMatchObject({ name: 'ext-net', external: true });
    expect(network.foreign!(fetched)).toBe(true);
    expect(network.foreign!((await documentsOf(network, cloud))[0]!)).toBe(false);
    expect(await network.fetch!(cloud, 'nowhere')).toBeUndefined();
  });

  test('that is shared and not external is foreign too', () => {
    const document = documentOf(network, { id: 's', name: 'campus', shared: true, 'router:external': false, foreign: true });
    expect(document.params).toEqual({ name: 'campus', shared: true });
    expect(network.foreign!(document)).toBe(true);
  });

  test('external stands in for external, best by the same name; shared for shared by the same name alone', () => {
    expect(rank({ name: 'ext', external: true }, { name: 'ext', external: true })).toBeLessThan(rank({ name: 'ext', external: true }, { name: 'public', external: true })!);
    expect(rank({ name: 'ext', external: true }, { name: 'ext', shared: true })).toBeUndefined();
    expect(rank({ name: 'campus', shared: true }, { name: 'campus', shared: true })).toBe(0);
    expect(rank({ name: 'campus', shared: true }, { name: 'guests', shared: true })).toBeUndefined();
    expect(rank({ name: '', shared: true }, { name: '', shared: true })).toBeUndefined();
  });
});
