import { describe, expect, test } from 'vitest';
import { guessMapping } from '../../src/import/mapping.ts';
import type { Document, JsonObject } from '../../src/tenant/document.ts';
import { document, gone, idOf, ids, tcp } from '../tenant/tenants.ts';
import { actionFor, cloudsOwn, inventoryOf, mappingOf, plan } from './kit.ts';

const external = document('network', 'ext', { name: 'ext-net', external: true });
const flavor = document('flavor', 'm1', { name: 'm1', vcpus: 1, ram: 128, disk: 1, ephemeral: 0, swap: 0, extra_specs: {} });
const image = document('image', 'tinyweb', { name: 'tinyweb', visibility: 'public', disk_format: 'qcow2', container_format: 'bare', properties: {} }, { foreign: true });
const net = document('network', 'net', { name: 'net' });
const subnet = document('subnet', 'sub', { name: 'sub', network_id: net.id, ip_version: 4, cidr: '10.1.0.0/24', gateway_ip: null, enable_dhcp: true });
const group = document('security-group', 'web', { name: 'web', rules: [tcp(80)] });
const port = document('port', 'p', { name: 'p', network_id: net.id, fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.1.0.5' }], mac_address: 'fa:16:3e:00:00:05', security_groups: [group.id] });
const volume = document('volume', 'data', { name: 'data', size: 3, volume_type: 'fast', availability_zone: null, bootable: false, metadata: {}, image_metadata: {} });
const server = (params: JsonObject = {}, key = 's') =>
  document('server', key, { name: 'web-1', flavor: flavor.id, image: image.id, networks: [{ port: port.id }], volumes: [{ volume: volume.id, boot_index: null }], metadata: {}, tags: [], user_data: null, ...params });
const floating = document('floating-ip', 'f', { floating_network_id: external.id, port_id: port.id }, { address: '198.51.100.7' });
const tenant: Document[] = [external, flavor, image, net, subnet, group, port, volume, server(), floating];

/** The same as the target would show it, made by an import or by hand. */
const there = (each: Document, key: string, translate: Record<string, string> = {}): Document => {
  const text = Object.entries(translate).reduce((all, [from, to]) => all.replaceAll(from, to), JSON.stringify(each.params));
  return document(each.kind, key, JSON.parse(text) as JsonObject, { device_id: '' });
};

describe('a plan', () => {
  test('creates what is the project\'s own, and maps what is the cloud\'s', () => {
    const made = plan(tenant);
    const actions = Object.fromEntries(made.actions.map(({ kind, action }) => [kind, action]));
    expect(actions).toEqual({ network: 'create', flavor: 'map', image: 'map', subnet: 'create', 'security-group': 'create', port: 'create', volume: 'create', server: 'create', 'floating-ip': 'create' });
    expect(actionFor(made, 'network', 'ext-net')).toMatchObject({ action: 'map', target: { name: 'public' } });
    expect(actionFor(made, 'flavor', 'm1')).toMatchObject({ target: { id: 'flavor-s' }, reason: expect.stringContaining('smallest that fits') });
    expect(made.bytes).toBe(50e6);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    expect(plan(tenant)).toEqual(made);
  });

  test('lists everything after what it needs', () => {
    const order = plan(tenant).actions.map(({ id }) => id);
    for (const each of tenant) for (const pointer of Object.keys(each.refs)) expect(order.indexOf(each.id), `${each.kind}${pointer}`).toBeGreaterThan(order.indexOf(Object.values(each.refs).length > 0 ? (pointer.split('/').slice(1).reduce<any>((at, token) => at[token], each.params) as string) : ''));
  });

  test('without anything that stands for an external network has a conflict', () => {
    const made = plan(tenant, { inventory: inventoryOf(cloudsOwn().filter(({ kind }) => kind !== 'network')) });
    expect(actionFor(made, 'network', 'ext-net')).toMatchObject({ action: 'conflict', reason: expect.stringContaining('name one in the mapping file') });
  });

  test('without a flavor large enough has a conflict', () => {
    const large = { ...flavor, params: { ...flavor.params, ram: 1e6 } };
    expect(actionFor(plan([large, server({ networks: [], volumes: [] })]), 'flavor', 'm1').action).toBe('conflict');
  });

  test('maps as the mapping says, by name or by id, also what its own cloud did not show', () => {
    const byName = plan(tenant, { mapping: mappingOf({ flavors: { m1: 'b2.m' } }) });
    expect(actionFor(byName, 'flavor', 'm1')).toMatchObject({ target: { id: 'flavor-m' }, reason: 'as the mapping says' });
    const guessed = plan(tenant, { mapping: guessMapping(tenant, inventoryOf()).mapping });
    expect(actionFor(guessed, 'flavor', 'm1').reason).toBe(actionFor(plan(tenant), 'flavor', 'm1').reason);
    expect(guessed.actions.map(({ reason }) => reason)).not.toContain('as the mapping says');
    expect(actionFor(plan(tenant, { mapping: mappingOf({ flavors: { [flavor.id]: 'flavor-m' } }) }), 'flavor', 'm1').target!.id).toBe('flavor-m');
    const hidden = [gone('image', 'lost'), flavor, server({ image: idOf('image', 'lost'), networks: [], volumes: [] })];
    const mapped = plan(hidden, { disks: false, mapping: mappingOf({ images: { [idOf('image', 'lost')]: 'Tiny Web 1.0' } }) });
    expect(mapped.actions.find(({ kind }) => kind === 'image')).toMatchObject({ action: 'map', target: { name: 'Tiny Web 1.0' } });
    expect(actionFor(plan(hidden, { disks: false }), 'server', 'web-1')).toMatchObject({ action: 'conflict', reason: expect.stringContaining('root disk is not in the bundle') });
  });

  test('maps volume types and zones, and says which become the default', () => {
    const made = plan([volume]);
    expect(actionFor(made, 'volume', 'data').params!.volume_type).toBe('standard');
    expect(made.fidelity).toContainEqual(expect.objectContaining({ attribute: 'volume_type', verdict: 'mapped', from: 'fast', to: 'standard' }));
    const named = plan([volume], { inventory: inventoryOf(undefined, { volume_types: [{ name: 'standard', default: true }, { name: 'ssd', default: false }] }), mapping: mappingOf({ volume_types: { fast: 'ssd' } }) });
    expect(actionFor(named, 'volume', 'data').params!.volume_type).toBe('ssd');
  });

  test('refuses a mapping with every line that is wrong, at once', () => {
    const twins = [...cloudsOwn(), document('flavor', 'x', { name: 'twin', vcpus: 1, ram: 128, disk: 1 }, { id: '1' }), document('flavor', 'y', { name: 'twin', vcpus: 1, ram: 256, disk: 1 }, { id: '2' })];
    const mapping = mappingOf({
      flavors: { m1: 'twin', nope: 'b2.s' }, networks: { net: 'public', 'ext-net': 'nowhere' }, images: { tinyweb: 'none' }, volume_types: { fast: 'gold', slow: 'standard' },
      availability_zones: { mars: 'nova' }, keypairs: { nobody: 'x' }, user_data: { constructor: '/x' },
    });
    let message = '';
    try {
      plan(tenant, { mapping, inventory: inventoryOf(twins) });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.split('\n').slice(1)).toEqual([
      'flavors.m1: beta has 2 of the name "twin": write the id',
      'flavors.nope: the bundle has no flavor "nope"',
      'networks.net: the bundle has this network whole: it is made, not mapped',
      'networks.ext-net: beta has no network "nowhere"',
      'images.tinyweb: beta has no image "none"',
      'volume_types.fast: beta has no volume type "gold"',
      'volume_types.slow: nothing in the bundle has the volume type "slow"',
      'availability_zones.mars: nothing in the bundle has the availability zone "mars"',
      'keypairs.nobody: the bundle has no keypair "nobody"',
      'user_data.constructor: the bundle has no server "constructor"',
    ]);
  });

  test('is not led astray by names that every object has', () => {
    const named = [flavor, document('keypair', 'constructor', { name: 'constructor', public_key: 'ssh-ed25519 AAAA' }), { ...server({ name: 'constructor', networks: [], volumes: [], key: idOf('keypair', 'constructor') }), name: 'constructor' }];
    expect(plan(named).actions.filter(({ action }) => action === 'create').map(({ name }) => name)).toEqual(['constructor', 'constructor']);
  });

  test('takes part of a bundle with what that needs', () => {
    const router = document('router', 'r', { name: 'r', gateway: { network_id: external.id }, interfaces: [{ subnet_id: subnet.id, ip_address: '10.1.0.1' }] });
    const other = document('volume', 'other', { ...volume.params, name: 'other' });
    const made = plan([...tenant, router, other], { only: ['server:web-*'] });
    expect(made.actions.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual(['flavor m1', 'image tinyweb', 'network ext-net', 'network net', 'port p', 'router r', 'security-group web', 'server web-1', 'subnet sub', 'volume data']);
  });

  test('renames what people meet by name, literally, and says so', () => {
    const odd = document('volume', 'odd', { ...volume.params, name: 'a $& b' });
    const made = plan([net, odd, document('network', 'unnamed', { name: '' })], { rename: 'copy of {name}' });
    expect(made.actions.map(({ params }) => params!.name).toSorted()).toEqual(['', 'copy of a $& b', 'copy of net']);
    expect(made.fidelity).toContainEqual(expect.objectContaining({ attribute: 'name', from: 'net', to: 'copy of net' }));
  });

  test('under other names makes a second one beside the very resource the bundle was made of', () => {
    expect(actionFor(plan([net], { inventory: inventoryOf([...cloudsOwn(), net]) }), 'network', 'net').action).toBe('reuse');
    const made = plan([net, subnet], { inventory: inventoryOf([...cloudsOwn(), net, subnet]), rename: '{name}-2' });
    expect(made.actions.map(({ action }) => action)).toEqual(['create', 'create']);
  });

  test('without disks takes images\' place where they are mapped, makes volumes empty and leaves images out', () => {
    const own = document('image', 'own', { name: 'own', visibility: 'private', disk_format: 'qcow2', container_format: 'bare', properties: {} }, { status: 'active', size: 1 });
    const made = plan([...tenant, own], { disks: false, mapping: mappingOf({ images: { tinyweb: 'Tiny Web 1.0' } }) });
    expect(actionFor(made, 'volume', 'data')).toMatchObject({ action: 'create', reason: expect.stringContaining('empty') });
    expect(actionFor(made, 'image', 'own').action).toBe('skip');
    expect(actionFor(made, 'server', 'web-1').action).toBe('create');
    expect(made.fidelity.filter(({ attribute, verdict }) => attribute === 'disk' && verdict === 'lost').map(({ kind }) => kind).toSorted()).toEqual(['server', 'volume']);
    expect(made.bytes).toBe(0);
  });

  test('leaves out what this version knows no kind of, and says that it is lost', () => {
    const later: Document = { kind: 'load-balancer', id: 'load-balancer-1', name: 'lb', params: { vip: subnet.id }, refs: { '/vip': 'subnet' }, info: {} };
    const made = plan([...tenant, later]);
    expect(actionFor(made, 'load-balancer', 'lb')).toMatchObject({ action: 'skip', reason: 'this version knows no kind "load-balancer"' });
    expect(made.fidelity).toContainEqual(expect.objectContaining({ name: 'lb', verdict: 'lost' }));
  });

  test('leaves out what can\'t be without something missing, or asks for what a mapping may name', () => {
    const lone = document('floating-ip', 'lone', { floating_network_id: external.id, port_id: idOf('port', 'none') });
    const made = plan([external, gone('port', 'none'), lone, gone('network', 'hidden'), document('port', 'q', { name: 'q', network_id: idOf('network', 'hidden'), fixed_ips: [], security_groups: [] })]);
    expect(actionFor(made, 'floating-ip', 'lone')).toMatchObject({ action: 'create', params: { port_id: null } });
    expect(actionFor(made, 'port', 'q')).toMatchObject({ action: 'conflict', reason: expect.stringMatching(/network is not in the bundle.*under networks/) });
  });
});

describe('what is there already', () => {
  const mine = [there(net, 'n2'), there(subnet, 's2', { [net.id]: idOf('network', 'n2') }), there(group, 'g2')];
  const names = { [net.id]: idOf('network', 'n2'), [subnet.id]: idOf('subnet', 's2'), [group.id]: idOf('security-group', 'g2') };

  test('is reused where it is equal, and all that it refers to is', () => {
    const made = plan([net, subnet, group, port], { inventory: inventoryOf([...cloudsOwn(), ...mine, there(port, 'p2', names)]) });
    expect(made.actions.map(({ action, reason }) => `${action}: ${reason}`)).toEqual(Array(4).fill('reuse: equal in every attribute'));
  });

  test('with bytes is never reused for being equal: whose bytes it has is not known', () => {
    const made = plan([volume], { inventory: inventoryOf([...cloudsOwn(), document('volume', 'v2', { ...volume.params, volume_type: 'standard' })]) });
    expect(actionFor(made, 'volume', 'data').action).toBe('create');
    expect(made.warnings).toEqual([expect.stringContaining('whether it holds the same bytes is not known')]);
  });

  test.each(['volume', 'image'])('a %s like one that a run was cut off in making is not taken for it', (kind) => {
    const each = kind === 'volume' ? volume : document('image', 'own', { name: 'own', visibility: 'private', disk_format: 'qcow2', container_format: 'bare', properties: {} }, { status: 'active', size: 1 });
    const twin = document(kind, 'twin', { ...each.params, ...(kind === 'volume' && { volume_type: 'standard' }) });
    const made = plan([each], { inventory: inventoryOf([...cloudsOwn(), twin], { journal: { [each.id]: { complete: false } } }) });
    expect(made.actions[0]!.action).toBe('create');
  });

  test('was made by an earlier run: left where that completed it, completed where not, made where it is gone', () => {
    const target = document('volume', 'v2', { ...volume.params, size: 9 });
    const journal = (id: string, complete: boolean) => inventoryOf([...cloudsOwn(), target], { journal: { [volume.id]: { target: id, complete } } });
    expect(actionFor(plan([volume], { inventory: journal(target.info.id as string, true) }), 'volume', 'data')).toMatchObject({ action: 'reuse', reason: 'made by an earlier run of this import', target: { id: target.info.id } });
    expect(actionFor(plan([volume], { inventory: journal(target.info.id as string, false) }), 'volume', 'data').action).toBe('update');
    expect(actionFor(plan([volume], { inventory: journal('removed', true) }), 'volume', 'data').action).toBe('create');
  });

  test('on a network keeps its addresses: one of the bundle\'s that is in use there is a conflict', () => {
    const inUse = document('port', 'x', { name: 'vip', network_id: idOf('network', 'n2'), fixed_ips: [{ subnet_id: idOf('subnet', 's2'), ip_address: '10.1.0.5' }], mac_address: 'fa:16:3e:99:99:99', security_groups: [] });
    const made = plan([net, subnet, group, port], { inventory: inventoryOf([...cloudsOwn(), ...mine, inUse]) });
    expect(actionFor(made, 'port', 'p')).toMatchObject({ action: 'conflict', reason: '10.1.0.5 is in use on network "net" by port vip' });
  });

  test('a port without a MAC in the bundle is in nobody\'s way', () => {
    const plain = document('port', 'plain', { name: 'plain', network_id: net.id, fixed_ips: [], security_groups: [] });
    const other = document('port', 'x', { name: 'x', network_id: idOf('network', 'n2'), fixed_ips: [], security_groups: [idOf('security-group', 'theirs')] });
    expect(actionFor(plan([net, plain], { inventory: inventoryOf([...cloudsOwn(), mine[0]!, other]) }), 'port', 'plain').action).toBe('create');
  });

  test('a port that another server has taken is a conflict for the bundle\'s', () => {
    const taken = { ...there(port, 'p2', names), info: { id: 'cloud-p2', device_id: 'cloud-server-x' } };
    const holder = document('server', 'x', { name: 'squatter', flavor: idOf('flavor', 'b2.s'), networks: [], volumes: [] });
    const made = plan([flavor, image, net, subnet, group, port, volume, server()], { inventory: inventoryOf([...cloudsOwn(), ...mine, taken, holder]) });
    expect(actionFor(made, 'server', 'web-1')).toMatchObject({ action: 'conflict', reason: 'its port 10.1.0.5 is in use by "squatter": remove that one first, or import under other names with --rename' });
  });
});

describe('the group default', () => {
  const ours = document('security-group', 'ours', { name: 'default', rules: [tcp(22)] });
  const action = (how: 'exact' | 'separate' | 'ask', documents = [ours], inventory = inventoryOf()) => plan(documents, { mapping: mappingOf({ default_security_group: how }), inventory }).actions.find(({ id }) => id === ours.id)!;

  test('is made exactly the bundle\'s, set beside the project\'s own, or asked about, as the mapping says', () => {
    expect(action('exact')).toMatchObject({ action: 'update', target: { name: 'default' }, changes: ['- egress IPv4 any to anywhere', '+ ingress IPv4 tcp 22 from anywhere'] });
    expect(action('separate')).toMatchObject({ action: 'create', params: { name: 'default (bundle)' } });
    expect(action('ask')).toMatchObject({ action: 'conflict', reason: expect.stringContaining('1 to remove, 1 to add') });
  });

  test('is left as it is where its rules are the same, also those that refer to itself and to groups that are there', () => {
    const [web, theirs] = [document('security-group', 'w2', { name: 'web', rules: [tcp(80)] }), idOf('security-group', 'theirs')];
    const rules = (self: string, other: string) => [tcp(1, { remote_group_id: self }), tcp(2, { remote_group_id: other })];
    const wanted = document('security-group', 'ours', { name: 'default', rules: rules(ours.id, group.id) });
    const there = [...cloudsOwn().filter(({ id }) => id !== theirs), web, document('security-group', 'theirs', { name: 'default', rules: rules(theirs, web.id) })];
    expect(action('ask', [wanted, group], inventoryOf(there)).action).toBe('reuse');
  });
});

describe('keypairs', () => {
  const key = (name: string, text: string, id = name) => document('keypair', id, { name, public_key: `ssh-ed25519 ${text}` }, { id: name, fingerprint: 'ab:cd' });
  const decide = (there: Document[], keypairs: Record<string, string> = {}) => plan([key('demo', 'AAAA me@home')], { inventory: inventoryOf([...cloudsOwn(), ...there]), mapping: mappingOf({ keypairs }) }).actions[0]!;

  test('are the user\'s: the same key is reused, another one of the name is in the way until the mapping says what to do', () => {
    expect(decide([]).action).toBe('create');
    expect(decide([key('demo', 'AAAA me@work', 'x')])).toMatchObject({ action: 'reuse', reason: 'the same key' });
    expect(decide([key('demo', 'BBBB', 'x')])).toMatchObject({ action: 'conflict', reason: expect.stringContaining('ab:cd') });
    expect(decide([key('demo', 'BBBB', 'x')], { demo: 'demo-2' })).toMatchObject({ action: 'create', params: { name: 'demo-2' } });
    expect(decide([key('mine', 'BBBB', 'x')], { demo: 'mine' })).toMatchObject({ action: 'reuse', target: { id: 'mine' } });
  });

  test('of another user, which the bundle has not, may be replaced by one\'s own', () => {
    const documents = [flavor, gone('keypair', 'colleague', 'colleague'), server({ networks: [], volumes: [], key: idOf('keypair', 'colleague') })];
    const mapped = plan(documents, { inventory: inventoryOf([...cloudsOwn(), key('mine', 'CCCC')]), mapping: mappingOf({ keypairs: { colleague: 'mine' } }) });
    expect(actionFor(mapped, 'keypair', 'colleague')).toMatchObject({ action: 'map', target: { id: 'mine' } });
    expect(actionFor(mapped, 'server', 'web-1').params!.key).toBe(idOf('keypair', 'colleague'));
    expect(actionFor(plan(documents), 'server', 'web-1').params!.key).toBeNull();
  });
});

describe('floating addresses', () => {
  const spare = (key: string, params: JsonObject = {}) => document('floating-ip', key, { floating_network_id: idOf('network', 'public'), ...params }, { address: key });
  const two = [external, document('floating-ip', 'f', { floating_network_id: external.id, description: 'a' }), document('floating-ip', 'g', { floating_network_id: external.id, description: 'b' })];
  const actions = (floating_ips: 'new' | 'reuse' | 'same', there: Document[]) => plan(two, { inventory: inventoryOf([...cloudsOwn(), ...there]), mapping: mappingOf({ floating_ips }) }).actions.filter(({ kind }) => kind === 'floating-ip');

  test('are asked for anew, the same, or taken from those that are free', () => {
    expect(actions('new', [spare('x')]).map(({ action, reason }) => [action, reason])).toEqual([['create', 'a new address'], ['create', 'a new address']]);
    expect(actions('same', []).map(({ reason }) => reason)).toEqual(['the same address is asked for', 'the same address is asked for']);
    expect(actions('reuse', [spare('x'), spare('bound', { port_id: 'p' })]).map(({ action }) => action)).toEqual(['update', 'create']);
  });

  test('one that stands for one of the bundle\'s already is given to no other', () => {
    const made = actions('reuse', [spare('x', { description: 'b' })]);
    expect(made.map(({ action }) => action).toSorted()).toEqual(['create', 'reuse']);
  });
});

describe('the quota', () => {
  const line = (made: ReturnType<typeof plan>, resource: string) => made.quota.find((each) => each.resource === resource);
  const quota = { servers: { limit: 10, used: 10 }, ram: { limit: 1000, used: 500 }, vcpus: { limit: -1, used: 3 }, ports: { limit: 3, used: 0 }, 'volume storage': { limit: 5, used: 3 } };

  test('counts what is to be made, in the target\'s flavors, and says what does not fit', () => {
    const made = plan(tenant, { inventory: inventoryOf(undefined, { quota }) });
    expect(line(made, 'servers')).toEqual({ resource: 'servers', needed: 1, free: 0, fits: false });
    expect(line(made, 'ram')).toEqual({ resource: 'ram', needed: 256, free: 500, unit: 'MiB', fits: true });
    expect(line(made, 'vcpus')).toMatchObject({ free: -1, fits: true });
    expect(line(made, 'volume storage')).toMatchObject({ needed: 3, free: 2, unit: 'GiB', fits: false });
    // The port itself, and DHCP's.
    expect(line(made, 'ports')).toMatchObject({ needed: 2, fits: true });
    expect(line(made, 'volumes')).toBeUndefined();
  });

  test('does not count what is there', () => {
    const made = plan([net], { inventory: inventoryOf([...cloudsOwn(), there(net, 'n2')], { quota: { networks: { limit: 1, used: 1 } } }) });
    expect(made.quota).toEqual([]);
  });
});

describe('a bundle that is not what it claims', () => {
  const claims = (documents: Document[]) => () => plan(documents);
  test.each<[string, Document[], RegExp]>([
    ['params of another shape', [{ ...volume, params: { ...volume.params, size: 'large' } }], /volume "data" \(volume-[0-9a-f]+\): \/size must be integer$/],
    ['no params that its kind needs', [{ ...port, params: { name: 'p' }, refs: {} }, net], /port "p" .*must have required property 'network_id'$/],
    ['a reference that is none', [{ ...net, refs: { '/nothing': 'port' } }], /network "net" .*nothing at \/nothing/],
    ['a reference into what every object has', [{ ...net, refs: { '/__proto__/x': 'port' } }], /nothing at/],
    ['a rule whose remote group is not told', [{ ...document('security-group', 'db', { name: 'db', rules: [tcp(1, { remote_group_id: group.id })] }), refs: {} }], /reference at \/rules\/0\/remote_group_id is not among its refs/],
    ['two documents of one id', [net, net], /there are two of this id/],
  ])('with %s gets one clear line', (_, documents, message) => {
    expect(claims(documents)).toThrow(expect.objectContaining({ code: 'vault', message: expect.stringMatching(message) }));
    expect(claims(documents)).not.toThrow(/\n/);
  });

  test('is counted, not listed, where much is wrong', () => {
    expect(claims([{ ...net, refs: { '/a': 'x' } }, { ...subnet, refs: { '/a': 'x' } }])).toThrow(/, and 1 more like it$/);
  });

  test('may have attributes that this version does not know', () => {
    expect(plan([{ ...volume, params: { ...volume.params, later: { deep: [1] } } }]).actions[0]!.params).toHaveProperty('later');
    expect(ids('volume', 'data')).toEqual([volume.id]);
  });
});
