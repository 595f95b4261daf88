import { randomUUID } from 'node:crypto';
import { stamp } from '../clock.ts';
import { Bytes } from '../disk/bytes.ts';
import { htmlError, htmlNotFound, Refusal, route, type Api, type Body, type Reply, type Request } from '../http.ts';
import { accepted } from '../keystone.ts';
import type { Image, World } from '../world.ts';
import { checkAttributes, pick, propertiesOf, READ_ONLY, refuse, SETTABLE } from './attributes.ts';
import { checkContent, newImage, showImage, store } from './images.ts';
import { listImages } from './list.ts';

const METHODS = ['glance-direct', 'web-download', 'copy-image'];

export function glance(world: World): Api {
  const visible = (image: Image): boolean => image.owner === world.projectId || image.visibility === 'public' || image.visibility === 'community';
  const find = (request: Request): Image => {
    const image = world.images.get(request.params['id']!);
    if (!image || !visible(image)) throw refuse(404, `No image found with ID ${request.params['id']}`);
    return image;
  };
  const own = (request: Request): Image => {
    const image = find(request);
    if (image.owner !== world.projectId) throw refuse(403, 'You do not own this image');
    return image;
  };

  async function create(request: Request): Promise<Reply> {
    const body: Body = (await request.json()) ?? {};
    checkAttributes(world, body);
    const id = body.id ?? randomUUID();
    if (world.images.has(id)) throw refuse(409, `Image ID ${id} already exists!`);
    const image = newImage(world, { ...pick(body), id }, propertiesOf(body));
    const headers = { location: `${request.root}/v2/images/${id}`, 'openstack-image-import-methods': METHODS.join(','), 'openstack-image-store-ids': 'file,os_glance_staging_store,os_glance_tasks_store' };
    return { status: 201, headers, body: showImage(image) };
  }

  async function patch(request: Request): Promise<Reply> {
    const image = own(request);
    const type = String(request.headers['content-type'] ?? '');
    if (!/^application\/openstack-images-v2\.[01]-json-patch/.test(type)) throw refuse(415, `The request media type ${type} is not supported by this server.\n`);
    const target = image as unknown as Record<string, unknown>;
    for (const { op, path, value } of (await request.json()) as { op: string; path: string; value: unknown }[]) {
      const key = path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
      if (READ_ONLY.includes(key) || key === 'id') throw refuse(403, `Attribute '${key}' is read-only.`);
      if (op === 'remove') {
        if (key in SETTABLE) throw refuse(403, `Attribute '${key}' may not be removed.`);
        if (!(key in image.properties)) throw refuse(409, 'There was a conflict when trying to complete your request.', `Property ${key} does not exist.`);
        delete image.properties[key];
        continue;
      }
      checkAttributes(world, { [key]: value });
      if (key in SETTABLE) {
        if ((key === 'disk_format' || key === 'container_format') && image.status !== 'queued') throw refuse(403, `Attribute ${key} can be only replaced for a queued image.`);
        target[key] = value;
      } else {
        if (op === 'replace' && !(key in image.properties)) throw refuse(409, 'There was a conflict when trying to complete your request.', `Property ${key} does not exist.`);
        image.properties[key] = value as string;
      }
    }
    image.updated_at = stamp();
    return { status: 200, body: showImage(image) };
  }

  async function upload(request: Request, stage: boolean): Promise<Reply> {
    const image = own(request);
    const type = String(request.headers['content-type'] ?? '');
    if (type !== 'application/octet-stream') throw refuse(415, `The request media type ${type} is not supported by this server.\n`);
    const unset = (['disk_format', 'container_format'] as const).filter((key) => image[key] === null);
    if (unset.length > 0) throw refuse(400, `${unset.length === 1 ? 'Property' : 'Properties'} ${unset.join(', ')} must be set prior to saving data.`);
    const next = stage ? 'uploading' : 'saving';
    if (image.status !== 'queued') throw refuse(409, `Image status transition from ${image.status} to ${next} is not allowed`);
    image.status = next;
    const data = new Bytes(0);
    try {
      for await (const part of request.stream) {
        const at = data.size;
        data.resize(at + (part as Buffer).length);
        if (data.size > world.settings.policy.imageSizeCap) throw refuse(413, `Image exceeds the storage quota: The size of the data ${data.size} will exceed the limit. ${data.size - world.settings.policy.imageSizeCap} bytes remaining.`);
        data.write(at, part as Buffer);
      }
      if (!request.stream.complete) throw new Error('aborted');
      if (!stage) checkContent(world, image, data);
    } catch (error) {
      image.status = 'queued';
      throw error;
    }
    if (stage) {
      image.data = data;
      image.size = data.size;
    } else await store(image, data);
    return { status: 204, headers: { 'content-type': 'text/html; charset=UTF-8' } };
  }

  async function importImage(request: Request): Promise<Reply> {
    const image = own(request);
    const method = (await request.json())?.method?.name;
    if (!METHODS.includes(method)) throw refuse(400, `Unknown import method name '${method}'.`);
    if (method !== 'glance-direct') throw refuse(403, `Import method ${method} is not simulated`);
    if (image.status !== 'uploading') throw refuse(409, `Image needs to be staged before 'glance-direct' method can be used`);
    Object.assign(image.properties, { os_glance_importing_to_stores: 'file', os_glance_failed_import: '', os_glance_import_task: randomUUID() });
    world.clock.after(world.settings.delays.import, () => {
      image.status = 'importing';
      world.clock.after(world.settings.delays.import, async () => {
        image.properties['os_glance_importing_to_stores'] = '';
        try {
          checkContent(world, image, image.data!);
          await store(image, image.data!);
        } catch {
          image.properties['os_glance_failed_import'] = 'file';
          image.status = 'queued';
        }
        // The task ends a moment after the image is active.
        world.clock.after(world.settings.delays.import, () => void delete image.properties['os_glance_import_task']);
      });
    });
    return { status: 202, headers: { 'content-type': 'text/html; charset=UTF-8' } };
  }

  function download(request: Request): Reply {
    const image = find(request);
    if (image.status !== 'active') return { status: 204 };
    const data = image.data ?? new Bytes(0);
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream', 'content-md5': image.checksum! };
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers['range'] ?? ''));
    if (!range) return { status: 200, headers, body: data.stream(), length: data.size };
    const from = Number(range[1]);
    const end = range[2] === '' ? data.size : Math.min(Number(range[2]) + 1, data.size);
    if (from >= end) throw new Refusal({ status: 416, headers: { 'content-range': `bytes */${data.size}` } });
    headers['content-range'] = `bytes ${from}-${end - 1}/${data.size}`;
    return { status: 206, headers, body: data.stream(from, end), length: end - from };
  }

  const versions = (): object => ({
    versions: [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((minor, at) => ({ id: `v2.${minor}`, status: at === 0 ? 'CURRENT' : 'SUPPORTED', links: [{ rel: 'self', href: `${world.roots.image}/v2/` }] })),
  });

  return {
    enter(request) {
      if (request.path === '/' || request.path === '/versions') return;
      if (accepted(world, request.headers['x-auth-token'] as string | undefined)) return;
      const reply = htmlError(401, 'Unauthorized', 'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.');
      throw new Refusal({ ...reply, headers: { ...reply.headers, 'www-authenticate': `Keystone uri="${world.authUrl}"` } });
    },
    notFound: htmlNotFound,
    badJson: () => htmlError(400, 'Bad Request', 'Malformed JSON in request body.'),
    routes: [
      route('GET /', () => ({ status: 300, body: versions() })),
      route('GET /versions', () => ({ status: 200, body: versions() })),
      route('GET /v2/images', (request) => listImages(world, request, visible)),
      route('POST /v2/images', create),
      route('GET /v2/images/:id', (request) => ({ status: 200, body: showImage(find(request)) })),
      route('PATCH /v2/images/:id', patch),
      route('DELETE /v2/images/:id', (request) => {
        const image = own(request);
        if (image.protected) throw refuse(403, `Image ${image.id} is protected and cannot be deleted.`);
        image.status = 'deleted';
        world.images.delete(image.id);
        return { status: 204 };
      }),
      route('GET /v2/images/:id/file', download),
      route('PUT /v2/images/:id/file', (request) => upload(request, false)),
      route('PUT /v2/images/:id/stage', (request) => upload(request, true)),
      route('POST /v2/images/:id/import', importImage),
      route('GET /v2/images/:id/members', (request) => {
        const image = find(request);
        if (image.visibility !== 'shared') throw refuse(403, `Not allowed to list members for image ${image.id}: Only shared images have members.`);
        return { status: 200, body: { members: [], schema: '/v2/schemas/members' } };
      }),
      route('PUT /v2/images/:id/tags/:tag', (request) => {
        const image = own(request);
        if (!image.tags.includes(request.params['tag']!)) image.tags.push(request.params['tag']!);
        return { status: 204 };
      }),
      route('DELETE /v2/images/:id/tags/:tag', (request) => {
        const image = own(request);
        const at = image.tags.indexOf(request.params['tag']!);
        if (at === -1) return htmlNotFound();
        image.tags.splice(at, 1);
        return { status: 204 };
      }),
      route('GET /v2/info/import', () => ({ status: 200, body: { 'import-methods': { description: 'Import methods available.', type: 'array', value: METHODS } } })),
      route('GET /v2/info/stores', () => ({ status: 200, body: { stores: [{ id: 'file', default: 'true' }] } })),
      route('GET /v2/info/usage', () => ({ status: 200, body: { usage: {} } })),
    ],
  };
}
