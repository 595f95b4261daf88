import { noAnswer, refusal } from './bucket.ts';
import type { Place } from './place.ts';

/** What is used of pkgcloud's clients, which come without types. */
export interface Client {
  /** Run on each request's options before it is sent. */
  before: ((request: Record<string, any>) => void)[];
  _request(call: Call, answered: (error: any, body: unknown, response: any) => void): unknown;
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
 * ranges, take some refusals for success, ask twice after each upload, and half a body for a whole one.
 * @throws what a refusal or silence means, see bucket.ts
 */
export function ask(client: Client, place: Place, doing: string, call: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    client._request(call, (error, body, response) => {
      const { statusCode: status = 0, headers = {} } = response ?? error ?? {};
      const bytes = Buffer.isBuffer(body) ? body : Buffer.isBuffer(error?.result) ? error.result : Buffer.alloc(0);
      if (error && status === 0) return reject(error.name === 'BaluchonError' ? error : noAnswer(place, doing, error));
      if (status < 200 || status > 299) return reject(refusal(place, doing, status, reasonIn(bytes.toString()) || headers['x-ms-error-code'] || '', error));
      const length = headers['content-length'];
      if (call.method !== 'HEAD' && status !== 204 && length !== undefined && Number(length) !== bytes.length) return reject(noAnswer(place, doing, new Error(`cut off after ${bytes.length} of ${length} bytes`)));
      resolve({ status, headers, body: bytes });
    });
  });
}

/** `<Code>BlobNotFound</Code>` or `<h1>Not Found</h1><p>...</p>`, or a short plain text. */
function reasonIn(text: string): string {
  const found = /<Code>([^<]*)<\/Code>/i.exec(text)?.[1] ?? /<h1>([^<]*)<\/h1>/i.exec(text)?.[1] ?? (text.includes('<') ? '' : text);
  return found.split('\n')[0]!.trim().slice(0, 100);
}
