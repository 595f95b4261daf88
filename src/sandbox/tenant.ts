import { BLOCK } from './disk/bytes.ts';
import { noise, prose } from './images.ts';
import type { Sandbox } from './index.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0cFfs0jyB3DDTI47/fdFhGJXUcsIWJcUevSxMxBaoA demo';
const tcp = (port: number, more: object): object => ({ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: port, port_range_max: port, ...more });

/** Fills the project through the cloud's own API, as its user would. */
interface Hands {
  call(service: keyof Sandbox['state']['roots'], method: string, path: string, body?: unknown): Promise<any>;
  wait(service: 'compute' | 'volume' | 'image', path: string, key: string | undefined, status: string): Promise<any>;
}

async function hands(sandbox: Sandbox): Promise<Hands> {
  const { state } = sandbox;
  const login = await fetch(`${sandbox.authUrl}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user: { name: sandbox.username, domain: { name: 'Default' }, password: sandbox.password } } }, scope: { project: { name: sandbox.projectName, domain: { name: 'Default' } } } } }),
  });
  const token = login.headers.get('x-subject-token')!;
  const roots = { ...state.roots, compute: `${state.roots.compute}/v2.1`, volume: `${state.roots.volume}/v3/${state.projectId}`, network: `${state.roots.network}/v2.0`, image: `${state.roots.image}/v2`, 'object-store': `${state.roots['object-store']}/v1/AUTH_${state.projectId}` };
  const call: Hands['call'] = async (service, method, path, body) => {
    const headers: Record<string, string> = { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': service === 'volume' ? `volume ${state.settings.volume}` : `compute ${state.settings.compute}` };
    const raw = body instanceof Uint8Array;
    if (raw) headers['content-type'] = 'application/octet-stream';
    const answer = await fetch(roots[service] + path, { method, headers, ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${service}${path}: ${answer.status} ${text}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
  return {
    call,
    async wait(service, path, key, status) {
      for (;;) {
        const answer = await call(service, 'GET', path);
        const one = key === undefined ? answer : answer[key];
        if (one.status === status) return one;
        if (/error/i.test(one.status)) throw new Error(`${path} is ${one.status}: ${JSON.stringify(one.fault)}`);
        await new Promise((done) => setTimeout(done, 10));
      }
    },
  };
}

interface Common {
  net: string;
  subnet: string;
  router: string;
  image: string;
  flavor: string;
  external: string;
}

async function plumbing({ call }: Hands, sandbox: Sandbox, name: string, subnet: object): Promise<Common> {
  const { state } = sandbox;
  const external = [...state.networks.values()].find((one) => one['router:external'])!['id'];
  const net = (await call('network', 'POST', '/networks', { network: { name: `${name}-net`, description: `the private network of ${name}` } })).network.id;
  await call('network', 'PUT', `/networks/${net}/tags`, { tags: [name, 'prod'] });
  const sub = (await call('network', 'POST', '/subnets', { subnet: { network_id: net, name: `${name}-subnet`, ip_version: 4, ...subnet } })).subnet.id;
  const router = (await call('network', 'POST', '/routers', { router: { name: `${name}-router`, external_gateway_info: { network_id: external } } })).router.id;
  await call('network', 'PUT', `/routers/${router}/add_router_interface`, { subnet_id: sub });
  await call('network', 'PUT', `/routers/${router}/tags`, { tags: [name] });
  await call('compute', 'POST', '/os-keypairs', { keypair: { name: 'demo', public_key: KEY } });
  await sandbox.idle();
  const image = [...state.images.values()].find((one) => one.visibility === 'public')!.id;
  const flavor = [...state.flavors.values()].sort((a, b) => a.ram - b.ram)[0]!.id;
  return { net, subnet: sub, router, image, flavor, external };
}

async function makeGroup({ call }: Hands, name: string, description: string, rules: object[]): Promise<string> {
  const { id } = (await call('network', 'POST', '/security-groups', { security_group: { name, description } })).security_group;
  for (const rule of rules) await call('network', 'POST', '/security-group-rules', { security_group_rule: { security_group_id: id, ...rule } });
  return id;
}

async function bootServer({ call }: Hands, { image, flavor, net }: Common, name: string, ip: string | { port: string }, group: string, more: object = {}, whole: object = {}): Promise<string> {
  const networks = [typeof ip === 'string' ? { uuid: net, fixed_ip: ip } : ip];
  const groups = typeof ip === 'string' ? { security_groups: [{ name: group }] } : {};
  const server = { name, imageRef: image, flavorRef: flavor, key_name: 'demo', networks, ...groups, ...more };
  return (await call('compute', 'POST', '/servers', { server, ...whole })).server.id;
}

/** The database's disk: a file system's worth of recognisable bytes. */
function fillData(sandbox: Sandbox, volume: string): void {
  sandbox.write(volume, 1024, Buffer.from('mysql-storage: superblock'));
  sandbox.write(volume, 4 * BLOCK, noise('mysql/ibdata1', 3 * 2 ** 20));
  sandbox.write(volume, 2 ** 27 + 512, noise('mysql/ib_logfile0', 2 ** 20 + 3));
  sandbox.write(volume, 2 ** 28, prose('mysql/dump.sql', 700_000));
  sandbox.write(volume, 2 ** 30 - 300, noise('the last bytes', 300));
}

/** What the servers wrote on their root disks since they booted. */
function fillRoot(sandbox: Sandbox, server: string, name: string): void {
  sandbox.write(server, 200 * 2 ** 20, prose(`${name}: /var/log/messages`, 90_000));
  sandbox.write(server, 300 * 2 ** 20 + 4096, noise(`${name}: /srv`, 500_000));
}

async function dataVolume({ call, wait }: Hands, sandbox: Sandbox, server: string): Promise<string> {
  const { id } = (await call('volume', 'POST', '/volumes', { volume: { name: 'mysql-storage', description: 'the database files', size: 1, metadata: { app: 'mysql' } } })).volume;
  await wait('volume', `/volumes/${id}`, 'volume', 'available');
  fillData(sandbox, id);
  await call('compute', 'POST', `/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId: id, device: '/dev/vdb' } });
  await wait('volume', `/volumes/${id}`, 'volume', 'in-use');
  return id;
}

