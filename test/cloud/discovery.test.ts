import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import type { ServiceType } from '../../src/cloud/index.ts';
import { compareVersions, microversionHeaders, negotiate } from '../../src/cloud/microversion.ts';
import { type FakeOptions, failure, fakeCloud, json, quick } from './support.ts';

async function cloudWith(options: FakeOptions = {}, env: Record<string, string> = {}) {
  const fake = await fakeCloud(options);
  const warnings: string[] = [];
  const cloud = await connect({ env: { ...fake.env, ...env }, cwd: '/nonexistent', patience: quick, emit: (event) => event.type === 'warning' && warnings.push(event.message) });
  onTestFinished(() => cloud.close());
  return { fake, cloud, warnings };
}

const at = (type: string, path: string, more: object = {}) => ({ type, endpoints: [{ interface: 'public', region_id: 'one', url: `{url}${path}`, ...more }] });

describe('the address of a service', () => {
  test.each<[string, ServiceType, ReturnType<typeof at>, string, string | undefined]>([
    ['Nova with its version', 'compute', at('compute', '/compute/v2.1'), '/compute/v2.1', '2.93'],
    ['Nova with a slash and a project', 'compute', at('compute', '/compute/v2.1/p1/'), '/compute/v2.1', '2.93'],
    ['Nova without a version', 'compute', at('compute', '/compute/'), '/compute/v2.1', '2.93'],
    ['Nova as its old v2', 'compute', at('compute', '/compute/v2/p1'), '/compute/v2.1', '2.93'],
    ['Cinder as volumev3', 'volume', at('volumev3', '/volume/v3/p1'), '/volume/v3/p1', '3.70'],
    ['Cinder as block-storage, no project', 'volume', at('block-storage', '/volume/v3'), '/volume/v3/p1', '3.70'],
    ['Cinder as volume, no version', 'volume', at('volume', '/volume'), '/volume/v3/p1', '3.70'],
    ['Cinder as volumev2', 'volume', at('volumev2', '/volume/v2/p1'), '/volume/v3/p1', '3.70'],
    ['Cinder with a template left in', 'volume', at('volumev3', '/volume/v3/%(tenant_id)s'), '/volume/v3/p1', '3.70'],
    ['Glance without a version', 'image', at('image', '/image'), '/image/v2', undefined],
    ['Glance with v1', 'image', at('image', '/image/v1'), '/image/v2', undefined],
    ['Glance with v2', 'image', at('image', '/image/v2/'), '/image/v2', undefined],
    ['Neutron without a version', 'network', at('network', '/network'), '/network/v2.0', undefined],
    ['Neutron with one', 'network', at('network', '/network/v2.0'), '/network/v2.0', undefined],
    ['Keystone with v2.0', 'identity', at('identity', '/identity/v2.0'), '/identity/v3', undefined],
    ['Swift as it is', 'object-store', at('object-store', '/swift/v1/AUTH_p1'), '/swift/v1/AUTH_p1', undefined],
  ])('%s', async (_, type, entry, path, microversion) => {
    const { fake, cloud } = await cloudWith({ catalog: [entry] });
    const service = await cloud.service(type);
    expect(service).toMatchObject({ type, url: fake.url + path, microversion });
  });

  test('keeps the catalog\'s host and prefix: version documents behind proxies name others', async () => {
    const { fake, cloud } = await cloudWith({
      catalog: [at('compute', '/proxied/compute')],
      service: (request) => (request.url === '/proxied/compute/' ? { versions: [{ id: 'v2.0', links: [{ rel: 'self', href: 'http://10.0.0.5:8774/v2/' }] }, { id: 'v2.1', version: '2.60', min_version: '2.1', links: [{ rel: 'self', href: 'http://10.0.0.5:8774/v2.1/' }] }] } : undefined),
    });
    expect(await cloud.service('compute')).toMatchObject({ url: `${fake.url}/proxied/compute/v2.1`, microversion: '2.60' });
  });

  test('is asked for without a token, which access rules might forbid, and with one only where that fails', async () => {
    const { fake, cloud } = await cloudWith();
    await cloud.service('compute');
    expect(fake.seen.slice(1).every((seen) => seen.headers['x-auth-token'] === undefined)).toBe(true);
    const shy = await cloudWith({
      service: (request, response) => (request.url!.startsWith('/compute/') ? (request.headers['x-auth-token'] ? { version: { id: 'v2.1', version: '2.79', min_version: '2.1' } } : json(response, 401, {})) : undefined),
    });
    expect((await shy.cloud.service('compute')).microversion).toBe('2.79');
  });

  test('is believed where the service tells no versions, with a warning if it has none in it', async () => {
    const mute: FakeOptions['service'] = (request, response) => (request.method === 'GET' && !request.url!.startsWith('/identity') ? json(response, 404, {}) : undefined);
    const versioned = await cloudWith({ service: mute, catalog: [at('compute', '/compute/v2.1')] });
    expect(await versioned.cloud.service('compute')).toMatchObject({ url: `${versioned.fake.url}/compute/v2.1`, microversion: undefined });
    expect(versioned.warnings).toEqual([]);
    const bare = await cloudWith({ service: mute, catalog: [at('image', '/image')] });
    expect((await bare.cloud.service('image')).url).toBe(`${bare.fake.url}/image/v2`);
    expect(bare.warnings).toHaveLength(1);
  });

  test('may be overridden in the configuration', async () => {
    const { fake, cloud } = await cloudWith({ catalog: [] }, {});
    expect(cloud.has('compute')).toBe(false);
    const overridden = await cloudWith({ catalog: [] }, { OS_COMPUTE_ENDPOINT_OVERRIDE: `${fake.url}/compute/v2.1` });
    expect(overridden.cloud.has('compute')).toBe(true);
    expect((await overridden.cloud.service('compute')).url).toBe(`${fake.url}/compute/v2.1`);
  });

  test('is found once for all callers, and looked for again after a failure', async () => {
    let down = true;
    const { fake, cloud } = await cloudWith({ service: (request) => (request.url === '/compute/v2.1/' && down ? void request.socket.destroy() : undefined) });
    await failure(cloud.service('compute'));
    down = false;
    const before = fake.seen.length;
    const [a, b] = await Promise.all([cloud.service('compute'), cloud.service('compute')]);
    expect(a).toBe(b);
    expect(fake.seen.length).toBe(before + 1);
  });
});

