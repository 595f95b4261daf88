import http from 'node:http';
import https from 'node:https';
import { BaluchonError, isError } from '../errors.ts';
import { type Body, incoming } from './body.ts';
import { type Bucket, noAnswer, rangeHeader, refusal } from './bucket.ts';
import { needed, type Place } from './place.ts';
import { createClient } from './pkgcloud.ts';

/**
 * S3, at Amazon or anywhere else. Credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; the service is
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or Amazon's, the region AWS_REGION or AWS_DEFAULT_REGION; `?endpoint=` and `?region=` go first.
 */
export async function s3Bucket(place: Place, env: NodeJS.ProcessEnv): Promise<Bucket> {
  const [keyId, key] = needed(env, place, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
  const endpoint = place.parameters['endpoint'] ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  if (endpoint !== undefined && !URL.canParse(endpoint)) throw new BaluchonError('usage', `${place.name}: not an address: ${endpoint}`, { hint: 'AWS_ENDPOINT_URL looks like https://s3.example.org' });
  const region = place.parameters['region'] ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  // The SDK that pkgcloud brings tells of its successor on stderr, which is no news for who uses us.
  process.env['AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE'] ??= '1';
  const client = await createClient({ provider: 'amazon', keyId, key, region, forcePathBucket: endpoint !== undefined, ...(env['AWS_SESSION_TOKEN'] && { sessionToken: env['AWS_SESSION_TOKEN'] }), ...(endpoint && { endpoint }) });
  // pkgcloud's own operations know no ranges and put bodies in parts without sums; those of the client it makes do.
  const { s3 } = client;
  // Left to itself the SDK opens a connection for each request.
  const agent = new (s3.endpoint.protocol === 'https:' ? https : http).Agent({ keepAlive: true, maxSockets: 32 });
  // Tried again is in one place, see bucket.ts.
  s3.config.update({ maxRetries: 0, httpOptions: { timeout: 120_000, connectTimeout: 20_000, agent } });
  const Bucket = place.bucket;

  function fault(doing: string, error: unknown): BaluchonError {
    const { statusCode: status, code, message, originalError } = error as { statusCode?: number; code?: string; message?: string; originalError?: unknown };
    if (!status || status < 300) return noAnswer(place, doing, originalError ?? error);
    return refusal(place, doing, status, code && Number.isNaN(Number(code)) ? code : (message ?? ''), error);
  }
  /** `body` takes that of an answer that is no refusal; without it the SDK reads it. */
  const send = (doing: string, operation: string, parameters: object = {}, body?: (told?: string) => Body): Promise<any> =>
    new Promise((resolve, reject) => {
      const request = s3[operation]({ Bucket, ...parameters });
      // An aborted one is not always answered.
      const end = (error: unknown): void => {
        reject(error);
        request.abort();
      };
      request.on('httpHeaders', (status: number, headers: Record<string, string>, { httpResponse }: any) => {
        // The SDK waits for ever for the end of an answer whose connection is lost.
        httpResponse.stream.on('error', (error: unknown) => end(noAnswer(place, doing, error)));
        if (!body || status > 299) return;
        const { take } = body(headers['content-length']);
        httpResponse.createUnbufferedStream().on('data', (part: Buffer) => {
          try {
            take(part);
          } catch (error) {
            end(error);
          }
        });
      });
      request.promise().then(resolve, (error: unknown) => reject(fault(doing, error)));
    });

  return {
    service: endpoint ?? 'https://s3.amazonaws.com',
    async put(key, body, md5) {
      const { ETag: tag = '', ServerSideEncryption: sealed = 'AES256' } = await send(`put ${key}`, 'putObject', { Key: key, Body: body, ContentMD5: md5.toString('base64'), ContentType: 'application/octet-stream' });
      // Some services do not look at the sum. Where they seal with a key of their own, the tag is no sum either.
      const sum = /^"?([0-9a-f]{32})"?$/.exec(tag)?.[1];
      if (sealed === 'AES256' && sum !== undefined && sum !== md5.toString('hex')) throw new BaluchonError('network', `${place.name}: lost on the way: other bytes arrived than were sent: put ${key}`);
    },
    async get(key, range, room) {
      const doing = `get ${key}`;
      let body = incoming(place, doing);
      try {
        // Of a whole object not as a range: some services never answer where it is empty.
        await send(doing, 'getObject', { Key: key, ...(range && { Range: rangeHeader(range) }) }, (told) => (body = incoming(place, doing, told, room)));
        return body.bytes();
      } catch (error) {
        if (isError(error) && error.status === 416) return new Uint8Array();
        throw error;
      }
    },
    async list(prefix, after) {
      // By version 1 of the list, which every service knows.
      const { Contents: found = [], IsTruncated: more } = await send(`list ${prefix}`, 'listObjects', { Prefix: prefix, ...(after !== undefined && { Marker: after }) });
      return { files: found.map(({ Key: key, Size: size, LastModified: modified }: { Key: string; Size: number; LastModified: Date }) => ({ key, size, modified })), next: more ? found.at(-1)?.Key : undefined };
    },
    async stat(key) {
      const { ContentLength: size, LastModified: modified } = await send(`look at ${key}`, 'headObject', { Key: key });
      return { size, modified };
    },
    async remove(key) {
      await send(`remove ${key}`, 'deleteObject', { Key: key });
    },
    async exists() {
      try {
        await send('look at the bucket', 'headBucket');
        return true;
      } catch (error) {
        if (isError(error, 'not-found')) return false;
        if (isError(error, 'forbidden')) return true;
        throw error;
      }
    },
    async create() {
      // Elsewhere than at Amazon's first region the region has to be told.
      await send('make the bucket', 'createBucket', endpoint === undefined && region !== 'us-east-1' ? { CreateBucketConfiguration: { LocationConstraint: region } } : {});
    },
    async close() {
      agent.destroy();
    },
  };
}
