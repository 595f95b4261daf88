import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Faults } from './faults.ts';

export type ServiceName = 'identity' | 'compute' | 'volume' | 'image' | 'network' | 'object-store';

export const SERVICES: readonly ServiceName[] = ['identity', 'compute', 'volume', 'image', 'network', 'object-store'];

// Bodies come from outside and are looked at attribute by attribute, so they have no type.
export type Body = any;

export interface Request {
  service: ServiceName;
  method: string;
  /** Below the service's root: `/v2.0/networks`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  params: Record<string, string>;
  stream: IncomingMessage;
  /** The body, parsed; throws the service's own 400 when it is no JSON. */
  json(): Promise<Body>;
  /** The service's address, without a slash at its end. */
  root: string;
  /** Set once the token is accepted. */
  token?: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: object | string | Iterable<Uint8Array>;
  /** Of an iterable body. */
  length?: number;
}

/** Thrown by handlers to end a request with an error of the service's. */
export class Refusal extends Error {
  readonly reply: Reply;
  constructor(reply: Reply) {
    super(`refused: ${reply.status}`);
    this.reply = reply;
  }
}

export type Handler = (request: Request) => Reply | Promise<Reply>;

export interface Route {
  method: string;
  parts: string[];
  handle: Handler;
}

/** `route('GET /v2.0/networks/:id', handler)`. */
export function route(pattern: string, handle: Handler): Route {
  const [method, path] = pattern.split(' ') as [string, string];
  return { method, parts: path.replace(/\/$/, '').split('/').slice(1), handle };
}

export interface Api {
  routes: Route[];
  /** Runs before the route's handler: tokens, microversions. */
  enter?(request: Request): void;
  notFound(request: Request): Reply;
  badJson(): Reply;
  /** Headers for every answer. */
  headers?(request: Request): Record<string, string>;
}

export interface Listening {
  roots: Record<ServiceName, string>;
  close(): Promise<void>;
}

export async function listen(apis: (roots: Record<ServiceName, string>) => Record<ServiceName, Api>, layout: 'ports' | 'paths', faults: Faults): Promise<Listening> {
  const servers: Server[] = [];
  const roots = {} as Record<ServiceName, string>;
  let table: Record<ServiceName, Api> | undefined;
  const open = async (serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
    const server = createServer(serve);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  if (layout === 'ports') {
    for (const service of SERVICES) roots[service] = await open((message, response) => void answer(service, '', message, response));
  } else {
    const root = await open((message, response) => {
      const service = SERVICES.find((name) => message.url!.split('/')[1] === name);
      if (service) void answer(service, `/${service}`, message, response);
      else response.writeHead(404).end();
    });
    for (const service of SERVICES) roots[service] = `${root}/${service}`;
  }
  table = apis(roots);

  async function answer(service: ServiceName, prefix: string, stream: IncomingMessage, response: ServerResponse): Promise<void> {
    const api = table![service];
    const url = new URL(stream.url!.slice(prefix.length) || '/', 'http://x');
    const request: Request = {
      service,
      method: stream.method!,
      path: url.pathname,
      query: url.searchParams,
      headers: stream.headers,
      params: {},
      stream,
      root: roots[service],
      json: async () => parse(await readAll(stream), api),
    };
    stream.on('error', () => {});
    response.on('error', () => {});
    let reply: Reply;
    const fault = faults.take(`${service} ${request.method} ${request.path}`);
    try {
      if (fault && fault.drop === undefined) reply = fault.reply();
      else if (fault?.drop === 'before') return void stream.socket.destroy();
      else {
        reply = await dispatch(api, request);
        if (fault?.drop === 'answer') return void stream.socket.destroy();
      }
    } catch (error) {
      if (error instanceof Refusal) reply = error.reply;
      else if (stream.destroyed && !stream.complete) return;
      else reply = { status: 500, body: `sandbox: ${(error as Error).stack}` };
    }
    await send(request, api, reply, response, fault?.drop === 'body' ? fault.after : undefined);
  }

  return {
    roots,
    async close() {
      await Promise.all(
        servers.map((server) => {
          const closed = once(server, 'close');
          server.close();
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

async function dispatch(api: Api, request: Request): Promise<Reply> {
  const parts = request.path.replace(/\/$/, '').split('/').slice(1);
  const here = api.routes.filter((candidate) => matches(candidate.parts, parts));
  const found = here.find((candidate) => candidate.method === request.method) ?? (request.method === 'HEAD' ? here.find((candidate) => candidate.method === 'GET') : undefined);
  // A service that needs a token asks for it before it says what it does not know.
  api.enter?.(request);
  if (!found) return here.length > 0 ? { status: 405 } : api.notFound(request);
  found.parts.forEach((part, at) => {
    if (part.startsWith(':')) request.params[part.slice(1)] = decodeURIComponent(part.endsWith('*') ? parts.slice(at).join('/') : parts[at]!);
  });
  return found.handle(request);
}

function matches(pattern: string[], parts: string[]): boolean {
  const open = pattern.at(-1)?.endsWith('*') ?? false;
  if (open ? parts.length < pattern.length : parts.length !== pattern.length) return false;
  return pattern.every((part, at) => part.startsWith(':') || part === parts[at]);
}

async function send(request: Request, api: Api, reply: Reply, response: ServerResponse, dropAfter?: number): Promise<void> {
  const { body } = reply;
  const streamed = body !== undefined && typeof body !== 'string' && Symbol.iterator in body;
  const text = body === undefined ? '' : streamed ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const headers: Record<string, string | number> = { ...api.headers?.(request), ...reply.headers };
  if (body !== undefined && !headers['content-type']) headers['content-type'] = typeof body === 'string' ? 'text/html; charset=UTF-8' : 'application/json';
  if (reply.status !== 204) headers['content-length'] ??= text === undefined ? reply.length! : Buffer.byteLength(text);
  // What is left of a body nobody read would be taken for the next request.
  if (!request.stream.complete) {
    headers['connection'] = 'close';
    request.stream.resume();
  }
  response.writeHead(reply.status, headers);
  if (request.method === 'HEAD' || reply.status === 204) return void response.end();
  const pieces = streamed ? (body as Iterable<Uint8Array>) : [Buffer.from(text!)];
  let sent = 0;
  for (const piece of pieces) {
    if (dropAfter !== undefined && sent + piece.length > dropAfter) {
      response.write(piece.subarray(0, dropAfter - sent), () => response.destroy());
      return;
    }
    sent += piece.length;
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

async function readAll(stream: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function parse(text: string, api: Api): Body {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(api.badJson());
  }
}

/** Glance's, Nova's and Cinder's page for what no handler knows (WebOb's). */
export function htmlError(status: number, title: string, text: string, detail = ''): Reply {
  const safe = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/'/g, '&#x27;').replace(/"/g, '&quot;');
  const body = `<html>\n <head>\n  <title>${status} ${title}</title>\n </head>\n <body>\n  <h1>${status} ${title}</h1>\n  ${safe}<br /><br />\n${detail}\n\n\n </body>\n</html>`;
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body };
}

export const htmlNotFound = (): Reply => htmlError(404, 'Not Found', 'The resource could not be found.');
