import { Agent, request } from 'undici';
import { BaluchonError, isError } from '../errors.ts';
import { incoming } from './body.ts';
import { type Bucket, noAnswer, rangeHeader, refusal } from './bucket.ts';
import type { Place } from './place.ts';
import { createClient } from './pkgcloud.ts';
import type { Room } from './store.ts';

/**
 * Google Cloud Storage, by its JSON API. Credentials are a service account's file, GOOGLE_APPLICATION_CREDENTIALS; its project, or
 * GOOGLE_CLOUD_PROJECT, is where a new bucket is made. STORAGE_EMULATOR_HOST is another service, asked without credentials.
 */
export async function googleBucket(place: Place, env: NodeJS.ProcessEnv): Promise<Bucket> {
  const emulator = env['STORAGE_EMULATOR_HOST'];
  const keyFilename = env['GOOGLE_APPLICATION_CREDENTIALS'];
  if (!emulator && !keyFilename) throw new BaluchonError('usage', `${place.name}: no credentials: GOOGLE_APPLICATION_CREDENTIALS not set`, { hint: 'set it to the JSON file of a service account\'s key' });
  const root = emulator ? (emulator.includes('://') ? emulator : `http://${emulator}`).replace(/\/$/, '') : 'https://storage.googleapis.com';
  if (!URL.canParse(root)) throw new BaluchonError('usage', `${place.name}: not an address: ${emulator}`, { hint: 'STORAGE_EMULATOR_HOST looks like http://localhost:4443' });
  // pkgcloud's client knows Google's own addresses only, and no page of a list but the first: it logs in, and the rest is asked beside it.
  const client = emulator ? undefined : await createClient({ provider: 'google', keyFilename, projectId: env['GOOGLE_CLOUD_PROJECT'] });
  const agent = new Agent({ connections: 32, connect: { timeout: 20_000 }, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const bucket = `/storage/v1/b/${encodeURIComponent(place.bucket)}`;
  const object = (key: string) => `${bucket}/o/${encodeURIComponent(key)}`;

  async function authorization(doing: string): Promise<Record<string, string>> {
    if (!client) return {};
    try {
      return { authorization: `Bearer ${await client['storage'].authClient.getAccessToken()}` };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || error instanceof SyntaxError) throw new BaluchonError('usage', `${place.name}: cannot read the key ${keyFilename}`, { cause: error, hint: 'GOOGLE_APPLICATION_CREDENTIALS names the JSON file of a service account\'s key' });
      if (/invalid_grant|invalid_client|unauthorized|PEM|private key/i.test(message)) throw new BaluchonError('auth', `${place.name}: not let in: ${message.split('\n')[0]}`, { cause: error, hint: 'check the service account\'s key, and this machine\'s clock' });
      throw noAnswer(place, doing, error);
    }
  }

  async function send(doing: string, method: 'GET' | 'POST' | 'DELETE', path: string, query: Record<string, string> = {}, { headers = {}, body, room }: { headers?: Record<string, string>; body?: Uint8Array | string; room?: Room | undefined } = {}): Promise<Buffer> {
    const url = new URL(root + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const mine = await authorization(doing);
    let status;
    let bytes;
    try {
      const answer = await request(url, { dispatcher: agent, method, headers: { ...mine, ...headers }, body: body ?? null });
      status = answer.statusCode;
      const taken = incoming(place, doing, status < 300 ? answer.headers['content-length'] as string | undefined : undefined, room);
      for await (const part of answer.body) taken.take(part);
      bytes = taken.bytes();
    } catch (error) {
      throw isError(error) ? error : noAnswer(place, doing, error);
    }
    if (status < 200 || status > 299) throw refusal(place, doing, status, reasonIn(bytes.toString()));
    return bytes;
  }
  const json = async (...call: Parameters<typeof send>): Promise<any> => {
    const text = (await send(...call)).toString();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new BaluchonError('cloud', `${place.name}: the answer is not JSON: ${call[0]}`, { cause: error, hint: 'is there a proxy or a login page between here and the service?' });
    }
  };

  return {
    service: root,
    async put(key, body, md5) {
      // The sum goes with the description, in front of the bytes: Google takes none in a header here.
      const boundary = `baluchon-${md5.toString('hex')}`;
      const description = JSON.stringify({ name: key, md5Hash: md5.toString('base64'), contentType: 'application/octet-stream' });
      const whole = Buffer.concat([
        Buffer.from(`--${boundary}\r\ncontent-type: application/json\r\n\r\n${description}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`),
        body,
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]);
      await send(`put ${key}`, 'POST', `/upload${bucket}/o`, { uploadType: 'multipart' }, { headers: { 'content-type': `multipart/related; boundary=${boundary}` }, body: whole });
    },
    async get(key, range, room) {
      try {
        return await send(`get ${key}`, 'GET', object(key), { alt: 'media' }, { headers: { range: rangeHeader(range) }, room });
      } catch (error) {
        if (isError(error) && error.status === 416) return new Uint8Array();
        throw error;
      }
    },
    async list(prefix, after) {
      const { items = [], nextPageToken: next } = await json(`list ${prefix}`, 'GET', `${bucket}/o`, { prefix, fields: 'items(name,size,updated),nextPageToken', ...(after !== undefined && { pageToken: after }) });
      return { files: items.map(({ name, size, updated }: { name: string; size: string; updated: string }) => ({ key: name, size: Number(size), modified: new Date(updated) })), next };
    },
    async stat(key) {
      const { size, updated } = await json(`look at ${key}`, 'GET', object(key), { fields: 'size,updated' });
      return { size: Number(size), modified: new Date(updated) };
    },
    async remove(key) {
      await send(`remove ${key}`, 'DELETE', object(key));
    },
    async exists() {
      try {
        await send('look at the bucket', 'GET', bucket);
        return true;
      } catch (error) {
        if (isError(error, 'not-found')) return false;
        if (isError(error, 'forbidden')) return true;
        throw error;
      }
    },
    async create() {
      const project = env['GOOGLE_CLOUD_PROJECT'] ?? (await client?.['storage'].authClient.getProjectId()) ?? 'none';
      await send('make the bucket', 'POST', '/storage/v1/b', { project }, { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: place.bucket }) });
    },
    async close() {
      await agent.close();
    },
  };
}

function reasonIn(text: string): string {
  try {
    const { error } = JSON.parse(text);
    const told = [error?.errors?.[0]?.reason, error?.message].filter((part) => typeof part === 'string');
    return [...new Set(told)].join(': ').split('\n')[0]!.slice(0, 160);
  } catch {
    return text.includes('<') ? '' : text.split('\n')[0]!.trim().slice(0, 100);
  }
}