/**
 * The tenant of the talk: two MySQL servers, one with a data volume, a PHP server made from a snapshot, a load balancer
 * with a floating address and port 80 open.
 */
export async function seedTalk(sandbox: Sandbox): Promise<void> {
  const work = await hands(sandbox);
  const { call, wait } = work;
  const common = await plumbing(work, sandbox, 'talk', { cidr: '10.1.0.0/24', gateway_ip: '10.1.0.1', dns_nameservers: ['192.0.2.53'], allocation_pools: [{ start: '10.1.0.50', end: '10.1.0.200' }] });
  const web = await makeGroup(work, 'web', 'http from anywhere, ssh from the office', [tcp(80, { remote_ip_prefix: '0.0.0.0/0', description: 'http' }), tcp(22, { remote_ip_prefix: '192.0.2.0/24' })]);
  await makeGroup(work, 'db', 'mysql, from members of web only', [tcp(3306, { remote_group_id: web, description: 'mysql' })]);

  const template = await bootServer(work, common, 'php-template', '10.1.0.20', 'web');
  await wait('compute', `/servers/${template}`, 'server', 'ACTIVE');
  fillRoot(sandbox, template, 'php');
  const image = (await call('compute', 'POST', `/servers/${template}/action`, { createImage: { name: 'php-snapshot', metadata: { app: 'php' } } })).image_id;
  await wait('image', `/images/${image}`, undefined, 'active');
  await call('compute', 'DELETE', `/servers/${template}`);
  await sandbox.idle();

  const primary = await bootServer(work, common, 'mysql-primary', '10.1.0.11', 'db', { metadata: { role: 'mysql' }, tags: ['mysql', 'primary'] });
  const standby = await bootServer(work, common, 'mysql-standby', '10.1.0.12', 'db', { metadata: { role: 'mysql' }, tags: ['mysql'] });
  const php = await bootServer(work, { ...common, image }, 'php-1', '10.1.0.21', 'web', { metadata: { role: 'php' } });
  const lb = await bootServer(work, common, 'load-balancer', '10.1.0.10', 'web', { metadata: { role: 'lb' }, tags: ['edge'] });
  for (const id of [primary, standby, php, lb]) await wait('compute', `/servers/${id}`, 'server', 'ACTIVE');
  for (const [id, name] of [[primary, 'mysql-primary'], [standby, 'mysql-standby'], [lb, 'load-balancer']] as const) fillRoot(sandbox, id, name);
  await dataVolume(work, sandbox, primary);
  const port = (await call('network', 'GET', `/ports?device_id=${lb}`)).ports[0].id;
  await call('network', 'POST', '/floatingips', { floatingip: { floating_network_id: common.external, port_id: port, description: 'the way in' } });
  await sandbox.idle();
}

