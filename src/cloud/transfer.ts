import { BaluchonError, isError } from '../errors.ts';
import type { RequestOptions, Service, ServiceType } from './cloud.ts';
import type { Reply } from './faults.ts';
import type { OpenReply } from './http.ts';
import { checkSignal, interrupted } from './retry.ts';
import type { Send } from './service.ts';

/** How often a download goes on after lost connections that brought nothing in between. */
const resumptions = 5;

export async function download(type: ServiceType, send: Send, path: string, options: RequestOptions = {}): ReturnType<Service['download']> {
  const headers = { accept: '*/*', ...options.headers };
  const open = (more: Record<string, string>) => send('GET', path, { ...options, headers: { ...headers, ...more }, open: true });
  const first = await open({});
  if (!('body' in first)) return { size: 0, headers: first.headers, body: nothing() };
  const size = lengthOf(first);
  const from = rangeOf(first)?.from ?? 0;
  const to = rangeOf(first)?.to;
  return { size, headers: first.headers, body: follow(first) };

  async function* follow(reply: OpenReply): AsyncGenerator<Uint8Array> {
    let body = reply.body;
    let got = 0;
    let since = 0;
    let lost = 0;
    for (;;) {
      let cause: unknown;
      try {
        for await (const chunk of body) {
          got += chunk.length;
          since += chunk.length;
          yield chunk;
        }
        if (size === undefined || got === size) return;
      } catch (error) {
        cause = error;
      } finally {
        // The reader may stop in the middle: the connection is of no more use then.
        if (got !== size) body.destroy();
      }
      checkSignal(options.signal);
      if (cause instanceof Error && cause.name === 'AbortError') throw interrupted(options.signal);
      const of = size === undefined ? '' : ` of ${size}`;
      const fail = (hint: string) => new BaluchonError('network', `${type}: the download broke off after ${got}${of} bytes (GET ${path})`, { cause, hint });
      if (size !== undefined && got > size) throw fail('more came than was announced: is there a proxy in between?');
      lost = since > 0 ? 1 : lost + 1;
      since = 0;
      if (lost > resumptions) throw fail('the connection to the cloud is not stable');
      const next = await open({ range: `bytes=${from + got}-${to ?? ''}` });
      const range = rangeOf(next);
      if (!('body' in next) || range?.from !== from + got || (range.to !== undefined && size !== undefined && range.to !== from + size - 1)) {
        if ('body' in next) next.body.destroy();
        throw fail('the server cannot go on from the middle: start again');
      }
      body = next.body;
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function lengthOf(reply: OpenReply | Reply): number | undefined {
  // Compressed on the way, the length is not that of what arrives here.
  const text = reply.headers['content-length'];
  return text === undefined || reply.headers['content-encoding'] ? undefined : Number(text);
}

/** The bytes that an answer of 206 holds, both ends included: `Content-Range: bytes <from>-<to>/<total>`. */
function rangeOf(reply: OpenReply | Reply): { from: number; to: number } | undefined {
  const range = /^bytes (\d+)-(\d+)\//.exec(reply.headers['content-range'] ?? '');
  return reply.status === 206 && range ? { from: Number(range[1]), to: Number(range[2]) } : undefined;
}

export async function upload(send: Send, path: string, body: AsyncIterable<Uint8Array>, size: number | undefined, options: RequestOptions = {}): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', ...options.headers, ...(size !== undefined && { 'content-length': String(size) }) };
  let failure: { error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  try {
    // The token has to be good for the whole of it: a body that has been read cannot be sent again. What a server does
    // after the last byte (writing it to its own store) may take long.
    await send('PUT', path, { ...options, headers, body: watched(), tokenLife: 3_600_000, headersTimeout: 1_800_000 });
  } catch (error) {
    // What broke was the source: its own words say why.
    throw failure && isError(error, 'network') ? failure.error : error;
  }
}
