import { describe, expect, test } from 'vitest';
import { flavor, fromList } from '../../src/kinds/flavor.ts';
import { image } from '../../src/kinds/image.ts';
import { kinds } from '../../src/kinds/index.ts';
import { keypair } from '../../src/kinds/keypair.ts';
import { server } from '../../src/kinds/server.ts';
import { serverGroup } from '../../src/kinds/server-group.ts';
import { volumeSnapshot } from '../../src/kinds/volume-snapshot.ts';
import { volume } from '../../src/kinds/volume.ts';
import { documentId } from '../../src/tenant/identity.ts';
import { documentOf, documentsOf, faults, plainDocument, recorded } from './neutron-stub.ts';
import { wholeCloud } from './recorded-cloud.ts';

const cloud = wholeCloud();
const named = async (kind: typeof kinds[number], name: string) => (await documentsOf(kind, cloud)).find((each) => each.name === name)!;
const raw = (name: string) => recorded('server').servers.find((each: { name: string }) => each.name === name);
const idOf = (kind: string, plural: string, name: string) => documentId(kind, recorded(kind)[plural].find((each: { name: string }) => each.name === name).id);

describe('the kinds of compute and storage on a recorded cloud', () => {
  const listed = kinds.filter(({ name }) => ['server', 'server-group', 'keypair', 'volume', 'volume-snapshot', 'image'].includes(name));

  test.each(listed.map((kind) => [kind.name, kind] as const))('every %s makes a document that its schema accepts, with no cloud id in its params', async (_, kind) => {
    const documents = await documentsOf(kind, cloud);
    expect(documents.length).toBeGreaterThan(0);
    for (const { params } of documents) {
      expect(faults(kind, params)).toEqual([]);
      expect(JSON.stringify(params)).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{32}/);
    }
  });

  test.each(listed.map((kind) => [kind.name, kind] as const))('a cloud without its service has no %s', async (_, kind) => {
    expect(await documentsOf(kind, wholeCloud({ without: ['compute', 'volume', 'image'] }))).toEqual([]);
  });

  test('flavors embedded in servers and listed ones make the same document, but for the id that only a list tells', async () => {
    const embedded = documentOf(flavor, raw('php-1').flavor);
    expect(faults(flavor, embedded.params)).toEqual([]);
    const list = recorded('flavor').flavors.find((each: { name: string }) => each.name === embedded.name);
    expect(documentOf(flavor, fromList(list))).toEqual({ ...embedded, info: { id: list.id } });
  });
});

describe('a server', () => {
  test('is its flavor, image, key, group, interfaces and volumes, by reference', async () => {
    const primary = await named(server, 'mysql-primary');
    expect(primary.params).toMatchObject({
      flavor: documentId('flavor', raw('mysql-primary').flavor.original_name),
      image: documentId('image', raw('mysql-primary').image.id),
      key: documentId('keypair', 'demo'),
      server_group: idOf('server-group', 'server_groups', 'db-spread'),
      config_drive: false,
      user_data: null,
      running: true,
      volumes: [{ volume: idOf('volume', 'volumes', 'mysql-storage'), boot_index: null, tag: null, delete_on_termination: false }],
    });
    expect(primary.params.networks).toHaveLength(1);
    expect(Object.values(primary.refs).toSorted()).toEqual(['flavor', 'image', 'keypair', 'port', 'server-group', 'volume']);
    expect(server.hasDisk!(primary)).toBe(true);
    expect(server.unknown!(primary)).toMatchObject([{ attribute: 'user_data', verdict: 'unknown' }]);
  });

  test('that boots from a volume has no image, and that volume first', async () => {
    const wiki = await named(server, 'wiki');
    expect(wiki.params).toMatchObject({ image: null, volumes: [{ volume: idOf('volume', 'volumes', 'wiki-root'), boot_index: 0 }] });
    expect(server.hasDisk!(wiki)).toBe(false);
  });

  test('that is removed while it is looked at is left out; one that can\'t be read is an error', async () => {
    const { id } = raw('php-1');
    const gone = Object.assign(new Error('gone'), {});
    const { refusal } = await import('./neutron-stub.ts');
    const missing = wholeCloud({ refuse: (_, path) => (path.startsWith(`/servers/${id}`) ? refusal(404, 'not-found', 'gone') : undefined) });
    expect((await documentsOf(server, missing)).map(({ name }) => name).toSorted()).toEqual(['haproxy', 'mysql-primary', 'mysql-standby', 'wiki']);
    const broken = wholeCloud({ refuse: (_, path) => (path.startsWith(`/servers/${id}/`) ? gone : undefined) });
    await expect(documentsOf(server, broken)).rejects.toBe(gone);
  });

  test('tells what it was given, where the cloud shows it, and which disks are in no snapshot', () => {
    const { attachments, interfaces } = recorded('server');
    const base = { ...raw('mysql-primary'), interfaces: interfaces[raw('mysql-primary').id], attachments: attachments[raw('mysql-primary').id] };
    const document = documentOf(server, { ...base, config_drive: 'True', 'OS-EXT-SRV-ATTR:user_data': 'IyE=', status: 'SHUTOFF', flavor: { ...base.flavor, swap: 512 } });
    expect(document.params).toMatchObject({ config_drive: true, user_data: 'IyE=', running: false });
    expect(server.unknown!(document)).toMatchObject([{ attribute: 'ephemeral', verdict: 'lost' }]);
  });
});

