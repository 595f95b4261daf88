import type { EventEmitter } from 'node:events';
import { isError } from '../errors.ts';
import { type Body, incoming } from './body.ts';
import { noAnswer, refusal } from './bucket.ts';
import type { Place } from './place.ts';
import type { Room } from './store.ts';

/** What is used of pkgcloud's clients, which come without types. */
export interface Client {
  /** Run on each request's options before it is sent. */
  before: ((request: Record<string, any>) => void)[];
  _request(call: Call & { download: true }): EventEmitter & { abort(): void };
  [member: string]: any;
}

export interface Call {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  container?: string;
  path?: string;
  /** The whole address, where it is not the one that the client would make. */
  uri?: string;
  headers?: Record<string, string | number>;
  qs?: Record<string, string | number>;
  body?: Uint8Array[];
}

export interface Reply {
  status: number;
  headers: Record<string, string | undefined>;
  body: Buffer;
}

/** A client of pkgcloud's for one provider's object storage; loaded when it is needed, as it takes a quarter of a second. */
export async function createClient(options: { provider: 'openstack' | 'amazon' | 'azure' | 'google'; [option: string]: unknown }): Promise<Client> {
  // @ts-expect-error it comes without types
  const { default: pkgcloud } = await import('pkgcloud');
  return pkgcloud.storage.createClient(options);
}

/**
 * Makes the requests of an OpenStack or Azure client fit for a vault's files: bodies are bytes, and connections are kept.
 * @returns ends the connections
 */
export function prepare(client: Client, tls: { ca?: string | string[]; cert?: string; key?: string; rejectUnauthorized?: boolean } = {}): () => void {
  // Agents by protocol and certificates.
  const pool: Record<string, any> = { maxSockets: 32 };
  client.before.push((request) => {
    const { rejectUnauthorized = true, ...certificates } = tls;
    Object.assign(request, { json: false, encoding: null, gzip: false, followRedirect: false, forever: true, pool, timeout: 120_000, strictSSL: rejectUnauthorized, ...certificates });
  });
  return () => {
    for (const agent of Object.values(pool)) agent.destroy?.();
  };
}

/**
 * The answer to a call through pkgcloud's own request machinery, which signs it. Its operations on files would not do: they know no
 * ranges, take some refusals for success, ask twice after each upload, and half a body for a whole one. `room` is memory for the body.
 * @throws what a refusal or silence means, see bucket.ts
 */
export function ask(client: Client, place: Place, doing: string, call: Call, room?: Room): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let [status, headers, body]: [number, Reply['headers'], Body] = [0, {}, incoming(place, doing)];
    // As a stream: given a callback, pkgcloud keeps a body twice, in parts and whole, and both are the collector's to find.
    const answer = client._request({ ...call, download: true });
    answer.on('error', (error: Error) => reject(isError(error) ? error : noAnswer(place, doing, error)));
    answer.on('response', (response: { statusCode: number; headers: Reply['headers'] }) => {
      ({ statusCode: status, headers } = response);
      if (call.method !== 'HEAD' && status < 300 && status !== 204) body = incoming(place, doing, headers['content-length'], room);
    });
    answer.on('data', (part: Buffer) => {
      try {
        body.take(part);
      } catch (error) {
        reject(error);
        answer.abort();
      }
    });
    answer.on('end', () => {
      try {
        if (status === 0) throw noAnswer(place, doing, new Error('no answer'));
        if (status < 200 || status > 299) throw refusal(place, doing, status, reasonIn(body.bytes().toString()) || headers['x-ms-error-code'] || '');
        resolve({ status, headers, body: body.bytes() });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** `<Code>BlobNotFound</Code>` or `<h1>Not Found</h1><p>...</p>`, or a short plain text. */
function reasonIn(text: string): string {
  const found = /<Code>([^<]*)<\/Code>/i.exec(text)?.[1] ?? /<h1>([^<]*)<\/h1>/i.exec(text)?.[1] ?? (text.includes('<') ? '' : text);
  return found.split('\n')[0]!.trim().slice(0, 100);
}
