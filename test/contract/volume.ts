import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../src/cloud/index.ts';
import { isError } from '../../src/errors.ts';
import { OCTETS, pieces, smallQcow2 } from './image.ts';
import { expectShape, IMAGE, NEW_VOLUME, SNAPSHOT, VOLUME } from './shape.ts';
import { collect, NOWHERE, once, refused, states, things } from './things.ts';

export function volumeContract(cloud: () => Cloud): void {
  describe('Cinder', () => {
    const work = things(cloud);
    const cinder = once(() => cloud().service('volume'));
    const glance = once(() => cloud().service('image'));
    const gone = (error: unknown): string => {
      if (isError(error, 'not-found')) return 'gone';
      throw error;
    };
    const status = (path: string, key: string) => (): Promise<string> => cinder().get(path).then((body) => body[key].status, gone);
    const make = async (body: object, microversion?: string): Promise<any> => {
      const answer = await cinder().post('/volumes', { volume: { name: 'contract-volume', size: 1, ...body } }, microversion ? { microversion } : {});
      expect(answer.status).toBe(202);
      work.later(() => work.remove('volume', `/volumes/${answer.body.volume.id}`));
      return answer.body.volume;
    };
    const snap = async (body: object, microversion?: string): Promise<any> => {
      const one = (await cinder().post('/snapshots', { snapshot: { name: 'contract-snapshot', ...body } }, microversion ? { microversion } : {})).body.snapshot;
      work.later(() => work.remove('volume', `/snapshots/${one.id}`));
      return one;
    };
    const image = once(async () => {
      const one = (await glance().post('/images', { name: 'contract-source', disk_format: 'qcow2', container_format: 'bare', hw_disk_bus: 'scsi', min_ram: 64, min_disk: 1 })).body as any;
      work.later(() => glance().delete(`/images/${one.id}`));
      const data = smallQcow2();
      await glance().upload(`/images/${one.id}/file`, pieces(data), data.length, { headers: OCTETS });
      return one;
    });
    const plain = once(async () => {
      const one = await make({ description: 'd', metadata: { k: 'v' } });
      const seen = await states(status(`/volumes/${one.id}`, 'volume'), 'available');
      return { ...one, seen };
    });
    const fromImage = once(async () => {
      const one = await make({ imageRef: image().id });
      const seen = await states(status(`/volumes/${one.id}`, 'volume'), 'available');
      return { ...one, seen };
    });
    const snapshot = once(async () => {
      const one = await snap({ volume_id: fromImage().id });
      await states(status(`/snapshots/${one.id}`, 'snapshot'), 'available');
      return one;
    });

    describe('volumes', () => {
      it('have these attributes, at 3.0 and at 3.70', async () => {
        expectShape((await cinder().get(`/volumes/${plain().id}`, { microversion: '3.0' })).volume, VOLUME);
        expectShape((await cinder().get(`/volumes/${plain().id}`, { microversion: '3.70' })).volume, NEW_VOLUME);
      });
      it('are creating, then available', () => {
        expect(plain()).toMatchObject({ status: 'creating', bootable: 'false', encrypted: false, description: 'd', metadata: { k: 'v' }, attachments: [] });
        expect(['creating', 'available']).toEqual(expect.arrayContaining(plain().seen));
      });
      it('made of an image are downloading for a while, bootable, and keep the image’s properties', async () => {
        expect(['creating', 'downloading', 'available']).toEqual(expect.arrayContaining(fromImage().seen));
        const one = (await cinder().get(`/volumes/${fromImage().id}`)).volume;
        expect(one.bootable).toBe('true');
        expect(one.volume_image_metadata).toMatchObject({ hw_disk_bus: 'scsi', image_id: image().id, image_name: 'contract-source', min_disk: '1', min_ram: '64', disk_format: 'qcow2', container_format: 'bare', signature_verified: 'False' });
      });
      it('do not mind an attribute they do not know below 3.53, and refuse it from then on', async () => {
        await make({ nonsense: 1 }, '3.52');
        await refused(make({ nonsense: 1 }, '3.53'), 400, 'cloud', /Additional properties are not allowed \('nonsense' was unexpected\)/);
      });
      it.each([
        [{ size: 0 }, 400, 'cloud', /0 is less than the minimum of 1/],
        [{ volume_type: 'nope' }, 404, 'not-found', /Volume type with name nope could not be found/],
        [{ availability_zone: 'nope' }, 400, 'cloud', /Availability zone 'nope' is invalid/],
        [{ imageRef: NOWHERE }, 400, 'cloud', /Invalid image identifier or unable to access requested image/],
        [{ snapshot_id: NOWHERE }, 404, 'not-found', /Snapshot \S+ could not be found/],
        [{ metadata: { a: 1 } }, 400, 'cloud', /1 is not of type 'string'/],
        [{ size: 100_000 }, 413, 'quota', /exceeds allowed gigabytes quota\. Requested 100000G, quota is \d+G/],
      ] as const)('are refused with %j', async (body, code, kind, words) => {
        await refused(cinder().post('/volumes', { volume: { name: 'contract-x', size: 1, ...body } }), code, kind, words);
      });
      it('get image metadata, the boot flag, names and metadata afterwards', async () => {
        const act = (body: object): Promise<any> => cinder().post(`/volumes/${plain().id}/action`, body).then((answer) => answer.body);
        expect(await act({ 'os-set_image_metadata': { metadata: { hw_disk_bus: 'virtio' } } })).toEqual({ metadata: { hw_disk_bus: 'virtio' } });
        await act({ 'os-set_bootable': { bootable: true } });
        await cinder().put(`/volumes/${plain().id}`, { volume: { description: 'e' } });
        expect((await cinder().post(`/volumes/${plain().id}/metadata`, { metadata: { z: '1' } })).body).toEqual({ metadata: { k: 'v', z: '1' } });
        expect((await cinder().get(`/volumes/${plain().id}`)).volume).toMatchObject({ bootable: 'true', description: 'e', volume_image_metadata: { hw_disk_bus: 'virtio' } });
        await refused(act({ nope: {} }), 400, 'cloud', /There is no such action: nope/);
        await refused(act({ 'os-reset_status': { status: 'error' } }), 403, 'forbidden', /Policy doesn't allow volume_extension:volume_admin_actions:reset_status/);
      });
      it('come of snapshots and of other volumes, larger if wanted', async () => {
        const one = await make({ snapshot_id: snapshot().id, size: 2 });
        await states(status(`/volumes/${one.id}`, 'volume'), 'available');
        expect((await cinder().get(`/volumes/${one.id}`)).volume).toMatchObject({ snapshot_id: snapshot().id, size: 2, bootable: 'true', volume_image_metadata: { hw_disk_bus: 'scsi' } });
        const { id } = (await cinder().post('/volumes', { volume: { name: 'contract-volume', source_volid: fromImage().id } })).body.volume;
        work.later(() => work.remove('volume', `/volumes/${id}`));
        await states(status(`/volumes/${id}`, 'volume'), 'available');
        expect((await cinder().get(`/volumes/${id}`)).volume).toMatchObject({ source_volid: fromImage().id, size: 1 });
      });
      it('with snapshots cannot be removed', async () => {
        expect(snapshot().volume_id).toBe(fromImage().id);
        await refused(cinder().delete(`/volumes/${fromImage().id}`), 400, 'cloud', /Volume status must be available or error .* have snapshots/);
      });
      it('are deleting before they are gone', async () => {
        const { id } = (await cinder().post('/volumes', { volume: { name: 'contract-volume', size: 1 } })).body.volume;
        await states(status(`/volumes/${id}`, 'volume'), 'available');
        await cinder().delete(`/volumes/${id}`);
        expect(['deleting', 'gone']).toEqual(expect.arrayContaining(await states(status(`/volumes/${id}`, 'volume'), 'gone')));
      });
      it('that are not there are a 404', async () => {
        await refused(cinder().get(`/volumes/${NOWHERE}`), 404, 'not-found', /Volume \S+ could not be found/);
      });
      it('come in pages that link to the next one', async () => {
        const page = await cinder().get('/volumes/detail', { query: { limit: 1 } });
        expect(page.volumes).toHaveLength(1);
        expect(page.volumes_links).toEqual([{ rel: 'next', href: expect.stringMatching(/limit=1&marker=/) }]);
        expect((await collect<any>(cinder().list('/volumes/detail', 'volumes', { query: { limit: 1 } }))).map(({ id }) => id)).toEqual(expect.arrayContaining([plain().id, fromImage().id]));
      });
    });

    describe('snapshots', () => {
      it('have these attributes', async () => {
        expectShape((await cinder().get(`/snapshots/${snapshot().id}`, { microversion: '3.70' })).snapshot, SNAPSHOT);
      });
      it.each([
        [{ volume_id: NOWHERE }, 404, 'not-found', /Volume \S+ could not be found/],
        [{ volume_id: NOWHERE, force: 'maybe' }, 400, 'cloud', /'maybe' is not one of/],
        [{ volume_id: NOWHERE, nonsense: 1 }, 400, 'cloud', /Additional properties are not allowed \('nonsense' was unexpected\)/],
      ] as const)('are refused with %j', async (body, code, kind, words) => {
        await refused(cinder().post('/snapshots', { snapshot: body }, { microversion: '3.0' }), code, kind, words);
      });
      it('take no force: false from 3.66 on', async () => {
        await refused(cinder().post('/snapshots', { snapshot: { volume_id: plain().id, force: false } }, { microversion: '3.70' }), 400, 'cloud', /Since microversion 3\.66 the 'force' flag is invalid/);
      });
      it('are removed but once', async () => {
        const one = (await cinder().post('/snapshots', { snapshot: { volume_id: plain().id, name: 'contract-snapshot' } })).body.snapshot;
        work.later(() => work.remove('volume', `/snapshots/${one.id}`));
        await states(status(`/snapshots/${one.id}`, 'snapshot'), 'available');
        await cinder().delete(`/snapshots/${one.id}`);
        const second = await cinder().delete(`/snapshots/${one.id}`).then(() => undefined, (error: unknown) => error);
        expect(isError(second, 'not-found') || /Snapshot status must be available or error/.test(String(second))).toBe(true);
        await states(status(`/snapshots/${one.id}`, 'snapshot'), 'gone');
      });
    });

    describe('uploads to images', () => {
      const upload = (id: string, body: object, microversion = '3.70'): Promise<any> => cinder().post(`/volumes/${id}/action`, { 'os-volume_upload_image': { image_name: 'contract-upload', container_format: 'bare', ...body } }, { microversion }).then((answer) => answer.body['os-volume_upload_image']);
      it('go uploading -> available for the volume and queued -> saving -> active for the image, with the volume’s image metadata, but not its least disk and memory', async () => {
        const answer = await upload(fromImage().id, { disk_format: 'qcow2', visibility: 'private' });
        work.later(() => glance().delete(`/images/${answer.image_id}`));
        expectShape(answer, {
          id: 'uuid', updated_at: 'longtime', status: '"uploading"', display_description: 'string|null', size: 'number', volume_type: 'object', image_id: 'uuid',
          container_format: '"bare"', disk_format: '"qcow2"', image_name: 'string', protected: 'boolean', visibility: '"private"',
        });
        await refused(cinder().delete(`/volumes/${fromImage().id}`), 400, 'cloud', /Volume status must be available/);
        const seen = await states(async () => (await glance().get(`/images/${answer.image_id}`)).status, 'active');
        expect(['queued', 'saving', 'active']).toEqual(expect.arrayContaining(seen));
        await states(status(`/volumes/${fromImage().id}`, 'volume'), 'available');
        const one = (await glance().get(`/images/${answer.image_id}`)) as any;
        expect(one).toMatchObject({ disk_format: 'qcow2', visibility: 'private', virtual_size: 2 ** 30, hw_disk_bus: 'scsi', min_disk: 0, min_ram: 0 });
        expectShape(one, { ...IMAGE, stores: 'string', hw_disk_bus: 'string', signature_verified: 'string' });
      });
      it.each([
        [{ disk_format: 'foo' }, 400, 'cloud', /'foo' is not one of \['raw', 'vmdk', 'vdi', 'qcow2'/],
        [{ visibility: 'public' }, 403, 'forbidden', /Policy doesn't allow volume_extension:volume_actions:upload_public/],
      ] as const)('are refused with %j', async (body, code, kind, words) => {
        await refused(upload(plain().id, body), code, kind, words);
      });
    });

    describe('the rest', () => {
      it('has volume types, the first of them or another the default', async () => {
        const types = await collect<any>(cinder().list('/types', 'volume_types'));
        expectShape(types[0], { id: 'uuid', name: 'string', is_public: 'boolean', description: 'string|null', extra_specs: 'object', 'os-volume-type-access:is_public': 'boolean' });
        const standard = (await cinder().get('/types/default')).volume_type;
        expect(types.map(({ id }) => id)).toContain(standard.id);
        expect(plain().volume_type).toBe(standard.name);
      });
      it('tells limits and use, by type too', async () => {
        const { quota_set: quota } = await cinder().get(`/os-quota-sets/${cloud().project.id}`, { query: { usage: 'True' } });
        for (const key of ['volumes', 'snapshots', 'gigabytes', `volumes_${plain().volume_type}`]) expect(quota[key]).toEqual({ limit: expect.any(Number), in_use: expect.any(Number), reserved: expect.any(Number) });
        expect((await cinder().get('/limits')).limits.absolute).toMatchObject({ maxTotalVolumes: expect.any(Number), maxTotalSnapshots: expect.any(Number), maxTotalVolumeGigabytes: expect.any(Number), totalVolumesUsed: expect.any(Number), totalSnapshotsUsed: expect.any(Number), totalGigabytesUsed: expect.any(Number) });
      });
      it('names its availability zones', async () => {
        expect((await cinder().get('/os-availability-zone')).availabilityZoneInfo).toContainEqual({ zoneName: plain().availability_zone, zoneState: { available: true } });
      });
      it('shows its services to no member', async () => {
        await refused(cinder().get('/os-services'), 403, 'forbidden', /Policy doesn't allow volume_extension:services:index/);
      });
      it('refuses a microversion above its highest', async () => {
        await refused(cinder().get('/volumes', { microversion: '3.999' }), 406, 'cloud', /Version 3\.999 is not supported by the API\. Minimum is 3\.0 and maximum is 3\.\d+/);
      });
    });
  });
}