describe('volumes, images and the rest', () => {
  test('a volume keeps what its guest needs, and nothing of the image it came from', async () => {
    const root = await named(volume, 'wiki-root');
    expect(root.params).toMatchObject({ size: 1, bootable: true, encrypted: false });
    expect(Object.keys(root.params.image_metadata as object).filter((name) => /^(image_|checksum|size|min_|signature)/.test(name))).toEqual([]);
  });

  test('a snapshot image loses what only its cloud understands', async () => {
    const snapshot = await named(image, 'php-snapshot');
    const { properties } = snapshot.params as { properties: Record<string, string> };
    for (const name of ['base_image_ref', 'instance_uuid', 'owner_user_name', 'user_id', 'boot_roles']) expect(properties).not.toHaveProperty(name);
    expect(image.hasDisk!(snapshot)).toBe(true);
  });

  test('an image without bytes, as Nova makes of volume-booted servers, is not downloaded', () => {
    expect(image.hasDisk!(plainDocument('image', { name: 'x' }, { status: 'active', size: 0, foreign: false }))).toBe(false);
    expect(image.hasDisk!(plainDocument('image', { name: 'x' }, { status: 'active', size: 5, foreign: true }))).toBe(false);
  });

  test('a public image becomes private, and says so', () => {
    expect(image.adapt!({ visibility: 'public' })).toMatchObject({ params: { visibility: 'private' }, changes: [{ attribute: 'visibility' }] });
    expect(image.adapt!({ visibility: 'shared' }).changes).toEqual([]);
  });

  test('an image stands for another by its bytes, then its name, then a name like it', () => {
    const of = (name: string, os_hash_value = '') => plainDocument('image', { name }, { os_hash_value });
    const cost = (a: string, b: string, ...hash: string[]) => image.rank!(of(a, hash[0]), of(b, hash[1]))?.cost;
    expect(cost('a', 'b', 'ff', 'ff')).toBe(0);
    expect(cost('debian-12', 'debian-12')).toBe(1);
    expect(cost('tinyweb', 'Tiny Web 1.0')).toBeGreaterThan(2);
    expect(cost('debian', 'fedora')).toBeUndefined();
  });

  test('a flavor is the smallest that is at least as large everywhere', () => {
    const of = (vcpus: number, ram: number, disk: number, name = 'x') => plainDocument('flavor', { name, vcpus, ram, disk, ephemeral: 0, swap: 0, extra_specs: {} });
    const wanted = of(2, 1024, 10);
    const cost = (offer: ReturnType<typeof of>) => flavor.rank!(wanted, offer)?.cost;
    expect(cost(of(1, 4096, 40))).toBeUndefined();
    expect(cost(of(2, 1024, 0))).toBeDefined();
    expect(cost(of(2, 2048, 10))!).toBeLessThan(cost(of(8, 8192, 80))!);
    expect(cost(of(2, 1024, 10))!).toBe(0);
  });

  test('a keypair is its public half, a server group its policy, of old microversions as well', async () => {
    const demo = await named(keypair, 'demo');
    expect(demo.params).toMatchObject({ name: 'demo', type: 'ssh', public_key: expect.stringMatching(/^ssh-/) });
    expect(documentOf(serverGroup, { id: 'g', name: 'old', policies: ['affinity'], members: [] }).params).toEqual({ name: 'old', policy: 'affinity', rules: {} });
  });

  test('a volume snapshot is described, and never made', async () => {
    const snapshot = await named(volumeSnapshot, 'mysql-storage-snap');
    expect(snapshot.params.volume_id).toBe(idOf('volume', 'volumes', 'mysql-storage'));
    expect(volumeSnapshot.skip!(snapshot)).toMatch(/described, not carried/);
    expect(volumeSnapshot.create).toBeUndefined();
  });
});