describe('the catalog', () => {
  const two = [{ type: 'image', endpoints: ['north', 'south'].flatMap((region) => ['public', 'internal'].map((kind) => ({ interface: kind, region_id: region, url: `{url}/${region}/${kind}/v2` }))) }];

  test.each([
    [{ OS_REGION_NAME: 'south' }, '/south/public/v2'],
    [{ OS_REGION_NAME: 'south', OS_INTERFACE: 'internalURL' }, '/south/internal/v2'],
    [{ OS_REGION_NAME: 'north', OS_INTERFACE: 'admin,internal' }, '/north/internal/v2'],
  ])('with %j gives %s', async (env, path) => {
    const { fake, cloud } = await cloudWith({ catalog: two }, env);
    expect((await cloud.service('image')).url).toBe(fake.url + path);
  });

  test('with several regions and none chosen gives the first, and warns', async () => {
    const { cloud, warnings } = await cloudWith({ catalog: two });
    expect(cloud.region).toBe('north');
    expect(warnings).toEqual([expect.stringContaining('north, south')]);
  });

  test.each([
    [{ OS_REGION_NAME: 'west' }, /no region "west": there are north, south/, /case-sensitive/],
    [{ OS_REGION_NAME: 'north', OS_INTERFACE: 'admin' }, /no admin endpoint/, /public, internal/],
  ])('without what %j asks for says what it has', async (env, message, hint) => {
    const error = await failure(cloudWith({ catalog: two }, env).then(({ cloud }) => cloud.service('image')));
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  test('without a service says so, and where the service is', async () => {
    const { cloud } = await cloudWith({ catalog: [...two, at('compute', '/compute/v2.1')] }, { OS_REGION_NAME: 'north' });
    expect(cloud.has('volume')).toBe(false);
    expect(await failure(cloud.service('volume'))).toMatchObject({ code: 'cloud', message: expect.stringContaining('has no volume service'), hint: expect.stringContaining('compute, image') });
    expect(await failure(cloud.service('compute'))).toMatchObject({ message: expect.stringContaining('in region "north"'), hint: expect.stringContaining('one') });
  });

  test('without the version that we speak says which there are', async () => {
    const { cloud } = await cloudWith({ catalog: [at('volumev2', '/old/v2/p1')], service: (request) => (request.url === '/old/' ? { versions: [{ id: 'v2.0', links: [] }] } : undefined) });
    expect(await failure(cloud.service('volume'))).toMatchObject({ code: 'cloud', message: expect.stringContaining('offers v2.0, and not v3') });
  });
});

describe('a microversion', () => {
  test.each([
    ['2.9', '2.10', -1], ['2.10', '2.9', 1], ['2.1', '2.1', 0], ['3.0', '2.99', 1],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });

  test('is the highest that both sides know', () => {
    expect(negotiate('compute', '2.1', '2.79')).toBe('2.79');
    expect(negotiate('compute', '2.1', '2.250')).toBe('2.100');
    expect(negotiate('compute', undefined, undefined)).toBeUndefined();
    expect(negotiate('image', '2.1', '2.5')).toBeUndefined();
    expect(() => negotiate('compute', '2.150', '2.250')).toThrow(/2\.150 to 2\.250 only/);
  });

  test('is asked for in the headers that old and new services read', () => {
    expect(microversionHeaders('compute', '2.93')).toEqual({ 'openstack-api-version': 'compute 2.93', 'x-openstack-nova-api-version': '2.93' });
    expect(microversionHeaders('volume', '3.70')).toEqual({ 'openstack-api-version': 'volume 3.70' });
    expect(microversionHeaders('image', undefined)).toEqual({});
  });

  test('goes with each call, and may be another for one', async () => {
    const { fake, cloud } = await cloudWith({ service: (request) => (request.url === '/compute/v2.1/servers' ? { servers: [] } : undefined) });
    const compute = await cloud.service('compute');
    await compute.get('/servers');
    await compute.get('/servers', { microversion: '2.1' });
    expect(fake.seen.slice(-2).map((seen) => seen.headers['openstack-api-version'])).toEqual(['compute 2.93', 'compute 2.1']);
    expect([compute.at('2.93'), compute.at('2.9'), compute.at('2.94')]).toEqual([true, true, false]);
  });
});

describe('an answer', () => {
  test('that is not JSON is an error of the cloud, or of what stands before it', async () => {
    const { cloud } = await cloudWith({ service: (request, response) => (request.url === '/compute/v2.1/servers' ? void response.end('<html>please log in</html>') : undefined) });
    expect(await failure((await cloud.service('compute')).get('/servers'))).toMatchObject({ code: 'cloud', hint: expect.stringContaining('proxy') });
  });

  test('without a body is fine for what changes things', async () => {
    const { fake, cloud } = await cloudWith({ service: (request, response) => (request.url!.startsWith('/compute/v2.1/servers') ? void response.writeHead(202, { location: '/x' }).end() : undefined) });
    const compute = await cloud.service('compute');
    expect(await compute.post('/servers/s/action', { reboot: { type: 'HARD' } })).toMatchObject({ status: 202, body: undefined, headers: { location: '/x' } });
    await compute.delete('/servers/s');
    expect(fake.seen.at(-2)).toMatchObject({ method: 'POST', body: '{"reboot":{"type":"HARD"}}' });
    expect(fake.seen.at(-2)!.headers['content-type']).toBe('application/json');
  });
});
