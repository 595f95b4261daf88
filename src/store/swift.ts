import { BaluchonError, isError } from '../errors.ts';
import { rangeHeader, type Bucket } from './bucket.ts';
import type { Place } from './place.ts';
import { ask, type Call, createClient, prepare, type Reply } from './pkgcloud.ts';
import type { Room } from './store.ts';

/** A session on the cloud that keeps the container. */
export interface SwiftAccount {
  /** A valid token; the one after `refused`, where it was refused. */
  token(refused?: string): Promise<string>;
  /** `https://swift.example.org/v1/AUTH_...` */
  url: string;
  tls?: { ca?: string | string[]; cert?: string; key?: string; rejectUnauthorized?: boolean };
  close?(): Promise<void>;
}

const page = 10_000;

/** OpenStack's object storage, by https://docs.openstack.org/api-ref/object-store/ */
export async function swiftBucket(place: Place, account: SwiftAccount): Promise<Bucket> {
  const container = place.bucket;
  let refused: string | undefined;

  /** Stands in for pkgcloud's own Keystone session: the token is ours. */
  class Identity {
    token: { id: string; expires: Date } | undefined;
    on(): void {}
    authorize(done: (error?: unknown) => void): void {
      account.token(refused).then((id) => {
        // Long over, so that we are asked each time: we know better than it when a token ends.
        this.token = { id, expires: new Date(0) };
        refused = undefined;
        done();
      }, done);
    }
    getServiceEndpointUrl(): string {
      return account.url;
    }
  }
  const client = await createClient({ provider: 'openstack', authUrl: account.url, identity: Identity });
  const release = prepare(client, account.tls);
  const send = async (doing: string, call: Call, room?: Room): Promise<Reply> => {
    try {
      return await ask(client, place, doing, { container, ...call }, room);
    } catch (error) {
      if (!isError(error, 'auth') || error.status !== 401) throw error;
      refused = client['_identity'].token?.id;
      return ask(client, place, doing, { container, ...call }, room);
    }
  };
  const sizeAndTime = ({ headers }: Reply) => ({ size: Number(headers['content-length']), modified: new Date(headers['last-modified'] ?? 0) });

  return {
    service: account.url,
    async put(key, body, md5) {
      const etag = md5.toString('hex');
      const { headers } = await send(`put ${key}`, { method: 'PUT', path: key, headers: { 'Content-Type': 'application/octet-stream', 'content-length': body.length, etag }, body: [body] });
      if (headers['etag'] !== undefined && headers['etag'].replaceAll('"', '') !== etag) throw new BaluchonError('network', `${place.name}: lost on the way: other bytes arrived than were sent: put ${key}`);
    },
    async get(key, range, room) {
      try {
        const { body } = await send(`get ${key}`, { method: 'GET', path: key, headers: { range: rangeHeader(range) } }, room);
        return body;
      } catch (error) {
        if (isError(error) && error.status === 416) return new Uint8Array();
        throw error;
      }
    },
    async list(prefix, after) {
      const { body } = await send(`list ${prefix}`, { method: 'GET', qs: { format: 'json', prefix, limit: page, ...(after !== undefined && { marker: after }) } });
      const found: { name: string; bytes: number; last_modified: string }[] = body.length === 0 ? [] : parse(place, body);
      // A cloud may cap its pages at any size: only an empty one is surely the last.
      return { files: found.map(({ name, bytes, last_modified }) => ({ key: name, size: bytes, modified: new Date(`${last_modified}Z`) })), next: found.at(-1)?.name };
    },
    stat: async (key) => sizeAndTime(await send(`look at ${key}`, { method: 'HEAD', path: key })),
    async remove(key) {
      await send(`remove ${key}`, { method: 'DELETE', path: key });
    },
    async exists() {
      try {
        await send('look at the container', { method: 'HEAD' });
        return true;
      } catch (error) {
        if (isError(error, 'not-found')) return false;
        if (isError(error, 'forbidden')) return true;
        throw error;
      }
    },
    async create() {
      await send('make the container', { method: 'PUT' });
    },
    async close() {
      release();
      await account.close?.();
    },
  };
}

function parse(place: Place, body: Buffer): any {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new BaluchonError('cloud', `${place.name}: the list is not JSON`, { cause: error, hint: 'is there a proxy or a login page between here and the cloud?' });
  }
}
