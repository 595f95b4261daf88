import { afterEach, describe, expect, it } from 'vitest';
import { connect, waitFor, type Cloud } from '../../src/cloud/index.ts';
import { isError } from '../../src/errors.ts';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';

let open: { sandbox: Sandbox; cloud: Cloud }[] = [];

async function start(options: SandboxOptions = {}): Promise<{ sandbox: Sandbox; cloud: Cloud }> {
  const sandbox = await startSandbox({ pace: 0.1, ...options });
  const cloud = await connect({ env: sandbox.env(), patience: { tries: 1 } as object });
  open.push({ sandbox, cloud });
  return { sandbox, cloud };
}

afterEach(async () => {
  for (const { sandbox, cloud } of open) {
    await cloud.close();
    await sandbox.close();
  }
  open = [];
});

async function collect(list: AsyncIterable<any>): Promise<any[]> {
  const all = [];
  for await (const one of list) all.push(one);
  return all;
}

const raised = (call: Promise<unknown>): Promise<any> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a simulated cloud', () => {
  it('is what its options say: names, sizes, types, zones', async () => {
    const { cloud, sandbox } = await start({
      name: 'beta',
      region: 'beta-west-1',
      projectName: 'miop-next',
      flavors: [{ name: 'b2.xs', vcpus: 1, ram: 96, disk: 1 }],
      externalNetwork: { name: 'public', cidr: '203.0.113.0/24' },
      volumeTypes: ['standard'],
      publicImage: { name: 'Tiny Web 1.0' },
      availabilityZones: { compute: ['west-1', 'west-2'], volume: ['west-1'] },
    });
    expect(cloud).toMatchObject({ region: 'beta-west-1', project: { name: 'miop-next' } });
    expect((await collect((await cloud.service('compute')).list('/flavors/detail', 'flavors'))).map(({ name }) => name)).toEqual(['b2.xs']);
    const [external] = await collect((await cloud.service('network')).list('/networks', 'networks'));
    expect(external).toMatchObject({ name: 'public', 'router:external': true });
    expect((await collect((await cloud.service('volume')).list('/types', 'volume_types'))).map(({ name }) => name)).toEqual(['standard', '__DEFAULT__']);
    expect((await collect((await cloud.service('image')).list('/images', 'images'))).map(({ name }) => name)).toEqual(['Tiny Web 1.0']);
    const zones = (await (await cloud.service('compute')).get('/os-availability-zone')).availabilityZoneInfo;
    expect(zones.map(({ zoneName }: any) => zoneName)).toEqual(['west-1', 'west-2']);
    expect(sandbox.clouds()).toMatchObject({ beta: { region_name: 'beta-west-1', auth: { project_name: 'miop-next' } } });
  });

  it('may have all its services behind one port', async () => {
    const { cloud, sandbox } = await start({ layout: 'paths' });
    expect(new Set(Object.values(sandbox.state.roots).map((root) => new URL(root).port)).size).toBe(1);
    for (const [service, path, key] of [['compute', '/servers', 'servers'], ['network', '/networks', 'networks'], ['volume', '/volumes', 'volumes'], ['image', '/images', 'images']] as const) {
      expect(Array.isArray(await collect((await cloud.service(service)).list(path, key)))).toBe(true);
    }
  });

  it('may cap its pages at any size, and still gives everything', async () => {
    const { cloud } = await start({ pageCap: 2 });
    const neutron = await cloud.service('network');
    for (let at = 0; at < 7; at += 1) await neutron.post('/networks', { network: { name: `net-${at}` } });
    expect((await neutron.get('/networks')).networks).toHaveLength(2);
    expect((await collect(neutron.list('/networks', 'networks'))).map(({ name }) => name).toSorted()).toEqual(['ext-net', 'net-0', 'net-1', 'net-2', 'net-3', 'net-4', 'net-5', 'net-6']);
    const cinder = await cloud.service('volume');
    for (let at = 0; at < 5; at += 1) await cinder.post('/volumes', { volume: { size: 1, name: `v${at}` } });
    expect(await collect(cinder.list('/volumes/detail', 'volumes'))).toHaveLength(5);
    const glance = await cloud.service('image');
    for (let at = 0; at < 5; at += 1) await glance.post('/images', { name: `i${at}` });
    expect(await collect(glance.list('/images', 'images'))).toHaveLength(6);
  });

  it('may be older: what its microversions do not know it does not show', async () => {
    const { cloud } = await start({ compute: '2.60', volume: '3.59' });
    expect((await cloud.service('compute')).microversion).toBe('2.60');
    expect((await cloud.service('volume')).microversion).toBe('3.59');
  });

  it('refuses what is over quota, and counts what is there', async () => {
    const { cloud } = await start({ quotas: { volume: { volumes: 1 }, network: { network: 1 }, compute: { server_groups: 0 } } });
    const cinder = await cloud.service('volume');
    await cinder.post('/volumes', { volume: { size: 1 } });
    expect(await raised(cinder.post('/volumes', { volume: { size: 1 } }))).toMatchObject({ code: 'quota', status: 413 });
    const neutron = await cloud.service('network');
    await neutron.post('/networks', { network: {} });
    expect(await raised(neutron.post('/networks', { network: {} }))).toMatchObject({ code: 'quota', status: 409 });
    expect(await raised((await cloud.service('compute')).post('/os-server-groups', { server_group: { name: 'x', policy: 'affinity' } }))).toMatchObject({ code: 'quota', status: 403 });
    expect((await neutron.get(`/quotas/${cloud.project.id}/details.json`)).quota.network).toEqual({ limit: 1, used: 1, reserved: 0 });
  });

  it('may let members see and do more than most', async () => {
    const { cloud } = await start({ policy: { extendedServerAttributes: true, chooseFloatingAddress: true } });
    const neutron = await cloud.service('network');
    const [external] = await collect(neutron.list('/networks', 'networks'));
    const floating = (await neutron.post('/floatingips', { floatingip: { floating_network_id: external.id, floating_ip_address: '198.51.100.77' } })).body.floatingip;
    expect(floating.floating_ip_address).toBe('198.51.100.77');
    const nova = await cloud.service('compute');
    const [flavor] = await collect(nova.list('/flavors', 'flavors'));
    const [image] = await collect((await cloud.service('image')).list('/images', 'images'));
    const { id } = (await nova.post('/servers', { server: { name: 'open', flavorRef: flavor.id, imageRef: image.id, networks: 'none', user_data: 'aGk=' } })).body.server;
    expect((await nova.get(`/servers/${id}`)).server['OS-EXT-SRV-ATTR:user_data']).toBe('aGk=');
  });

  it('may lack extensions: their attributes are then unknown', async () => {
    const { cloud } = await start({ withoutExtensions: ['port-security'] });
    const neutron = await cloud.service('network');
    expect(await raised(neutron.post('/networks', { network: { port_security_enabled: true } }))).toMatchObject({ status: 400, message: expect.stringMatching(/Unrecognized attribute\(s\) 'port_security_enabled'/) });
  });

  it('boots servers of the bytes of their image, on a disk as large as the flavor’s', async () => {
    const { cloud, sandbox } = await start();
    const nova = await cloud.service('compute');
    const flavors = await collect(nova.list('/flavors/detail', 'flavors'));
    const [image] = await collect((await cloud.service('image')).list('/images', 'images'));
    const { id } = (await nova.post('/servers', { server: { name: 'one', flavorRef: flavors.find(({ disk }) => disk === 2).id, imageRef: image.id, networks: 'none' } })).body.server;
    await sandbox.idle();
    const root = sandbox.disk(id);
    expect(root.size).toBe(2 * 2 ** 30);
    expect(root.slice(510, 2).readUInt16LE(0)).toBe(0xaa55);
    sandbox.write(id, 2 ** 30, Buffer.from('written by the guest'));
    const { image_id: made } = (await nova.post(`/servers/${id}/action`, { createImage: { name: 'baluchon-tmp-x' } })).body;
    await waitFor('the image', () => (async () => (await cloud.service('image')).get(`/images/${made}`))(), (one: any) => one.status === 'active', { first: 10 });
    expect(sandbox.leftovers('baluchon-tmp-')).toEqual(['image baluchon-tmp-x']);
    const { body } = await (await cloud.service('image')).download(`/images/${made}/file`);
    expect(Buffer.concat(await collect(body)).includes('written by the guest')).toBe(true);
  });

  it('refuses content that is not what its image says, and brings a bad image to an error in a volume', async () => {
    const { cloud, sandbox } = await start();
    const glance = await cloud.service('image');
    const upload = (id: string): Promise<void> => glance.upload(`/images/${id}/file`, (async function* () { yield Buffer.alloc(4096, 7); })(), 4096, { headers: { 'content-type': 'application/octet-stream' } });
    const one = (await glance.post('/images', { disk_format: 'qcow2', container_format: 'bare' })).body;
    expect(await raised(upload(one.id))).toMatchObject({ status: 415 });

    sandbox.state.settings.policy.requireImageFormatMatch = false;
    await upload(one.id);
    const cinder = await cloud.service('volume');
    const { id } = (await cinder.post('/volumes', { volume: { size: 1, imageRef: one.id } })).body.volume;
    await sandbox.idle();
    expect((await cinder.get(`/volumes/${id}`)).volume.status).toBe('error');
  });
});

