import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { stamp } from './clock.ts';
import { Bytes } from './disk/bytes.ts';
import { isQcow2, readQcow2, virtualSize } from './disk/qcow2.ts';
import { htmlError, htmlNotFound, Refusal, route, type Api, type Body, type Reply, type Request } from './http.ts';
import { accepted } from './keystone.ts';
import { python } from './versions.ts';
import { newest, type Image, type World } from './world.ts';

const TITLES: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 413: 'Request Entity Too Large', 415: 'Unsupported Media Type' };
const refuse = (status: number, text: string, detail = ''): Refusal => new Refusal(htmlError(status, TITLES[status]!, text, detail));

const DISK_FORMATS = [null, 'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const CONTAINER_FORMATS = [null, 'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
const SETTABLE: Record<string, (value: unknown) => string | undefined> = {
  id: (value) => (typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? undefined : `${python(value)} does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'`),
  name: orNull('string'),
  visibility: oneOf(['community', 'public', 'private', 'shared']),
  protected: ofType('boolean'),
  os_hidden: ofType('boolean'),
  owner: orNull('string'),
  container_format: oneOf(CONTAINER_FORMATS),
  disk_format: oneOf(DISK_FORMATS),
  min_ram: ofType('number', 'integer'),
  min_disk: ofType('number', 'integer'),
  tags: (value) => (Array.isArray(value) && value.every((tag) => typeof tag === 'string') ? undefined : `${python(value)} is not of type 'array'`),
};
const READ_ONLY = ['status', 'checksum', 'os_hash_algo', 'os_hash_value', 'size', 'virtual_size', 'created_at', 'updated_at', 'self', 'file', 'schema', 'direct_url', 'locations', 'stores'];
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

function listImages(world: World, request: Request, visible: (image: Image) => boolean): Reply {
  const { query } = request;
  let all = newest(world.images).filter((image) => visible(image) && (image.visibility !== 'community' || image.owner === world.projectId || query.get('visibility') === 'community'));
  for (const [key, value] of query) {
    if (['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'member_status'].includes(key)) continue;
    if (key === 'tag') all = all.filter((image) => image.tags.includes(value));
    else if (key === 'visibility' && value === 'all') continue;
    else {
      const wanted = value.startsWith('in:') ? value.slice(3).split(',') : [value];
      all = all.filter((image) => wanted.includes(String((showImage(image) as Record<string, unknown>)[key])));
    }
  }
  const cap = world.settings.pageCap ?? 1000;
  // Glance's own default page is 25.
  const limit = Math.min(Number(query.get('limit') ?? Math.min(25, cap)), cap);
  const marker = query.get('marker');
  let from = 0;
  if (marker !== null) {
    from = all.findIndex((image) => image.id === marker) + 1;
    if (from === 0) throw refuse(400, `No image found with ID ${marker}`);
  }
  const images = all.slice(from, from + limit);
  const link = (set: (query: URLSearchParams) => void): string => {
    const copy = new URLSearchParams(query);
    set(copy);
    return copy.size > 0 ? `/v2/images?${copy}` : '/v2/images';
  };
  const more = images.length > 0 && images.length === limit;
  return {
    status: 200,
    body: { images: images.map(showImage), first: link((copy) => copy.delete('marker')), schema: '/v2/schemas/images', ...(more ? { next: link((copy) => copy.set('marker', images.at(-1)!.id)) } : {}) },
  };
}

export function newImage(world: World, given: Partial<Image>, properties: Record<string, string> = {}): Image {
  const now = stamp();
  world.counter += 1;
  const image: Image = {
    id: randomUUID(),
    name: null,
    disk_format: null,
    container_format: null,
    visibility: 'shared',
    protected: false,
    min_ram: 0,
    min_disk: 0,
    os_hidden: false,
    owner: world.projectId,
    status: 'queued',
    tags: [],
    created_at: now,
    updated_at: now,
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_value: null,
    properties,
    data: undefined,
    order: world.counter,
    ...given,
  };
  world.images.set(image.id, image);
  return image;
}

/** Takes the content for good: sizes, digests, `active`. */
export async function store(image: Image, data: Bytes): Promise<void> {
  const md5 = createHash('md5');
  const sha512 = createHash('sha512');
  let count = 0;
  for (const piece of data.stream()) {
    md5.update(piece);
    sha512.update(piece);
    count += 1;
    if (count % 64 === 0) await setImmediate();
  }
  if (image.status === 'deleted') return;
  image.data = data;
  image.size = data.size;
  image.checksum = md5.digest('hex');
  image.os_hash_value = sha512.digest('hex');
  image.virtual_size = image.disk_format === 'raw' ? data.size : image.disk_format === 'qcow2' && isQcow2(data) ? virtualSize(data) : null;
  image.status = 'active';
  image.updated_at = stamp();
}

/** The disk that the image's content is, as Nova and Cinder convert it. */
export function diskOf(image: Image): Bytes {
  const data = image.data ?? new Bytes(0);
  return image.disk_format === 'qcow2' ? readQcow2(data) : data.copy();
}

function checkContent(world: World, image: Image, data: Bytes): void {
  if (!world.settings.policy.requireImageFormatMatch || image.container_format !== 'bare') return;
  const qcow2 = isQcow2(data);
  const is = qcow2 ? 'qcow2' : 'raw';
  if ((image.disk_format === 'qcow2' && !qcow2) || (image.disk_format === 'raw' && qcow2)) {
    throw refuse(415, `The Image object ${image.id} cannot be stored: Image content does not match disk_format: declared ${image.disk_format}, found ${is}`);
  }
}

export function showImage(image: Image): object {
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtual_size,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: image.os_hash_value === null ? null : 'sha512',
    os_hash_value: image.os_hash_value,
    id: image.id,
    created_at: image.created_at,
    updated_at: image.updated_at,
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
    ...(image.status === 'active' ? { stores: 'file' } : {}),
  };
}

function checkAttributes(world: World, body: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(body)) {
    if (READ_ONLY.includes(key)) throw refuse(403, `Attribute '${key}' is read-only.`);
    if (key.startsWith('os_glance')) throw refuse(403, 'Access was denied to this resource.', `Attribute '${key}' is reserved.`);
    const problem = key in SETTABLE ? SETTABLE[key]!(value) : typeof value === 'string' ? undefined : `${python(value)} is not of type 'string'`;
    if (problem) throw refuse(400, `Provided object does not match schema 'image': ${problem}\n\nFailed validating in schema[${key in SETTABLE ? `'properties'][${python(key)}` : "'additionalProperties'"}]`);
  }
  if (body['visibility'] === 'public') throw refuse(403, 'You are not authorized to complete publicize_image action.');
  if (body['owner'] !== undefined && body['owner'] !== world.projectId) throw refuse(403, `You are not permitted to create images owned by '${body['owner'] as string}'.`);
}

function pick(body: Record<string, unknown>): Partial<Image> {
  return Object.fromEntries(Object.entries(body).filter(([key]) => key in SETTABLE));
}

function propertiesOf(body: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !(key in SETTABLE))) as Record<string, string>;
}

function oneOf(values: unknown[]): (value: unknown) => string | undefined {
  return (value) => (values.includes(value) ? undefined : `${python(value)} is not one of ${python(values)}`);
}

function ofType(type: string, name = type): (value: unknown) => string | undefined {
  return (value) => (typeof value === type ? undefined : `${python(value)} is not of type '${name}'`);
}

function orNull(type: string): (value: unknown) => string | undefined {
  return (value) => (value === null || typeof value === type ? undefined : `${python(value)} is not of type 'null', '${type}'`);
}
