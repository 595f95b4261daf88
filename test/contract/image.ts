import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../src/cloud/index.ts';
import { Bytes, writeQcow2 } from '../../src/sandbox/index.ts';
import { expectShape, IMAGE } from './shape.ts';
import { collect, NOWHERE, once, refused, states, things } from './things.ts';

/** A qcow2 of 8 MiB with 200,000 bytes in it. */
export function smallQcow2(): Buffer {
  const disk = new Bytes(8 * 2 ** 20);
  disk.write(2 ** 20, Buffer.alloc(200_000, 'contract '));
  return Buffer.concat([...writeQcow2(disk).stream()]);
}

export const OCTETS = { 'content-type': 'application/octet-stream' };
const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

export async function* pieces(data: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536);
}

export function imageContract(cloud: () => Cloud): void {
  describe('Glance', () => {
    const work = things(cloud);
    const glance = once(() => cloud().service('image'));
    const make = async (body: object): Promise<any> => {
      const one = (await glance().post('/images', { name: 'contract-image', disk_format: 'qcow2', container_format: 'bare', ...body })).body;
      work.later(() => glance().delete(`/images/${one.id}`));
      return one;
    };
    const data = smallQcow2();
    const put = (id: string, how = 'file'): Promise<void> => glance().upload(`/images/${id}/${how}`, pieces(data), data.length, { headers: OCTETS });
    const image = once(async () => {
      const one = await make({ visibility: 'private', tags: ['b', 'a'], min_disk: 1, hw_disk_bus: 'scsi' });
      await put(one.id);
      return (await glance().get(`/images/${one.id}`)) as any;
    });

    it('shows an image queued without sizes, digests and store', async () => {
      const one = await make({});
      expectShape(one, IMAGE);
      expect(one).toMatchObject({ status: 'queued', size: null, virtual_size: null, checksum: null, os_hash_value: null, os_hash_algo: null, visibility: 'shared' });
    });
    it('shows an image active with sizes, MD5, SHA-512 and store', () => {
      expectShape(image(), { ...IMAGE, hw_disk_bus: 'string', stores: 'string' });
      expect(image()).toMatchObject({
        status: 'active',
        size: data.length,
        virtual_size: 8 * 2 ** 20,
        checksum: createHash('md5').update(data).digest('hex'),
        os_hash_algo: 'sha512',
        os_hash_value: createHash('sha512').update(data).digest('hex'),
        owner: cloud().project.id,
        file: `/v2/images/${image().id}/file`,
      });
      expect(image().tags.toSorted()).toEqual(['a', 'b']);
    });
    it('says at creation how images may be imported', async () => {
      const answer = await glance().post('/images', { name: 'contract-image' });
      work.later(() => glance().delete(`/images/${answer.body.id}`));
      expect(answer.status).toBe(201);
      expect(answer.headers['openstack-image-import-methods']).toMatch(/glance-direct/);
      expect(answer.headers['location']).toMatch(new RegExp(`/v2/images/${answer.body.id}$`));
      expect((await glance().get('/info/import'))['import-methods'].value).toContain('glance-direct');
    });
    it('takes an id of the user’s choice', async () => {
      const id = crypto.randomUUID();
      expect((await make({ id })).id).toBe(id);
    });
    it('gives the bytes back, whole and from any offset on', async () => {
      const read = async (headers: Record<string, string>): Promise<Buffer> => {
        const { body } = await glance().download(`/images/${image().id}/file`, { headers });
        return Buffer.concat(await collect(body));
      };
      expect((await read({})).equals(data)).toBe(true);
    });
    it.each([
      [{ visibility: 'public' }, 403, 'forbidden', /not authorized to complete publicize_image action/],
      [{ owner: NOWHERE }, 403, 'forbidden', /not permitted to create images owned by/],
      [{ disk_format: 'foo' }, 400, 'cloud', /foo.* is not one of/],
      [{ nonsense: 5 }, 400, 'cloud', /5 is not of type/],
      [{ min_disk: 'a' }, 400, 'cloud', /is not of type .*integer/],
      [{ size: 5 }, 403, 'forbidden', /size.* is read-only/],
      [{ os_glance_foo: 'x' }, 403, 'forbidden', /os_glance_foo.* is reserved/],
    ] as const)('refuses an image with %j', async (body, status, code, words) => {
      await refused(glance().post('/images', { name: 'contract-x', ...body }), status, code, words);
    });
    it('takes data once only, as octets only, and for a known format only', async () => {
      await refused(put(image().id), 409, 'conflict', /transition from active to saving is not allowed/);
      const one = await make({ disk_format: null });
      await refused(put(one.id), 400, 'cloud', /disk_format must be set prior to saving data/);
      const other = await make({});
      await refused(glance().put(`/images/${other.id}/file`, { json: true }), 415, 'cloud', /media type .* is not supported/);
    });
    it('gives nothing for an image without data', async () => {
      const one = await make({});
      const { body } = await glance().download(`/images/${one.id}/file`);
      expect(Buffer.concat(await collect(body))).toHaveLength(0);
    });
    it('imports what was staged: uploading, importing, active', async () => {
      const one = await make({});
      await put(one.id, 'stage');
      expect(await glance().get(`/images/${one.id}`)).toMatchObject({ status: 'uploading', size: data.length });
      await refused(glance().post(`/images/${one.id}/import`, { method: { name: 'nope' } }), 400, 'cloud', /Unknown import method name/);
      expect((await glance().post(`/images/${one.id}/import`, { method: { name: 'glance-direct' } })).status).toBe(202);
      const seen = await states(async () => (await glance().get(`/images/${one.id}`)).status, 'active');
      expect(['uploading', 'importing', 'active']).toEqual(expect.arrayContaining(seen));
      await states(async () => ('os_glance_import_task' in (await glance().get<object>(`/images/${one.id}`)) ? 'task' : 'done'), 'done');
      const done = await glance().get(`/images/${one.id}`);
      expectShape(done, { ...IMAGE, stores: 'string', os_glance_importing_to_stores: 'string', os_glance_failed_import: 'string' });
    });
    it('changes by JSON patch, and only what may change', async () => {
      const patch = (operations: object[], headers: Record<string, string> = PATCH): Promise<any> => glance().patch(`/images/${image().id}`, operations, { headers }).then((answer) => answer.body);
      expect(await patch([{ op: 'replace', path: '/name', value: 'contract-renamed' }, { op: 'add', path: '/foo', value: 'bar' }])).toMatchObject({ name: 'contract-renamed', foo: 'bar' });
      await refused(patch([{ op: 'remove', path: '/nothing' }]), 409, 'conflict', /Property nothing does not exist/);
      await refused(patch([{ op: 'replace', path: '/status', value: 'x' }]), 403, 'forbidden', /status.* is read-only/);
      await refused(patch([{ op: 'replace', path: '/disk_format', value: 'raw' }]), 403, 'forbidden', /can be only replaced for a queued image/);
      await refused(patch([{ op: 'replace', path: '/visibility', value: 'public' }]), 403, 'forbidden', /publicize_image/);
      await refused(patch([], { 'content-type': 'application/json' }), 415, 'cloud', /media type .* is not supported/);
    });
    it('does not remove what is protected', async () => {
      const one = await make({ protected: true });
      await refused(glance().delete(`/images/${one.id}`), 403, 'forbidden', /is protected and cannot be deleted/);
      await glance().patch(`/images/${one.id}`, [{ op: 'replace', path: '/protected', value: false }], { headers: PATCH });
    });
    it('knows nothing of images that are not there', async () => {
      await refused(glance().get(`/images/${NOWHERE}`), 404, 'not-found', /No image found with ID/);
    });
    it('lists in pages that name the next one below its own root', async () => {
      const page = await glance().get('/images', { query: { limit: 1 } });
      expect(Object.keys(page).toSorted()).toEqual(['first', 'images', 'next', 'schema']);
      expect(page.next).toMatch(/^\/v2\/images\?limit=1&marker=/);
      expect((await collect<any>(glance().list('/images', 'images', { query: { limit: 1 } }))).map(({ id }) => id)).toContain(image().id);
    });
    it('has a public image of the provider’s', async () => {
      const [one] = await collect<any>(glance().list('/images', 'images', { query: { visibility: 'public' } }));
      expect(one).toMatchObject({ visibility: 'public', status: 'active' });
      expect(one.owner).not.toBe(cloud().project.id);
      await refused(glance().delete(`/images/${one.id}`), 403, 'forbidden', /You do not own this image/);
    });
  });
}
