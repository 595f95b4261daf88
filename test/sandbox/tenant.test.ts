import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Cloud } from '../../src/cloud/index.ts';
import { seedMiop, seedTalk, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';

async function collect(list: AsyncIterable<any>): Promise<any[]> {
  const all = [];
  for await (const one of list) all.push(one);
  return all;
}

describe.each([
  ['the talk', seedTalk, { servers: ['load-balancer', 'mysql-primary', 'mysql-standby', 'php-1'], volumes: ['mysql-storage'], ports: 4 }],
  ['miop', seedMiop, { servers: ['haproxy', 'mysql-primary', 'mysql-standby', 'php-1', 'wiki'], volumes: ['mysql-storage', 'wiki-root'], ports: 6 }],
] as const)('the tenant of %s', (_name, seed, expected) => {
  let sandbox: Sandbox;
  let cloud: Cloud;
  const names = async (service: 'compute' | 'volume' | 'image', path: string, key: string): Promise<string[]> => (await collect((await cloud.service(service)).list(path, key))).map(({ name }) => name).toSorted();
  beforeAll(async () => {
    sandbox = await startSandbox({ pace: 0.2 });
    await seed(sandbox);
    cloud = await connect({ env: sandbox.env() });
  });
  afterAll(async () => {
    await cloud.close();
    await sandbox.close();
  });

  it('has its servers, volumes and image', async () => {
    expect(await names('compute', '/servers', 'servers')).toEqual(expected.servers);
    expect(await names('volume', '/volumes', 'volumes')).toEqual(expected.volumes);
    expect(await names('image', '/images', 'images')).toEqual(['php-snapshot', 'tinyweb']);
  });
  it('has a data volume on /dev/vdb of the first database, with bytes to recognise', async () => {
    const [primary] = await collect((await cloud.service('compute')).list('/servers', 'servers', { query: { name: 'mysql-primary' } }));
    const { volumeAttachments: [attachment] } = await (await cloud.service('compute')).get(`/servers/${primary.id}/os-volume_attachments`);
    expect(attachment.device).toBe('/dev/vdb');
    expect(sandbox.disk(attachment.volumeId).slice(1024, 13).toString()).toBe('mysql-storage');
    expect(sandbox.disk(attachment.volumeId).stored).toBeLessThan(8 * 2 ** 20);
  });
  it('opens port 80 to the world, and the database to members of web only', async () => {
    const groups = await collect((await cloud.service('network')).list('/security-groups', 'security_groups'));
    const [web, db] = ['web', 'db'].map((name) => groups.find((one) => one.name === name));
    const ingress = (group: any): any[] => group.security_group_rules.filter(({ direction }: any) => direction === 'ingress');
    expect(ingress(web)).toContainEqual(expect.objectContaining({ port_range_min: 80, remote_ip_prefix: '0.0.0.0/0' }));
    expect(ingress(db)).toEqual([expect.objectContaining({ port_range_min: 3306, remote_group_id: web.id, remote_ip_prefix: null })]);
  });
  it('is reached through one floating address', async () => {
    const neutron = await cloud.service('network');
    const [floating, ...more] = await collect(neutron.list('/floatingips', 'floatingips'));
    expect(more).toEqual([]);
    expect(floating).toMatchObject({ fixed_ip_address: '10.1.0.10', status: 'ACTIVE' });
    const ports = await collect(neutron.list('/ports', 'ports'));
    expect(ports.filter(({ device_owner }) => device_owner === '' || device_owner.startsWith('compute:'))).toHaveLength(expected.ports);
  });
});
