import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Stored {
  data: Buffer;
  updated: Date;
}

/** The part of Google's JSON API for object storage that a vault needs, by https://cloud.google.com/storage/docs/json_api/v1 */
export async function startGoogle(pageSize = 1000): Promise<{ address: string; buckets: Map<string, Map<string, Stored>>; close(): Promise<void> }> {
  const buckets = new Map<string, Map<string, Stored>>();
  const refuse = (code: number, reason: string) => Object.assign(new Error(reason), { code });
  const described = (name: string, { data, updated }: Stored) => ({ kind: 'storage#object', name, size: String(data.length), updated: updated.toISOString(), md5Hash: createHash('md5').update(data).digest('base64') });

  async function answer(request: IncomingMessage): Promise<{ status?: number; body: Buffer | object }> {
    const url = new URL(request.url!, 'http://x');
    const [, up, name, key] = /^(\/upload)?\/storage\/v1\/b(?:\/([^/]+)(?:\/o(?:\/(.+))?)?)?$/.exec(url.pathname)?.map((part) => part && decodeURIComponent(part)) ?? [];
    const sent = Buffer.concat(await Array.fromAsync(request));
    if (request.method === 'POST' && name === undefined) {
      const { name: made } = JSON.parse(sent.toString());
      if (buckets.has(made)) throw refuse(409, 'conflict');
      buckets.set(made, new Map());
      return { body: { name: made } };
    }
    const bucket = buckets.get(name ?? '');
    if (!bucket) throw refuse(404, 'notFound');
    if (up) {
      const boundary = /^multipart\/related; boundary=(.+)$/.exec(request.headers['content-type']!)![1]!;
      const [, head, ...rest] = sent.toString('latin1').split(`--${boundary}`);
      const description = JSON.parse(head!.slice(head!.indexOf('\r\n\r\n')));
      const data = Buffer.from(rest[0]!.slice(rest[0]!.indexOf('\r\n\r\n') + 4, -2), 'latin1');
      if (described('', { data, updated: new Date() }).md5Hash !== description.md5Hash) throw refuse(400, 'Provided MD5 hash does not match calculated MD5 hash.');
      bucket.set(description.name, { data, updated: new Date() });
      return { body: described(description.name, bucket.get(description.name)!) };
    }
    if (key === undefined) {
      if (!url.pathname.endsWith('/o')) return { body: { name } };
      const after = url.searchParams.get('pageToken') ?? '';
      const names = [...bucket.keys()].filter((one) => one.startsWith(url.searchParams.get('prefix') ?? '') && one > after).sort();
      const page = names.slice(0, pageSize);
      return { body: { ...(page.length > 0 && { items: page.map((one) => described(one, bucket.get(one)!)) }), ...(names.length > pageSize && { nextPageToken: page.at(-1) }) } };
    }
    const found = bucket.get(key);
    if (!found) throw refuse(404, 'notFound');
    if (request.method === 'DELETE') {
      bucket.delete(key);
      return { status: 204, body: Buffer.alloc(0) };
    }
    if (url.searchParams.get('alt') !== 'media') return { body: described(key, found) };
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers['range'] ?? '');
    if (!range) return { body: found.data };
    if (Number(range[1]) >= found.data.length) throw refuse(416, 'requestedRangeNotSatisfiable');
    return { status: 206, body: found.data.subarray(Number(range[1]), Number(range[2]) + 1) };
  }

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status = 200, body }) => {
        const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
        response.writeHead(status, status === 204 ? {} : { 'content-length': bytes.length }).end(bytes);
      },
      ({ code = 500, message }) => response.writeHead(code).end(JSON.stringify({ error: { code, message, errors: [{ reason: message }] } })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    buckets,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
