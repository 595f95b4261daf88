import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Cloud } from '../../src/cloud/index.ts';
import { floatingIp } from '../../src/kinds/floating-ip.ts';
import type { Kind } from '../../src/kinds/kind.ts';
import { network } from '../../src/kinds/network.ts';
import { port } from '../../src/kinds/port.ts';
import { router } from '../../src/kinds/router.ts';
import { securityGroup } from '../../src/kinds/security-group.ts';
import { subnet } from '../../src/kinds/subnet.ts';
import { seedMiop, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import type { Document } from '../../src/tenant/document.ts';
import { setAt, valueAt } from '../../src/tenant/refs.ts';
import { documentOf, documentsOf, plainDocument, work } from './neutron-stub.ts';

/** In an order in which they can be created. */
const order: Kind[] = [network, subnet, securityGroup, port, router, floatingIp];

const kindOf = (name: string) => order.find((kind) => kind.name === name) as Kind;

/** All of a project's network, and the external network it uses. */
async function read(cloud: Cloud): Promise<Document[]> {
  const documents: Document[] = [];
  for (const kind of order) documents.push(...(await documentsOf(kind, cloud)));
  for await (const raw of network.offers!(cloud)) documents.push(documentOf(network, raw));
  return documents;
}

/** References replaced by what they are on the target; unknown ones stay. */
function translated(document: Document, ids: ReadonlyMap<string, string>): any {
  const params = structuredClone(document.params);
  for (const pointer of Object.keys(document.refs)) {
    const id = valueAt(params, pointer) as string;
    setAt(params, pointer, ids.get(id) ?? id);
  }
  return params;
}

/** Creates and completes documents as an importer would, one after the other; `ids` gives and takes the target's ids. */
async function rebuild(cloud: Cloud, documents: Document[], ids: Map<string, string>): Promise<string[]> {
  const warnings: string[] = [];
  const job = (document: Document) => {
    const made = work(cloud, document, translated(document, ids), documents);
    return { ...made, id: ids.get(document.id) ?? '', emit: (event: any) => void (event.type === 'warning' && warnings.push(event.message)) };
  };
  const wanted = documents.filter((document) => !kindOf(document.kind).foreign?.(document) && !ids.has(document.id));
  for (const document of wanted) {
    ids.set(document.id, await kindOf(document.kind).create!(job(document)));
    // What floating addresses need.
    if (document.kind === 'router') await router.complete!.run(job(document));
  }
  for (const document of documents) if (ids.has(document.id) && !kindOf(document.kind).foreign?.(document)) await kindOf(document.kind).complete?.run(job(document));
  return warnings;
}

const external = (documents: Document[]) => documents.find(({ params }) => params.external) as Document;

/** What is on the target, by the source's document ids, in the source's words. */
function backTranslated(target: Document[], ids: ReadonlyMap<string, string>): Map<string, any> {
  const source = new Map([...ids].map(([id, cloudId]) => [cloudId, id]));
  const words = new Map(target.map(({ id, info }) => [id, source.get(info.id as string) ?? 'not of the bundle']));
  return new Map(target.map((document) => [words.get(document.id) as string, translated(document, words)]));
}

let alpha: Sandbox;
let beta: Sandbox;
let from: Cloud;
let to: Cloud;
let documents: Document[];

beforeAll(async () => {
  [alpha, beta] = await Promise.all([startSandbox({ name: 'alpha', pageCap: 2, pace: 0.1 }), startSandbox({ name: 'beta', externalNetwork: { name: 'public', cidr: '203.0.113.0/24' } })]);
  await seedMiop(alpha);
  from = await connect({ env: alpha.env() });
  to = await connect({ env: beta.env() });
  documents = await read(from);
});

afterAll(async () => {
  await from.close();
  await to.close();
  await alpha.close();
  await beta.close();
});

describe('the network of a tenant moved to another cloud', () => {
  const ids = new Map<string, string>();
  let after: Document[];

  beforeAll(async () => {
    const before = await read(to);
    ids.set(external(documents).id, external(before).info.id as string);
    const standard = (all: Document[]) => all.find(({ kind, name }) => kind === 'security-group' && name === 'default') as Document;
    ids.set(standard(documents).id, standard(before).info.id as string);
    expect(await rebuild(to, documents, ids)).toEqual([]);
    after = await read(to);
  });

  test('is whole: a network, a subnet, three groups, six ports, a router and a floating address', () => {
    const counts = Object.groupBy(documents, ({ kind }) => kind);
    expect(Object.fromEntries(Object.entries(counts).map(([kind, all]) => [kind, all!.length]))).toEqual({ network: 2, subnet: 1, 'security-group': 3, port: 6, router: 1, 'floating-ip': 1 });
    expect(after).toHaveLength(documents.length);
  });

  test('is equal attribute by attribute: addresses, MACs, groups, rules, tags', () => {
    const there = backTranslated(after, ids);
    for (const document of documents) {
      if (network.foreign!(document)) continue;
      const { security_groups: groups, ...rest } = there.get(document.id);
      expect({ ...rest, ...(groups ? { security_groups: groups.toSorted() } : {}) }, document.id).toEqual(document.params);
    }
  });

  test('has a new floating address, which leads to the same port', () => {
    const [old, now] = [documents, after].map((all) => all.find(({ kind }) => kind === 'floating-ip') as Document) as [Document, Document];
    expect(now.info.address).toMatch(/^203\.0\.113\./);
    expect(now.info.address).not.toBe(old.info.address);
  });

  test('is right already: completing it again changes nothing', async () => {
    const before = [...beta.faults.seen];
    await rebuild(to, documents.filter(({ kind }) => kind === 'security-group'), ids);
    const since = beta.faults.seen.slice(before.length).filter((request) => !request.includes(' GET '));
    expect(since).toEqual([]);
  });
});

describe('on a cloud as it is', () => {
  const common = { name: 'lan', tags: [] };

  test('DHCP takes no address that a port of the bundle has, though it would be the first free one', async () => {
    const net = plainDocument('network', { ...common, name: 'dhcp' });
    const sub = plainDocument('subnet', { name: 's', network_id: net.id, ip_version: 4, cidr: '10.50.0.0/24', gateway_ip: '10.50.0.1', enable_dhcp: true });
    const first = plainDocument('port', { name: 'first', network_id: net.id, fixed_ips: [{ subnet_id: sub.id, ip_address: '10.50.0.2' }], security_groups: [] });
    sub.refs = { '/network_id': 'network' };
    first.refs = { '/network_id': 'network', '/fixed_ips/0/subnet_id': 'subnet' };
    const ids = new Map<string, string>();
    await rebuild(to, [net, sub, first], ids);
    const there = beta.state.ports.get(ids.get(first.id)!)!;
    expect(there.fixed_ips).toEqual([{ subnet_id: ids.get(sub.id), ip_address: '10.50.0.2' }]);
    expect(there.security_groups).toEqual([]);
    expect(beta.state.subnets.get(ids.get(sub.id)!)!.enable_dhcp).toBe(true);
  });

  test('a creation whose answer got lost is not done twice', async () => {
    beta.faults.add({ match: 'POST /v2.0/networks', answer: 'drop-body' });
    const document = plainDocument('network', { ...common, name: 'once' });
    const id = await network.create!(work(to, document, document.params));
    const named = [...beta.state.networks.values()].filter(({ name }) => name === 'once');
    expect(named.map((each) => each.id)).toEqual([id]);
  });

  test('a creation that never arrived is repeated', async () => {
    beta.faults.add({ match: 'POST /v2.0/security-groups', answer: 'drop' });
    const document = plainDocument('security-group', { ...common, name: 'again', rules: [] });
    const id = await securityGroup.create!(work(to, document, document.params));
    expect([...beta.state.groups.values()].filter(({ name }) => name === 'again').map((each) => each.id)).toEqual([id]);
  });

  test('a larger MTU than it carries becomes its own', async () => {
    const document = plainDocument('network', { ...common, name: 'jumbo', mtu: 9000 });
    const job = work(to, document, document.params);
    const id = await network.create!(job);
    expect(beta.state.networks.get(id)!.mtu).toBeLessThan(9000);
    expect(job.warnings).toHaveLength(1);
  });

  test('over its quota nothing is tried twice, and the error says so', async () => {
    const small = await startSandbox({ quotas: { network: { network: 0 } } });
    const cloud = await connect({ env: small.env() });
    const document = plainDocument('network', common);
    await expect(network.create!(work(cloud, document, document.params))).rejects.toMatchObject({ code: 'quota' });
    expect(small.faults.seen.filter((request) => request.includes('POST /v2.0/networks'))).toHaveLength(1);
    await cloud.close();
    await small.close();
  });

  test('without extensions everything but their attributes is there', async () => {
    const bare = await startSandbox({ withoutExtensions: ['standard-attr-tag', 'port-security', 'allowed-address-pairs', 'stateful-security-group', 'net-mtu-writable', 'extra_dhcp_opt'] });
    const cloud = await connect({ env: bare.env() });
    const target = await read(cloud);
    const ids = new Map([[external(documents).id, external(target).info.id as string]]);
    const some = documents.filter(({ name }) => name !== 'default');
    const warnings = await rebuild(cloud, some, ids);
    expect(warnings.some((line) => /tags are left out/.test(line))).toBe(true);
    expect(warnings.some((line) => /allowed_address_pairs is left out/.test(line))).toBe(true);
    for (const { id } of some) expect(ids.get(id)).toMatch(/^[0-9a-f-]{36}$/);
    await cloud.close();
    await bare.close();
  });
});
