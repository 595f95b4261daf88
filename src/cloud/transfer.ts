import { BaluchonError } from '../errors.ts';
import type { RequestOptions, Service, ServiceType } from './cloud.ts';
import { connectionCode, type Reply } from './faults.ts';
import type { OpenReply } from './http.ts';
import { checkSignal, interrupted } from './retry.ts';
import type { Send } from './service.ts';

/** How often a download goes on after lost connections that brought nothing in between. */
const resumptions = 5;

export async function download(type: ServiceType, send: Send, path: string, options: RequestOptions = {}): ReturnType<Service['download']> {
  const headers = { accept: '*/*', ...options.headers };
  const open = (more: Record<string, string>) => send('GET', path, { ...options, headers: { ...headers, ...more }, open: true });
  const first = await open({});
  const size = first.status === 200 ? lengthOf(first) : 0;
  return { size, headers: first.headers, body: first.status === 200 ? follow(first as OpenReply) : nothing() };

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
      const where = `${type}: the download broke off after ${got}${size === undefined ? '' : ` of ${size}`} bytes (GET ${path}${connectionCode(cause) ? `: ${connectionCode(cause)}` : ''})`;
      if (size !== undefined && got > size) throw new BaluchonError('network', `${type}: the download is longer than announced (GET ${path})`, { hint: 'is there a proxy in between?' });
      lost = since > 0 ? 1 : lost + 1;
      since = 0;
      if (lost > resumptions) throw new BaluchonError('network', where, { cause, hint: 'the connection to the cloud is not stable' });
      const next = await open({ range: `bytes=${got}-` });
      if (!continues(next, got, size)) {
        if ('body' in next) next.body.destroy();
        throw new BaluchonError('network', where, { cause, hint: 'the server cannot go on from the middle: start again' });
      }
      body = (next as OpenReply).body;
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function lengthOf(reply: OpenReply | Reply): number | undefined {
  // Compressed on the way, the length is not that of what arrives here.
  const text = reply.headers['content-length'];
  return text === undefined || reply.headers['content-encoding'] ? undefined : Number(text);
}

/** `206` with `Content-Range: bytes <got>-<end>/<total>`, and nothing else, means that the rest follows. */
function continues(reply: OpenReply | Reply, got: number, size: number | undefined): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(reply.headers['content-range'] ?? '');
  if (reply.status !== 206 || !range || Number(range[1]) !== got) return false;
  return size === undefined || range[2] === '*' || Number(range[2]) === size;
}

export async function upload(send: Send, path: string, body: AsyncIterable<Uint8Array>, size: number | undefined, options: RequestOptions = {}): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', ...options.headers, ...(size !== undefined && { 'content-length': String(size) }) };
  // The token has to be good for the whole of it: a body that has been read cannot be sent again. What a server does after
  // the last byte (writing it to its own store) may take long.
  await send('PUT', path, { ...options, headers, body, tokenLife: 3_600_000, headersTimeout: 1_800_000 });
}
