import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { BaluchonError } from '../errors.ts';
import { type Emit, silent } from '../events.ts';
import type { Tls } from './cloud.ts';
import { hopeless, networkFault, neverSent, type Reply } from './faults.ts';
import { backoff, checkSignal, interrupted, type Patience, patience as usual, retryAfter, sleep } from './retry.ts';

export interface HttpOptions {
  /** Paths of PEM files. */
  cacert?: string;
  cert?: string;
  key?: string;
  /** False accepts any certificate. */
  verify?: boolean;
  /** Where `http_proxy`, `https_proxy` and `no_proxy` are read from. */
  env?: NodeJS.ProcessEnv;
  emit?: Emit;
  patience?: Partial<Patience>;
}

export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string | URL;
  headers?: Record<string, string>;
  body?: string | AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Whether it may be sent again when it may have been acted upon. Default: all but POST and PATCH; never with a streamed body. */
  repeatable?: boolean;
  /** Fewer tries than usual. */
  tries?: number;
  /** Milliseconds until the headers of the answer must be there. Default 3 minutes. */
  headersTimeout?: number;
}

/** An answer whose body is still to be read (or dumped, or destroyed). */
export interface OpenReply {
  status: number;
  headers: Record<string, string>;
  body: Dispatcher.ResponseData['body'];
}

/**
 * The connections of one cloud: pooled, through the environment's proxies, with its certificates.
 *
 * What is tried again: connections that were never made (any call); lost connections, 502, 503 and 504 (repeatable calls
 * only); 413, 429 and 503 with a Retry-After, and 429 without (any call: it was refused, not acted upon). Between tries
 * the wait is drawn at random and doubles. A call with a streamed body is sent once. Redirects of GET and HEAD are followed.
 * Busy 409s are for callers, who know what they wait for.
 */
export interface Http {
  /** The whole answer, whatever its status. Throws `network` where none came, `interrupted`. */
  send(call: Call): Promise<Reply>;
  /** The same, with the body of an answer of 200 or 206 left open. */
  open(call: Call): Promise<OpenReply | Reply>;
  close(): Promise<void>;
}

export function createHttp(options: HttpOptions = {}): Http {
  const emit = options.emit ?? silent;
  const patience = { ...usual, ...options.patience };
  const agent = createAgent(options);

  async function attempt(call: Call, url: URL, signal: AbortSignal | undefined): Promise<OpenReply> {
    const answer = await request(url, {
      dispatcher: agent,
      method: call.method,
      headers: { 'user-agent': 'baluchon', ...call.headers },
      body: (call.body ?? null) as any,
      headersTimeout: call.headersTimeout ?? 180_000,
      bodyTimeout: 120_000,
      ...(signal && { signal }),
    });
    return { status: answer.statusCode, headers: flatten(answer.headers), body: answer.body };
  }

  async function run(call: Call, keepOpen: boolean): Promise<OpenReply | Reply> {
    const { signal } = call;
    const streamed = call.body !== undefined && typeof call.body !== 'string';
    const repeatable = !streamed && (call.repeatable ?? !['POST', 'PATCH'].includes(call.method));
    const most = Math.min(patience.tries, call.tries ?? Infinity);
    let url = new URL(call.url);
    let headers = call.headers;
    let [tries, refusals, redirects] = [0, 0, 0];
    for (;;) {
      checkSignal(signal);
      const started = performance.now();
      let reply: OpenReply | Reply;
      tries += 1;
      try {
        const open = await attempt({ ...call, ...(headers && { headers }) }, url, signal);
        reply = keepOpen && (open.status === 200 || open.status === 206) ? open : { status: open.status, headers: open.headers, text: await open.body.text() };
      } catch (error) {
        if (signal?.aborted) throw interrupted(signal);
        if (error instanceof BaluchonError) throw error;
        const fault = networkFault(url, error);
        emit({ type: 'debug', message: `${call.method} ${url.href}: ${fault.message}` });
        if (tries >= most || hopeless(error) || streamed || !(repeatable || neverSent(error))) throw fault;
        await sleep(backoff(tries, patience), signal);
        continue;
      }
      const { status } = reply;
      const id = reply.headers['x-openstack-request-id'];
      emit({ type: 'debug', message: `${call.method} ${url.href} ${status} in ${Math.round(performance.now() - started)} ms${id ? ` ${id}` : ''}` });

      const location = reply.headers['location'];
      if ([301, 302, 303, 307, 308].includes(status) && location && ['GET', 'HEAD'].includes(call.method) && redirects < 5) {
        const to = new URL(location, url);
        // Another host must not see our token.
        if (to.hostname !== url.hostname || (url.protocol === 'https:' && to.protocol === 'http:')) headers = without(headers, 'x-auth-token', 'authorization');
        [url, redirects, tries] = [to, redirects + 1, 0];
        continue;
      }
      const asked = retryAfter(reply.headers['retry-after']);
      // Cinder says over quota with 413 and a Retry-After of 0, as patience is of no use there.
      const refused = status === 429 || (asked !== undefined && (status === 503 || (status === 413 && asked > 0)));
      if (refused && !streamed) {
        refusals += 1;
        const wait = asked ?? backoff(refusals, patience);
        if (refusals > patience.refusals || wait > patience.retryAfter) {
          if (asked === undefined || status === 413) return reply;
          throw new BaluchonError('cloud', `${url.host} asks for patience once too often: ${Math.ceil(wait / 1000)} s more (${call.method} ${url.pathname}: ${status})`, {
            status,
            hint: 'the provider limits the rate of calls: try again later, or ask for a higher limit',
          });
        }
        // A little on top, so that many of us do not come back at the same instant.
        await sleep(wait + Math.random() * Math.min(patience.base, 1000), signal);
        tries -= 1;
        continue;
      }
      if ([502, 503, 504].includes(status) && repeatable && tries < most) {
        await sleep(backoff(tries, patience), signal);
        continue;
      }
      return reply;
    }
  }

  return {
    send: async (call) => (await run(call, false)) as Reply,
    open: (call) => run(call, true),
    close: async () => {
      await agent.destroy();
    },
  };
}

function createAgent(options: HttpOptions): Dispatcher {
  const env = options.env ?? process.env;
  const tls = tlsOf(options);
  const common = { connections: 32, connect: { ...tls, timeout: 20_000 } };
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'];
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'];
  if (!httpProxy && !httpsProxy) return new Agent(common);
  return new EnvHttpProxyAgent({
    ...common,
    requestTls: tls,
    // Plain HTTP is forwarded: most proxies tunnel to port 443 only.
    proxyTunnel: false,
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
}

export function tlsOf(options: Pick<HttpOptions, 'cacert' | 'cert' | 'key' | 'verify'>): Tls {
  return {
    ca: options.cacert ? pem(options.cacert, 'cacert') : authorities(),
    ...(options.cert && { cert: pem(options.cert, 'cert') }),
    ...((options.key ?? options.cert) && { key: pem((options.key ?? options.cert)!, 'key') }),
    rejectUnauthorized: options.verify !== false,
  };
}

let known: string[] | undefined;
/** Node's own authorities and the system's, where a provider's private one would have been installed. */
function authorities(): string[] {
  return (known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}

function pem(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BaluchonError('usage', `${what}: cannot read ${path}`, { cause: error, hint: 'it must be the path of a PEM file' });
  }
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}

function without(headers: Record<string, string> | undefined, ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !names.includes(name.toLowerCase())));
}