describe('faults of a simulated cloud', () => {
  it('meet the requests they are meant for, as often as was said', async () => {
    const { cloud, sandbox } = await start();
    const nova = await cloud.service('compute');
    sandbox.faults.add({ match: 'compute POST /v2.1/os-server-groups', answer: 503, times: 2 });
    const make = (): Promise<unknown> => nova.post('/os-server-groups', { server_group: { name: 'x', policy: 'affinity' } });
    expect(await raised(make())).toMatchObject({ status: 503 });
    expect(await raised(make())).toMatchObject({ status: 503 });
    await make();
    expect(sandbox.state.serverGroups.size).toBe(1);
    expect(sandbox.faults.seen.filter((request) => request.includes('POST /v2.1/os-server-groups'))).toHaveLength(3);
  });

  it('may lose the answer of what was done', async () => {
    const { cloud, sandbox } = await start();
    sandbox.faults.add({ match: /network POST .*networks/, answer: 'drop-answer' });
    expect(isError(await raised((await cloud.service('network')).post('/networks', { network: { name: 'made all the same' } })), 'network')).toBe(true);
    expect([...sandbox.state.networks.values()].map((one) => one['name'])).toContain('made all the same');
  });

  it('may cut a download short, which then goes on where it was', async () => {
    const { cloud, sandbox } = await start();
    const glance = await cloud.service('image');
    const [image] = await collect(glance.list('/images', 'images'));
    sandbox.faults.add({ match: `GET /v2/images/${image.id}/file`, answer: 'drop-body', after: 100_000 });
    const { body } = await glance.download(`/images/${image.id}/file`);
    expect(Buffer.concat(await collect(body))).toHaveLength(image.size);
  });

  it('may expire all tokens, so that a client has to log in again', async () => {
    const { cloud, sandbox } = await start();
    const neutron = await cloud.service('network');
    await neutron.get('/networks');
    sandbox.expireTokens();
    expect((await neutron.get('/networks')).networks).toHaveLength(1);
    expect(sandbox.faults.seen.filter((request) => request === 'identity POST /v3/auth/tokens')).toHaveLength(2);
  });
});
