import { createHash } from 'node:crypto';
import { htmlNotFound, Refusal, route, type Api, type Handler, type Reply, type Request, type Route } from './http.ts';
import { accepted } from './keystone.ts';
import type { Container, StoredObject, World } from './world.ts';

const html = (status: number, title: string, text: string): Refusal => new Refusal({ status, body: `<html><h1>${title}</h1><p>${text}</p></html>` });
const notFound = (): Refusal => html(404, 'Not Found', 'The resource could not be found.');

/** Enough of Swift to keep and list objects: containers, objects, ranges, metadata. */
export function swift(world: World): Api {
  const mine = (method: string, path: string, handle: Handler): Route =>
    route(`${method} /v1/:account${path}`, (request) => {
      if (request.params['account'] !== `AUTH_${world.projectId}`) throw html(403, 'Forbidden', 'Access was denied to this resource.');
      return handle(request);
    });
  const container = (request: Request): Container => {
    const found = world.containers.get(request.params['container']!);
    if (!found) throw notFound();
    return found;
  };
  const object = (request: Request): StoredObject => {
    const found = container(request).objects.get(request.params['name*']!);
    if (!found) throw notFound();
    return found;
  };
  const text = { 'content-type': 'text/html; charset=UTF-8' };
  const bytes = (one: Container): number => [...one.objects.values()].reduce((sum, { data }) => sum + data.length, 0);

  const containerHeaders = (one: Container): Record<string, string> => ({
    'x-container-object-count': String(one.objects.size),
    'x-container-bytes-used': String(bytes(one)),
    'x-storage-policy': 'default',
    'accept-ranges': 'bytes',
    ...Object.fromEntries(Object.entries(one.metadata).map(([key, value]) => [`x-container-meta-${key}`, value])),
  });
  const objectHeaders = (one: StoredObject): Record<string, string> => ({
    'content-type': one.content_type,
    etag: one.etag,
    'last-modified': one.modified.toUTCString(),
    'accept-ranges': 'bytes',
    ...Object.fromEntries(Object.entries(one.metadata).map(([key, value]) => [`x-object-meta-${key}`, value])),
  });

  async function put(request: Request): Promise<Reply> {
    const parts: Buffer[] = [];
    for await (const part of request.stream) parts.push(part as Buffer);
    const data = Buffer.concat(parts);
    const etag = createHash('md5').update(data).digest('hex');
    const claimed = request.headers['etag'];
    if (claimed !== undefined && claimed !== etag) throw html(422, 'Unprocessable Entity', 'Unable to process the contained instructions');
    container(request).objects.set(request.params['name*']!, { data, etag, content_type: request.headers['content-type'] ?? 'application/octet-stream', modified: new Date(), metadata: metadataOf(request, 'x-object-meta-') });
    return { status: 201, headers: { ...text, etag } };
  }

  function get(request: Request): Reply {
    const one = object(request);
    const headers = objectHeaders(one);
    const range = /^bytes=(\d*)-(\d*)$/.exec(String(request.headers['range'] ?? ''));
    if (!range || (range[1] === '' && range[2] === '')) return { status: 200, headers, body: [one.data], length: one.data.length };
    const from = range[1] === '' ? Math.max(0, one.data.length - Number(range[2])) : Number(range[1]);
    const end = range[1] === '' || range[2] === '' ? one.data.length : Math.min(Number(range[2]) + 1, one.data.length);
    if (from >= end) throw new Refusal({ status: 416, headers: { 'content-range': `bytes */${one.data.length}` } });
    return { status: 206, headers: { ...headers, 'content-range': `bytes ${from}-${end - 1}/${one.data.length}` }, body: [one.data.subarray(from, end)], length: end - from };
  }

  return {
    enter(request) {
      if (accepted(world, request.headers['x-auth-token'] as string | undefined)) return;
      const refusal = html(401, 'Unauthorized', 'This server could not verify that you are authorized to access the document you requested.');
      throw new Refusal({ ...refusal.reply, headers: { 'www-authenticate': `Swift realm="AUTH_${world.projectId}", Keystone uri="${world.authUrl}"` } });
    },
    notFound: htmlNotFound,
    badJson: htmlNotFound,
    routes: [
      mine('GET', '', (request) => {
        const all = [...world.containers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
        const headers = { 'x-account-container-count': String(all.length), 'accept-ranges': 'bytes' };
        return listing(request, all.map((one) => ({ name: one.name, count: one.objects.size, bytes: bytes(one), last_modified: isoMicros(one.created) })), headers);
      }),
      mine('PUT', '/:container', (request) => {
        const name = request.params['container']!;
        const there = world.containers.get(name);
        if (!there) world.containers.set(name, { name, metadata: metadataOf(request, 'x-container-meta-'), objects: new Map(), created: new Date() });
        return { status: there ? 202 : 201, headers: text };
      }),
      mine('POST', '/:container', (request) => {
        Object.assign(container(request).metadata, metadataOf(request, 'x-container-meta-'));
        return { status: 204 };
      }),
      mine('GET', '/:container', (request) => {
        const one = container(request);
        const prefix = request.query.get('prefix') ?? '';
        const objects = [...one.objects].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        return listing(request, objects.map(([name, { data, etag, content_type, modified }]) => ({ bytes: data.length, hash: etag, name, content_type, last_modified: isoMicros(modified) })), containerHeaders(one));
      }),
      mine('DELETE', '/:container', (request) => {
        if (container(request).objects.size > 0) throw html(409, 'Conflict', 'There was a conflict when trying to complete your request.');
        world.containers.delete(request.params['container']!);
        return { status: 204 };
      }),
      mine('PUT', '/:container/:name*', put),
      mine('GET', '/:container/:name*', get),
      mine('POST', '/:container/:name*', (request) => {
        object(request).metadata = metadataOf(request, 'x-object-meta-');
        return { status: 202, headers: text };
      }),
      mine('DELETE', '/:container/:name*', (request) => {
        object(request);
        container(request).objects.delete(request.params['name*']!);
        return { status: 204 };
      }),
    ],
  };
}

function listing(request: Request, all: { name: string }[], headers: Record<string, string>): Reply {
  const marker = request.query.get('marker') ?? '';
  const limit = Math.min(Number(request.query.get('limit') ?? 10_000), 10_000);
  const items = all.filter(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(marker)) > 0 || marker === '').slice(0, limit);
  const json = request.query.get('format') === 'json' || String(request.headers['accept']).includes('application/json');
  if (json) return { status: 200, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(items) };
  if (items.length === 0) return { status: 204, headers };
  return { status: 200, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body: `${items.map(({ name }) => name).join('\n')}\n` };
}

function metadataOf(request: Request, prefix: string): Record<string, string> {
  return Object.fromEntries(Object.entries(request.headers).filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), String(value)]));
}

function isoMicros(date: Date): string {
  return date.toISOString().replace('Z', '000');
}
