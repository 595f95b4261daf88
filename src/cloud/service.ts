import { BaluchonError } from '../errors.ts';
import type { Answer, RequestOptions, Service, ServiceType } from './cloud.ts';
import type { Root } from './discovery.ts';
import { faultOf, type Reply } from './faults.ts';
import type { Call, Http, OpenReply } from './http.ts';
import { compareVersions, microversionHeaders } from './microversion.ts';
import { pages } from './paging.ts';
import type { Session } from './session.ts';
import { download, upload } from './transfer.ts';

/** One way to call a service: with token, microversion and query; a 401 is answered once by a new token. */
export type Send = (method: Call['method'], path: string, options?: RequestOptions & { body?: Call['body']; open?: boolean; tokenLife?: number; headersTimeout?: number }) => Promise<Reply | OpenReply>;

export function createService(type: ServiceType, root: Root, session: Session, http: Http): Service {
  const send: Send = async (method, path, { query, headers, microversion = root.microversion, signal, repeatable, body, open, tokenLife, headersTimeout } = {}) => {
    const url = new URL(root.url + path);
    for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const streamed = body !== undefined && typeof body !== 'string';
    let token = await session.token(tokenLife);
    for (let tries = 1; ; tries += 1) {
      const call: Call = {
        method,
        url,
        headers: { accept: 'application/json', ...microversionHeaders(type, microversion), ...lower(headers), 'x-auth-token': token },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
        ...(repeatable !== undefined && { repeatable }),
        ...(headersTimeout && { headersTimeout }),
      };
      const reply = open ? await http.open(call) : await http.send(call);
      if (reply.status === 401 && tries === 1 && !streamed) {
        token = await session.renewed(token);
        continue;
      }
      if (reply.status >= 200 && reply.status < 300) return reply;
      throw faultOf(type, method, path, reply as Reply);
    }
  };

  function parse(reply: Reply, method: string, path: string): any {
    if (reply.text.trim() === '') return undefined;
    try {
      return JSON.parse(reply.text);
    } catch {
      // Some answers to a change are words for people; an answer to a question has to be JSON.
      if (method !== 'GET') return undefined;
      throw new BaluchonError('cloud', `${type}: the answer is not JSON (${method} ${path}: ${reply.status})`, { status: reply.status, hint: 'is there a proxy or a login page between here and the cloud?' });
    }
  }

  async function json(method: Call['method'], path: string, body: unknown, options: RequestOptions = {}): Promise<Answer<any>> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...(sent !== undefined && { 'content-type': 'application/json' }), ...lower(options.headers) };
    const reply = (await send(method, path, { ...options, headers, ...(sent !== undefined && { body: sent }) })) as Reply;
    return { status: reply.status, headers: reply.headers, body: parse(reply, method, path) };
  }

  return {
    type,
    url: root.url,
    microversion: root.microversion,
    at: (microversion) => root.microversion !== undefined && compareVersions(root.microversion, microversion) >= 0,
    get: async (path, options) => (await json('GET', path, undefined, options)).body,
    list: (path, key, options) => pages(type, path, key, options ?? {}, async (query) => (await json('GET', path, undefined, { ...options, query })).body),
    post: (path, body, options) => json('POST', path, body, options),
    put: (path, body, options) => json('PUT', path, body, options),
    patch: (path, body, options) => json('PATCH', path, body, options),
    delete: async (path, options) => {
      await send('DELETE', path, options);
    },
    download: (path, options) => download(type, send, path, options),
    upload: (path, body, size, options) => upload(send, path, body, size, options),
  };
}

function lower(headers: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