/** The tenant `miop`: everything that an ordinary project has, one of each. */
export async function seedMiop(sandbox: Sandbox): Promise<void> {
  const work = await hands(sandbox);
  const { call, wait } = work;
  const common = await plumbing(work, sandbox, 'miop', {
    cidr: '10.1.0.0/24',
    gateway_ip: '10.1.0.1',
    dns_nameservers: ['192.0.2.53'],
    allocation_pools: [{ start: '10.1.0.50', end: '10.1.0.200' }],
    host_routes: [{ destination: '10.9.0.0/24', nexthop: '10.1.0.10' }],
  });
  const { net, subnet, external } = common;
  const web = await makeGroup(work, 'web', 'http, ssh and ping from anywhere', [
    tcp(80, { remote_ip_prefix: '0.0.0.0/0', description: 'http' }),
    tcp(22, { remote_ip_prefix: '0.0.0.0/0' }),
    { direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp', remote_ip_prefix: '0.0.0.0/0' },
  ]);
  await makeGroup(work, 'db', 'mysql, from members of web only', [tcp(3306, { remote_group_id: web, description: 'mysql' })]);
  const spread = (await call('compute', 'POST', '/os-server-groups', { server_group: { name: 'db-spread', policy: 'soft-anti-affinity' } })).server_group.id;
  const fixed = (address: string): object[] => [{ subnet_id: subnet, ip_address: address }];
  const lbPort = (await call('network', 'POST', '/ports', { port: { network_id: net, name: 'haproxy-port', fixed_ips: fixed('10.1.0.10'), security_groups: [web], allowed_address_pairs: [{ ip_address: '10.1.0.100' }] } })).port.id;
  await call('network', 'POST', '/ports', { port: { network_id: net, name: 'vip-port', fixed_ips: fixed('10.1.0.100'), security_groups: [web], description: 'reserves the virtual address' } });

  const together = { 'os:scheduler_hints': { group: spread } };
  const userData = (text: string): string => Buffer.from(`#!/bin/sh\n${text}\n`).toString('base64');
  const primary = await bootServer(work, common, 'mysql-primary', '10.1.0.11', 'db', { metadata: { role: 'mysql', tier: 'data' }, tags: ['mysql', 'primary'] }, together);
  const standby = await bootServer(work, common, 'mysql-standby', '10.1.0.12', 'db', { metadata: { role: 'mysql', tier: 'data' }, tags: ['mysql'] }, together);
  const php = await bootServer(work, common, 'php-1', '10.1.0.21', 'web', { user_data: userData('mkdir -p /srv/www'), metadata: { role: 'php' } });
  const lb = await bootServer(work, common, 'haproxy', { port: lbPort }, 'web', { user_data: userData('mkdir -p /srv/etc'), metadata: { role: 'lb' }, tags: ['edge'] });
  const root = (await call('volume', 'POST', '/volumes', { volume: { name: 'wiki-root', size: 1, imageRef: common.image } })).volume.id;
  await wait('volume', `/volumes/${root}`, 'volume', 'available');
  const wiki = await bootServer(work, common, 'wiki', '10.1.0.31', 'web', {
    imageRef: '',
    metadata: { role: 'wiki' },
    block_device_mapping_v2: [{ boot_index: 0, uuid: root, source_type: 'volume', destination_type: 'volume', delete_on_termination: false }],
  });
  for (const id of [primary, standby, php, lb, wiki]) await wait('compute', `/servers/${id}`, 'server', 'ACTIVE');
  for (const [id, name] of [[primary, 'mysql-primary'], [standby, 'mysql-standby'], [php, 'php-1'], [lb, 'haproxy'], [root, 'wiki']] as const) fillRoot(sandbox, id, name);

  const data = await dataVolume(work, sandbox, primary);
  await call('network', 'POST', '/floatingips', { floatingip: { floating_network_id: external, port_id: lbPort, description: 'the way in' } });
  const image = (await call('compute', 'POST', `/servers/${php}/action`, { createImage: { name: 'php-snapshot', metadata: { app: 'php' } } })).image_id;
  await wait('image', `/images/${image}`, undefined, 'active');
  await call('volume', 'POST', '/snapshots', { snapshot: { volume_id: data, name: 'mysql-storage-snap' } });
  await call('object-store', 'PUT', '/assets');
  await call('object-store', 'PUT', '/assets/logo.png', noise('logo.png', 40_004));
  await call('object-store', 'PUT', '/assets/css/site.css', Buffer.from('body { color: #333 }\n'));
  await call('object-store', 'PUT', '/assets/empty', Buffer.alloc(0));
  await call('object-store', 'PUT', `/assets/${encodeURIComponent('avec espace et é.txt')}`, Buffer.from('hé\n'));
  await sandbox.idle();
}
