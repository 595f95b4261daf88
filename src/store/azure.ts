import { createHmac } from 'node:crypto';
import { BaluchonError, isError } from '../errors.ts';
import { rangeHeader, type Bucket } from './bucket.ts';
import type { Place } from './place.ts';
import { ask, type Call, createClient, prepare, type Reply } from './pkgcloud.ts';
import type { Room } from './store.ts';

/** Of the protocol: the first in which one request puts more than 256 MiB came the year before. */
const version = '2020-04-08';

/**
 * Azure's blobs. The account is AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY; another service than
 * Microsoft's is the string's BlobEndpoint, or `?endpoint=`.
 */
export async function azureBucket(place: Place, env: NodeJS.ProcessEnv): Promise<Bucket> {
  const { account, key: secret, endpoint } = accountOf(place, env);
  const client = await createClient({ provider: 'azure', storageAccount: account, storageAccessKey: secret });
  const release = prepare(client);
  // pkgcloud signs by the protocol as it was in 2011, in which a put ends at 64 MiB and which emulators no longer know.
  client.before.splice(0, 1, (request) => sign(request, account, secret));
  // An emulator has the account in its path, and signs it as well.
  const inPath = new URL(endpoint).pathname.replace(/^\/|\/$/g, '');
  const send = (doing: string, { path = '', headers = {}, ...call }: Call, room?: Room): Promise<Reply> => {
    const at = [inPath, place.bucket, path].filter((part) => part !== '').join('/');
    return ask(client, place, doing, { ...call, headers, path: at, uri: `${new URL(endpoint).origin}/${at}` }, room);
  };
  const container = { restype: 'container' };

  return {
    service: endpoint,
    async put(key, body, md5) {
      const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length, 'content-md5': md5.toString('base64') };
      await send(`put ${key}`, { method: 'PUT', path: key, headers: { ...headers, 'x-ms-blob-type': 'BlockBlob' }, body: [body] });
    },
    async get(key, range, room) {
      try {
        return (await send(`get ${key}`, { method: 'GET', path: key, headers: { 'x-ms-range': rangeHeader(range) } }, room)).body;
      } catch (error) {
        if (isError(error) && error.status === 416) return new Uint8Array();
        throw error;
      }
    },
    async list(prefix, after) {
      const { body } = await send(`list ${prefix}`, { method: 'GET', qs: { ...container, comp: 'list', prefix, ...(after !== undefined && { marker: after }) } });
      return pageOf(place, body.toString());
    },
    async stat(key) {
      const { headers } = await send(`look at ${key}`, { method: 'HEAD', path: key });
      return { size: Number(headers['content-length']), modified: new Date(headers['last-modified'] ?? 0) };
    },
    async remove(key) {
      await send(`remove ${key}`, { method: 'DELETE', path: key });
    },
    async exists() {
      try {
        await send('look at the container', { method: 'HEAD', qs: container });
        return true;
      } catch (error) {
        if (isError(error, 'not-found')) return false;
        if (isError(error, 'forbidden')) return true;
        throw error;
      }
    },
    async create() {
      await send('make the container', { method: 'PUT', qs: container });
    },
    async close() {
      release();
    },
  };
}

/** Shared Key, by https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
function sign(request: Record<string, any>, account: string, secret: string): void {
  const headers: Record<string, string | number> = request['headers'];
  headers['x-ms-date'] = new Date().toUTCString();
  headers['x-ms-version'] = version;
  const signed = ['content-encoding', 'content-language', 'content-length', 'content-md5', 'content-type', 'date', 'if-modified-since', 'if-match', 'if-none-match', 'if-unmodified-since', 'range'].map((name) => headers[name] || '');
  const extra = Object.keys(headers).filter((name) => name.startsWith('x-ms-')).sort().map((name) => `${name}:${headers[name]}`);
  const query = Object.entries<string | number>(request['qs'] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `\n${name}:${value}`);
  const text = [request['method'], ...signed, ...extra, `/${account}/${request['path']}${query.join('')}`].join('\n');
  headers['authorization'] = `SharedKey ${account}:${createHmac('sha256', Buffer.from(secret, 'base64')).update(text).digest('base64')}`;
}

function accountOf(place: Place, env: NodeJS.ProcessEnv): { account: string; key: string; endpoint: string } {
  const string = Object.fromEntries((env['AZURE_STORAGE_CONNECTION_STRING'] ?? '').split(';').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  const account = env['AZURE_STORAGE_ACCOUNT'] || string['AccountName'];
  const key = env['AZURE_STORAGE_KEY'] || string['AccountKey'];
  if (!account || !key) throw new BaluchonError('usage', `${place.name}: no credentials: neither AZURE_STORAGE_CONNECTION_STRING nor AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY set`, { hint: 'the portal shows them under "Access keys" of the storage account' });
  const endpoint = place.parameters['endpoint'] ?? string['BlobEndpoint'] ?? `https://${account}.blob.${string['EndpointSuffix'] ?? 'core.windows.net'}`;
  if (!URL.canParse(endpoint)) throw new BaluchonError('usage', `${place.name}: not an address: ${endpoint}`, { hint: 'an endpoint looks like https://ACCOUNT.blob.core.windows.net' });
  return { account, key, endpoint };
}

/** The list's elements are few and flat, and names of ours hold nothing that XML would have to escape. */
function pageOf(place: Place, text: string): Awaited<ReturnType<Bucket['list']>> {
  if (!text.includes('<EnumerationResults')) throw new BaluchonError('cloud', `${place.name}: the list is none`, { hint: 'is there a proxy or a login page between here and the service?' });
  const element = (name: string, within: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(within)?.[1];
  const files = Array.from(text.matchAll(/<Blob>.*?<\/Blob>/gs), ([blob]) => ({ key: element('Name', blob) ?? '', size: Number(element('Content-Length', blob)), modified: new Date(element('Last-Modified', blob) ?? 0) }));
  return { files, next: element('NextMarker', text) || undefined };
}
