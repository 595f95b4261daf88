import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../src/cloud/index.ts';
import { isError } from '../../src/errors.ts';
import { expectShape, FLAVOR, IMAGE, OLD_SERVER, PORT, SERVER } from './shape.ts';
import { collect, NOWHERE, once, refused, states, things } from './things.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0cFfs0jyB3DDTI47/fdFhGJXUcsIWJcUevSxMxBaoA contract';
const PRINT = '04:b1:3c:84:54:e9:87:9f:f9:99:85:b1:0f:d3:5e:e7';

export function computeContract(cloud: () => Cloud): void {
  describe('Nova', () => {
    const work = things(cloud);
    const nova = once(() => cloud().service('compute'));
    const cinder = once(() => cloud().service('volume'));
    const glance = once(() => cloud().service('image'));
    const neutron = once(() => cloud().service('network'));
    const at = (microversion: string): { microversion: string } => ({ microversion });
    const newest = at('2.93');
    const show = async (id: string): Promise<any> => (await nova().get(`/servers/${id}`, newest)).server;
    const status = (id: string) => (): Promise<string> =>
      show(id).then(
        (one) => one.status,
        (error: unknown) => {
          if (isError(error, 'not-found')) return 'gone';
          throw error;
        },
      );
    const volumeStatus = (id: string) => async (): Promise<string> => (await cinder().get(`/volumes/${id}`)).volume.status;

    const flavor = once(async () => (await collect<any>(nova().list('/flavors/detail', 'flavors'))).toSorted((a, b) => a.ram - b.ram)[0]);
    const image = once(async () => (await collect<any>(glance().list('/images', 'images', { query: { visibility: 'public' } })))[0]);
    const net = once(async () => {
      const one = (await neutron().post('/networks', { network: { name: 'contract-servers' } })).body.network;
      work.later(() => neutron().delete(`/networks/${one.id}`));
      await neutron().post('/subnets', { subnet: { network_id: one.id, ip_version: 4, cidr: '10.66.0.0/24', allocation_pools: [{ start: '10.66.0.100', end: '10.66.0.200' }], enable_dhcp: false } });
      return one;
    });
    const port = once(async () => {
      const one = (await neutron().post('/ports', { port: { network_id: net().id, name: 'contract-given', fixed_ips: [{ ip_address: '10.66.0.11' }] } })).body.port;
      work.later(() => neutron().delete(`/ports/${one.id}`));
      return one;
    });
    const key = once(async () => {
      await nova().delete('/os-keypairs/contract-key', newest).catch(() => {});
      const answer = await nova().post('/os-keypairs', { keypair: { name: 'contract-key', public_key: KEY } }, newest);
      work.later(() => nova().delete('/os-keypairs/contract-key', newest));
      return answer.body.keypair;
    });
    const group = once(async () => {
      const one = (await nova().post('/os-server-groups', { server_group: { name: 'contract-group', policy: 'soft-anti-affinity' } }, newest)).body.server_group;
      work.later(() => nova().delete(`/os-server-groups/${one.id}`));
      return one;
    });
    const volume = async (body: object): Promise<any> => {
      const one = (await cinder().post('/volumes', { volume: { size: 1, name: 'contract-disk', ...body } })).body.volume;
      work.later(() => work.remove('volume', `/volumes/${one.id}`));
      return one;
    };
    const boot = (server: object, more: object = {}, options = newest): Promise<any> => nova().post('/servers', { server: { name: 'contract-server', flavorRef: flavor().id, ...server }, ...more }, options).then((answer) => answer);
    const dropServer = (id: string): void => work.later(() => work.remove('compute', `/servers/${id}`));

    const started = once(async () => {
      const root = await volume({ imageRef: image().id });
      const data = await volume({});
      for (const one of [root, data]) await states(volumeStatus(one.id), 'available');
      const answer = await boot(
        { imageRef: image().id, networks: [{ port: port().id, tag: 'nic1' }, { uuid: net().id, fixed_ip: '10.66.0.21' }], metadata: { a: 'b' }, tags: ['t2', 't1'], key_name: key().name, description: 'dd', user_data: Buffer.from('#!/bin/sh\n').toString('base64') },
        { 'os:scheduler_hints': { group: group().id } },
      );
      dropServer(answer.body.server.id);
      const building = await show(answer.body.server.id);
      const early = await nova().post(`/servers/${answer.body.server.id}/action`, { createImage: { name: 'contract-x' } }, newest).then(() => undefined, (error: unknown) => error);
      const second = await boot({
        name: 'contract-volumes',
        networks: [{ uuid: net().id }],
        block_device_mapping_v2: [
          { boot_index: 0, uuid: root.id, source_type: 'volume', destination_type: 'volume', delete_on_termination: false },
          { boot_index: -1, uuid: data.id, source_type: 'volume', destination_type: 'volume', delete_on_termination: true, tag: 'data' },
        ],
      });
      dropServer(second.body.server.id);
      const seen = await states(status(answer.body.server.id), 'ACTIVE');
      await states(status(second.body.server.id), 'ACTIVE');
      return { answer, building, early, seen, id: answer.body.server.id as string, second: second.body.server.id as string, root: root.id as string, data: data.id as string };
    });

    describe('flavors and keys', () => {
      it('have these attributes', () => {
        expectShape(flavor(), FLAVOR);
      });
      it('show no swap as an empty string in old versions', async () => {
        expect((await nova().get(`/flavors/${flavor().id}`, at('2.1'))).flavor.swap).toBe('');
      });
      it('are taken with their public part, and listed with less than they show alone', async () => {
        expect(key()).toEqual({ type: 'ssh', name: 'contract-key', public_key: KEY, fingerprint: PRINT, user_id: cloud().user.id });
        const listed = (await collect<any>(nova().list('/os-keypairs', 'keypairs', newest))).map((one) => one.keypair).find((one) => one.name === 'contract-key');
        expect(listed).toEqual({ type: 'ssh', name: 'contract-key', public_key: KEY, fingerprint: PRINT });
        expectShape((await nova().get('/os-keypairs/contract-key', newest)).keypair, { name: 'string', public_key: 'string', fingerprint: 'string', user_id: 'hex', created_at: 'longtime', deleted: 'boolean', deleted_at: 'null', id: 'number', updated_at: 'null', type: 'string' });
      });
      it.each([
        [{ name: 'contract-key', public_key: KEY }, 409, 'conflict', /Key pair 'contract-key' already exists/],
        [{ name: 'contract-x' }, 400, 'cloud', /'public_key' is a required property/],
        [{ name: 'contract-x', public_key: 'nope' }, 400, 'cloud', /failed to generate fingerprint/],
        [{ name: 'contract é/', public_key: KEY }, 400, 'cloud', /The name must be: Only expected characters/],
        [{ name: 'contract-x', public_key: KEY, user_id: 'x' }, 403, 'forbidden', /Policy doesn't allow os_compute_api:os-keypairs:create/],
      ] as const)('are refused with %j', async (keypair, code, kind, words) => {
        expect(key().name).toBe('contract-key');
        await refused(nova().post('/os-keypairs', { keypair }, newest), code, kind, words);
      });
    });

    describe('server groups', () => {
      it('have one policy with rules from 2.64 on, and policies before', async () => {
        expect(Object.keys(group())).toEqual(['id', 'name', 'policy', 'rules', 'members', 'project_id', 'user_id']);
        expect((await nova().get(`/os-server-groups/${group().id}`, at('2.63'))).server_group).toMatchObject({ policies: ['soft-anti-affinity'], metadata: {} });
      });
      it.each([
        [{ name: 'contract-x', policies: ['affinity'] }, '2.93', /'policy' is a required property/],
        [{ name: 'contract-x', policy: 'nope' }, '2.93', /'nope' is not one of/],
        [{ name: 'contract-x', policies: ['soft-affinity'] }, '2.1', /'soft-affinity' is not one of \['anti-affinity', 'affinity'\]/],
      ] as const)('are refused with %j at %s', async (body, version, words) => {
        await refused(nova().post('/os-server-groups', { server_group: body }, at(version)), 400, 'cloud', words);
      });
    });

    describe('servers', () => {
      it.each([
        ['no networks', {}, 400, 'cloud', /'networks' is a required property/],
        ['an attribute it does not know', { networks: 'none', nonsense: 1 }, 400, 'cloud', /Additional properties are not allowed \('nonsense' was unexpected\)/],
        ['files to put in', { networks: 'none', personality: [] }, 400, 'cloud', /'personality' was unexpected/],
        ['an unknown flavor', { networks: 'none', flavorRef: 'nope' }, 400, 'cloud', /Flavor nope could not be found/],
        ['an unknown image', { networks: 'none', imageRef: NOWHERE }, 400, 'cloud', /Can not find requested image/],
        ['no image', { networks: 'none', imageRef: '' }, 400, 'cloud', /Missing imageRef attribute/],
        ['an unknown key', { networks: 'none', key_name: 'nope' }, 400, 'cloud', /Invalid key_name provided/],
        ['an unknown zone', { networks: 'none', availability_zone: 'nope' }, 400, 'cloud', /The requested availability zone is not available/],
        ['a host in its zone', { networks: 'none', availability_zone: 'nova:x' }, 403, 'forbidden', /servers:create:forced_host/],
        ['a host', { networks: 'none', host: 'x' }, 403, 'forbidden', /servers:create:requested_destination/],
        ['an unknown network', { networks: [{ uuid: NOWHERE }] }, 400, 'cloud', /Network \S+ could not be found/],
        ['an unknown port', { networks: [{ port: NOWHERE }] }, 400, 'cloud', /Port id \S+ could not be found/],
        ['an unknown volume', { networks: 'none', imageRef: '', block_device_mapping_v2: [{ boot_index: 0, uuid: NOWHERE, source_type: 'volume', destination_type: 'volume' }] }, 400, 'cloud', /Block Device Mapping is Invalid: failed to get volume/],
        ['metadata that is no text', { networks: 'none', metadata: { a: 1 } }, 400, 'cloud', /1 is not of type 'string'/],
        ['no name', { networks: 'none', name: '' }, 400, 'cloud', /'' is too short/],
        ['more than the quota gives', { networks: 'none', min_count: 99 }, 403, 'quota', /Quota exceeded for .*instances: Requested .*99, but already used/],
      ] as const)('are refused with %s', async (_what, body, code, kind, words) => {
        await refused(boot({ imageRef: image().id, ...body }), code, kind, words);
      });
      it('are refused with a group of security or of servers that is not there', async () => {
        await refused(boot({ imageRef: image().id, networks: [{ uuid: net().id }], security_groups: [{ name: 'nope' }] }), 400, 'cloud', /Unable to find security_group with name or id 'nope'/);
        await refused(boot({ imageRef: image().id, networks: 'none' }, { 'os:scheduler_hints': { group: NOWHERE } }), 400, 'cloud', /Instance group \S+ could not be found/);
      });
      it('take no tags at creation before 2.52', async () => {
        await refused(boot({ imageRef: image().id, networks: 'none', tags: ['x'] }, {}, at('2.51')), 400, 'cloud', /'tags' was unexpected/);
      });
      it('are refused with an address or a port in use', async () => {
        await refused(boot({ imageRef: image().id, networks: [{ port: port().id }] }), 409, 'conflict', /Port \S+ is still in use/);
        await refused(boot({ imageRef: image().id, networks: [{ uuid: net().id, fixed_ip: '10.66.0.21' }] }), 400, 'cloud', /Fixed IP address 10\.66\.0\.21 is already in use on instance/);
        expect(started().id).toBeDefined();
      });
      it('are accepted with 202, an id and a password, and build for a while', () => {
        const { answer, building, early, seen } = started();
        expect(answer.status).toBe(202);
        expect(Object.keys(answer.body.server).toSorted()).toEqual(['OS-DCF:diskConfig', 'adminPass', 'id', 'links', 'security_groups']);
        expect(answer.headers['location']).toMatch(new RegExp(`/servers/${answer.body.server.id}$`));
        expect(building).toMatchObject({ status: 'BUILD', 'OS-EXT-STS:vm_state': 'building', hostId: '', 'OS-EXT-AZ:availability_zone': '' });
        expect(String(early)).toMatch(/Cannot 'createImage' instance \S+ while it is in (vm_state building|task_state)/);
        expect(['BUILD', 'ACTIVE']).toEqual(expect.arrayContaining(seen));
      });
      it('have these attributes, at 2.1 and at 2.93', async () => {
        expectShape((await nova().get(`/servers/${started().id}`, at('2.1'))).server, OLD_SERVER);
        expectShape(await show(started().id), SERVER);
      });
      it('show what they were made with, but neither user_data nor their host', async () => {
        const one = await show(started().id);
        expect(one).toMatchObject({ status: 'ACTIVE', metadata: { a: 'b' }, key_name: 'contract-key', description: 'dd', config_drive: '', image: { id: image().id }, 'OS-EXT-SRV-ATTR:hostname': 'contract-server', server_groups: [group().id] });
        // Once for each port.
        expect(one.security_groups).toEqual([{ name: 'default' }, { name: 'default' }]);
        expect(one.tags.toSorted()).toEqual(['t1', 't2']);
        expect(one.addresses['contract-servers'].map(({ addr }: any) => addr).toSorted()).toEqual(['10.66.0.11', '10.66.0.21']);
        expect(Object.keys(one.addresses['contract-servers'][0]).toSorted()).toEqual(['OS-EXT-IPS-MAC:mac_addr', 'OS-EXT-IPS:type', 'addr', 'version']);
      });
      it('name their flavor before 2.47, and embed it without its id from then on', async () => {
        expect((await nova().get(`/servers/${started().id}`, at('2.46'))).server.flavor.id).toBe(flavor().id);
        expectShape((await show(started().id)).flavor, { vcpus: 'number', ram: 'number', disk: 'number', ephemeral: 'number', swap: 'number', original_name: 'string', extra_specs: 'object' });
      });
      it('name their groups when shown alone only', async () => {
        const listed = (await collect<any>(nova().list('/servers/detail', 'servers', newest))).find(({ id }) => id === started().id);
        const { server_groups: _alone, ...rest } = SERVER;
        expectShape(listed, rest);
      });
      it('own the ports they made, and hold those they were given', async () => {
        const ports = await collect<any>(neutron().list('/ports', 'ports', { query: { device_id: started().id } }));
        for (const one of ports) expectShape(one, PORT);
        expect(ports.map((one) => [one.fixed_ips[0].ip_address, one.device_owner, one.name]).toSorted()).toEqual([
          ['10.66.0.11', expect.stringMatching(/^compute:/), 'contract-given'],
          ['10.66.0.21', expect.stringMatching(/^compute:/), ''],
        ]);
        const faces = (await nova().get(`/servers/${started().id}/os-interface`, newest)).interfaceAttachments;
        expectShape(faces[0], { net_id: 'uuid', port_id: 'uuid', mac_addr: 'mac', port_state: 'string', fixed_ips: 'array', tag: 'string|null' });
      });
      it('that boot from a volume have no image, and list their volumes in order', async () => {
        const one = await show(started().second);
        expect(one.image).toBe('');
        expect(one['os-extended-volumes:volumes_attached']).toEqual([
          { id: started().root, delete_on_termination: false },
          { id: started().data, delete_on_termination: true },
        ]);
        const attachments = (await nova().get(`/servers/${started().second}/os-volume_attachments`, newest)).volumeAttachments;
        expectShape(attachments[0], { volumeId: 'uuid', serverId: 'uuid', device: 'string', tag: 'string|null', delete_on_termination: 'boolean', attachment_id: 'uuid', bdm_uuid: 'uuid' });
        expect(attachments.map(({ device, tag }: any) => [device, tag])).toEqual([['/dev/vda', null], ['/dev/vdb', 'data']]);
        const old = (await nova().get(`/servers/${started().second}/os-volume_attachments`, at('2.1'))).volumeAttachments;
        expectShape(old[0], { id: 'uuid', volumeId: 'uuid', serverId: 'uuid', device: 'string' });
      });
      it('come in pages that link to the next one', async () => {
        const page = await nova().get('/servers/detail', { ...newest, query: { limit: 1 } });
        expect(page.servers_links).toEqual([{ rel: 'next', href: expect.stringMatching(/limit=1&marker=/) }]);
        await refused(nova().get('/servers/detail', { query: { limit: 1, marker: 'zzz' } }), 400, 'cloud', /marker \[zzz\] not found/);
      });
      it('sort their tags, and take names and metadata', async () => {
        expect((await nova().put(`/servers/${started().id}/tags`, { tags: ['b', 'a'] }, newest)).body).toEqual({ tags: ['a', 'b'] });
        expect((await nova().put(`/servers/${started().id}/metadata`, { metadata: { q: 'r' } })).body).toEqual({ metadata: { q: 'r' } });
        expect((await nova().put(`/servers/${started().id}`, { server: { name: 'contract-é' } }, newest)).body.server.name).toBe('contract-é');
      });
    });

    describe('volumes in use', () => {
      const isRefused = (body: object, words: RegExp): Promise<void> => refused(cinder().post(`/volumes/${started().root}/action`, body), 400, 'cloud', words);
      it('cannot be removed or uploaded, and force is not heeded', async () => {
        await refused(cinder().delete(`/volumes/${started().root}`), 400, 'cloud', /Volume status must be available or error/);
        for (const force of [false, true]) await isRefused({ 'os-volume_upload_image': { image_name: 'contract-x', disk_format: 'raw', force } }, /status must be available/);
      });
      it('say where they are attached', async () => {
        const one = (await cinder().get(`/volumes/${started().root}`)).volume;
        expect(one.status).toBe('in-use');
        expectShape(one.attachments[0], { id: 'uuid', attachment_id: 'uuid', volume_id: 'uuid', server_id: 'uuid', host_name: 'null', device: 'string', attached_at: 'longtime' });
      });
      it('give snapshots with force only below 3.66, and without asking from then on', async () => {
        await refused(cinder().post('/snapshots', { snapshot: { volume_id: started().root, name: 'contract-x' } }, at('3.65')), 400, 'cloud', /status must be available, but current status is: in-use/);
        for (const [body, version] of [[{ force: true }, '3.65'], [{}, '3.66']] as const) {
          const one = (await cinder().post('/snapshots', { snapshot: { volume_id: started().root, name: 'contract-snapshot', ...body } }, at(version))).body.snapshot;
          work.later(() => work.remove('volume', `/snapshots/${one.id}`));
          await states(async () => (await cinder().get(`/snapshots/${one.id}`)).snapshot.status, 'available');
        }
      });
      it('go to one server only, under a device name of the cloud’s choice', async () => {
        const path = `/servers/${started().id}/os-volume_attachments`;
        await refused(nova().post(path, { volumeAttachment: { volumeId: started().root } }, newest), 400, 'cloud', /is already attached to instances/);
        await refused(nova().post(path, { volumeAttachment: { volumeId: NOWHERE } }, newest), 404, 'not-found', /Volume \S+ could not be found/);
        const one = await volume({});
        await states(volumeStatus(one.id), 'available');
        const attachment = (await nova().post(path, { volumeAttachment: { volumeId: one.id, device: '/dev/vdq', tag: 'tt', delete_on_termination: false } }, newest)).body.volumeAttachment;
        expect(attachment).toEqual({ id: one.id, serverId: started().id, volumeId: one.id, device: '/dev/vdb', tag: 'tt', delete_on_termination: false });
        const seen = await states(volumeStatus(one.id), 'in-use');
        expect(['available', 'reserved', 'attaching', 'in-use']).toEqual(expect.arrayContaining(seen));
        await nova().delete(`${path}/${one.id}`);
        await states(volumeStatus(one.id), 'available');
        await refused(nova().delete(`${path}/${one.id}`), 404, 'not-found', /is not attached to volume/);
      });
      it('are free again as soon as a server is gone that was removed before any host took it', async () => {
        const one = await volume({});
        await states(volumeStatus(one.id), 'available');
        const devices = [
          { boot_index: 0, uuid: image().id, source_type: 'image', destination_type: 'local' },
          { boot_index: -1, uuid: one.id, source_type: 'volume', destination_type: 'volume', delete_on_termination: false },
        ];
        const { id } = (await boot({ name: 'contract-brief', imageRef: image().id, block_device_mapping_v2: devices, networks: 'none' })).body.server;
        await work.remove('compute', `/servers/${id}`);
        expect(await volumeStatus(one.id)()).toBe('available');
      });
      it('are not detached when the server boots from them', async () => {
        await refused(nova().delete(`/servers/${started().second}/os-volume_attachments/${started().root}`), 400, 'cloud', /Cannot detach a root device volume/);
      });
    });

    describe('createImage', () => {
      const createImage = async (id: string, version: string): Promise<{ image: string; answer: any }> => {
        const answer = await nova().post(`/servers/${id}/action`, { createImage: { name: 'contract-image', metadata: { x: 'y' } } }, at(version));
        const made = answer.body?.image_id ?? answer.headers['location']!.split('/').pop();
        work.later(() => glance().delete(`/images/${made}`));
        return { image: made, answer };
      };
      it('answers with a Location below 2.45, and gives a qcow2 of the root disk with the image’s properties', async () => {
        const { image: made, answer } = await createImage(started().id, '2.44');
        expect(answer.status).toBe(202);
        expect(answer.headers['location']).toMatch(/\/images\/[0-9a-f-]{36}$/);
        const again = await nova().post(`/servers/${started().id}/action`, { createImage: { name: 'contract-x' } }, newest).then(() => undefined, (error: unknown) => error);
        expect(String(again)).toMatch(/Cannot 'createImage' instance \S+ while it is in task_state image_/);
        const seen = await states(async () => (await glance().get(`/images/${made}`)).status, 'active');
        expect(['queued', 'saving', 'active']).toEqual(expect.arrayContaining(seen));
        const one = (await glance().get(`/images/${made}`)) as any;
        expect(one).toMatchObject({ disk_format: 'qcow2', container_format: 'bare', visibility: 'private', virtual_size: flavor().disk * 2 ** 30, min_disk: flavor().disk, min_ram: image().min_ram, base_image_ref: image().id, image_type: 'snapshot', instance_uuid: started().id, image_location: 'snapshot', image_state: 'available', x: 'y' });
        const properties = ['base_image_ref', 'boot_roles', 'hw_cdrom_bus', 'hw_disk_bus', 'hw_input_bus', 'hw_machine_type', 'hw_pointer_model', 'hw_video_model', 'hw_vif_model', 'image_location', 'image_state', 'image_type', 'instance_uuid', 'owner_id', 'owner_project_name', 'owner_user_name', 'user_id', 'x'];
        const inherited = Object.keys(image()).filter((name) => !(name in IMAGE));
        expectShape(one, { ...IMAGE, ...Object.fromEntries([...properties, ...inherited].map((name) => [name, 'string'])) });
        await states(async () => String((await show(started().id))['OS-EXT-STS:task_state']), 'null');
      });
      it('of a server that boots from a volume gives an image without bytes, and snapshots of all its volumes', async () => {
        const { image: made, answer } = await createImage(started().second, '2.93');
        expect(answer.body).toEqual({ image_id: made });
        await states(async () => (await glance().get(`/images/${made}`)).status, 'active');
        const one = (await glance().get(`/images/${made}`)) as any;
        expect(one).toMatchObject({ size: 0, virtual_size: null, checksum: 'd41d8cd98f00b204e9800998ecf8427e', bdm_v2: 'True', root_device_name: '/dev/vda', base_image_ref: '', disk_format: 'qcow2' });
        const mapping = JSON.parse(one.block_device_mapping);
        expect(mapping).toMatchObject([
          { source_type: 'snapshot', destination_type: 'volume', boot_index: 0, device_name: '/dev/vda', delete_on_termination: false, volume_size: 1 },
          { source_type: 'snapshot', destination_type: 'volume', boot_index: -1, device_name: '/dev/vdb', delete_on_termination: true, volume_size: 1 },
        ]);
        const sources: string[] = [];
        for (const { snapshot_id: id } of mapping) {
          work.later(() => work.remove('volume', `/snapshots/${id}`));
          await states(async () => (await cinder().get(`/snapshots/${id}`)).snapshot.status, 'available');
          const snapshot = (await cinder().get(`/snapshots/${id}`)).snapshot;
          expect(snapshot.name).toBe('snapshot for contract-image');
          sources.push(snapshot.volume_id);
        }
        expect(sources).toEqual([started().root, started().data]);
        const { body } = await glance().download(`/images/${made}/file`);
        expect(Buffer.concat(await collect(body))).toHaveLength(0);
        await refused(cinder().delete(`/volumes/${started().root}`), 400, 'cloud', /have snapshots/);
      });
    });

    describe('power', () => {
      it('goes ACTIVE -> SHUTOFF and back, and not where it is already', async () => {
        const act = (body: object): Promise<any> => nova().post(`/servers/${started().id}/action`, body, newest);
        await refused(act({ 'os-start': null }), 409, 'conflict', /Cannot 'start' instance \S+ while it is in vm_state active/);
        await act({ 'os-stop': null });
        await states(status(started().id), 'SHUTOFF');
        expect(await show(started().id)).toMatchObject({ 'OS-EXT-STS:vm_state': 'stopped', 'OS-EXT-STS:power_state': 4, 'OS-EXT-STS:task_state': null });
        await refused(act({ 'os-stop': null }), 409, 'conflict', /Cannot 'stop' instance \S+ while it is in vm_state stopped/);
        await refused(act({ nope: null }), 400, 'cloud', /There is no such action: nope/);
      });
    });

    describe('the rest', () => {
      it('tells limits and use', async () => {
        expect((await nova().get('/limits')).limits.absolute).toMatchObject({ maxTotalInstances: expect.any(Number), maxTotalCores: expect.any(Number), maxTotalRAMSize: expect.any(Number), maxServerGroups: expect.any(Number), maxTotalKeypairs: expect.any(Number), totalInstancesUsed: expect.any(Number), totalCoresUsed: expect.any(Number), totalRAMUsed: expect.any(Number), totalServerGroupsUsed: expect.any(Number) });
        const { quota_set: quota } = await nova().get(`/os-quota-sets/${cloud().project.id}/detail`, newest);
        expect(Object.keys(quota).toSorted()).toEqual(['cores', 'id', 'instances', 'key_pairs', 'metadata_items', 'ram', 'server_group_members', 'server_groups']);
        expect(quota.instances).toEqual({ limit: expect.any(Number), in_use: expect.any(Number), reserved: expect.any(Number) });
      });
      it('names availability zones without their hosts', async () => {
        expect((await nova().get('/os-availability-zone')).availabilityZoneInfo).toContainEqual({ zoneName: expect.any(String), zoneState: { available: true }, hosts: null });
      });
      it.each([
        ['/os-hypervisors', /Policy doesn't allow os_compute_api:os-hypervisors:list/],
        ['/os-services', /Policy doesn't allow os_compute_api:os-services:list/],
        ['/os-availability-zone/detail', /Policy doesn't allow os_compute_api:os-availability-zone:detail/],
        ['/servers/detail?all_tenants=1', /Policy doesn't allow os_compute_api:servers:detail:get_all_tenants/],
      ])('shows no member %s', async (path, words) => {
        await refused(nova().get(path), 403, 'forbidden', words);
      });
      it('refuses microversions above its highest, and such as are none', async () => {
        await refused(nova().get('/servers', at('2.999')), 406, 'cloud', /Version 2\.999 is not supported by the API\. Minimum is 2\.1 and maximum is 2\.\d+/);
        await refused(nova().get('/servers', at('foo')), 400, 'cloud', /API Version String foo is of invalid format/);
      });
      it('has no images of its own from 2.36 on', async () => {
        await refused(nova().get('/images', at('2.36')), 404, 'not-found', /could not be found/);
      });
      it('knows nothing of what is not there', async () => {
        await refused(nova().get(`/servers/${NOWHERE}`), 404, 'not-found', /Instance \S+ could not be found/);
        await refused(nova().get('/flavors/nope'), 404, 'not-found', /Flavor nope could not be found/);
        await refused(nova().get('/os-keypairs/nope'), 404, 'not-found', /Keypair nope not found for user/);
      });
    });
  });
}
