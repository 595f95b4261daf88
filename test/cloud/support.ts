import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse, seen: Seen[]) => unknown;

/** A server on loopback that keeps what it was asked; it ends with the test. A handler's result is sent as JSON. */
export async function serve(handler: Handler, options: { stream?: boolean } = {}): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    if (!options.stream) for await (const chunk of request) text += chunk;
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body: text });
    const result = await handler(Object.assign(request, { text }), response, seen);
    if (result !== undefined && !response.writableEnded && !response.headersSent) json(response, 200, result);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): undefined {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  return undefined;
}

export interface FakeOptions {
  /** Seconds that tokens last. */
  life?: number;
  /** Replaces the catalog; `{url}` stands for the server's address. */
  catalog?: { type: string; endpoints: { interface: string; region_id?: string; url: string }[] }[];
  /** What the services answer; the default answers version documents. */
  service?: Handler;
  stream?: boolean;
}

const versioned = (id: string, path: string, more: object = {}) => ({ versions: [{ id, status: 'CURRENT', links: [{ rel: 'self', href: `http://internal.invalid:1234/somewhere/${path}/` }], ...more }] });
const documents: Record<string, object> = {
  '/compute/v2.1/': { version: { id: 'v2.1', version: '2.93', min_version: '2.1', links: [] } },
  '/compute/': versioned('v2.1', 'v2.1', { version: '2.93', min_version: '2.1' }),
  '/volume/': versioned('v3.0', 'v3', { version: '3.70', min_version: '3.0' }),
  '/network/': versioned('v2.0', 'v2.0'),
  '/image/': versioned('v2.15', 'v2'),
};

/** A cloud on loopback: Keystone at `/identity/v3`, the services beside it. Tokens are `token-1`, `token-2`, ... */
export async function fakeCloud(options: FakeOptions = {}) {
  const tokens: { id: string; ends: number }[] = [];
  const logins: any[] = [];
  const cloud = {
    url: '',
    seen: [] as Seen[],
    logins,
    /** Makes all tokens given so far worthless. */
    revoke: () => tokens.forEach((token) => (token.ends = 0)),
    valid: (id: unknown) => tokens.some((token) => token.id === id && token.ends > Date.now()),
    env: {} as Record<string, string>,
  };
  const region = (type: string, path: string) => ({ type, endpoints: [{ interface: 'public', region_id: 'one', url: `{url}${path}` }] });
  const catalog = options.catalog ?? [region('identity', '/identity'), region('compute', '/compute/v2.1'), region('network', '/network'), region('volumev3', '/volume/v3/p1'), region('image', '/image'), region('object-store', '/swift/v1/AUTH_p1')];
  const server = await serve(
    async (request, response, seen) => {
      if (request.url === '/identity/v3/auth/tokens' && request.method === 'POST') {
        const { auth } = JSON.parse(request.text || (await textOf(request)));
        logins.push(auth);
        if (auth.identity.password?.user.password === 'wrong') return json(response, 401, { error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' } });
        const token = { id: `token-${tokens.length + 1}`, ends: Date.now() + (options.life ?? 3600) * 1000 };
        tokens.push(token);
        return json(response, 201, tokenBody(token.ends), { 'x-subject-token': token.id });
      }
      if (request.url === '/identity/v3/auth/tokens' && request.method === 'GET') {
        const token = tokens.find((each) => each.id === request.headers['x-subject-token']);
        return token ? json(response, 200, tokenBody(token.ends), { 'x-subject-token': token.id }) : json(response, 404, { error: { message: 'Could not find token.' } });
      }
      if (options.service) {
        const result = await options.service(request, response, seen);
        if (result !== undefined || response.headersSent) return result;
      }
      const document = documents[request.url!];
      if (document) return json(response, 300, document);
      if (!cloud.valid(request.headers['x-auth-token'])) return json(response, 401, { error: { message: 'Authentication required' } });
      return json(response, 404, { itemNotFound: { message: 'nothing here', code: 404 } });
    },
    { ...(options.stream && { stream: true }) },
  );
  const tokenBody = (ends: number) => ({
    token: {
      issued_at: new Date(ends - (options.life ?? 3600) * 1000).toISOString(),
      expires_at: new Date(ends).toISOString(),
      project: { id: 'p1', name: 'miop', domain: { id: 'default' } },
      user: { id: 'u1', name: 'loic' },
      catalog: JSON.parse(JSON.stringify(catalog).replaceAll('{url}', cloud.url)),
    },
  });
  cloud.url = server.url;
  cloud.seen = server.seen;
  cloud.env = { OS_AUTH_URL: `${server.url}/identity/v3`, OS_USERNAME: 'loic', OS_PASSWORD: 'secret', OS_PROJECT_NAME: 'miop', HOME: '/nonexistent' };
  return cloud;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** Fast retries, for tests. */
export const quick = { base: 2, most: 5 };

/** The error that the work ends in; fails where there is none, or one that is not ours. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<BaluchonError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof BaluchonError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}
