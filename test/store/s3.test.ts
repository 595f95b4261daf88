import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
// @ts-expect-error it comes without types
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { readPlace } from '../../src/store/place.ts';
import { s3Bucket } from '../../src/store/s3.ts';
import { storeContract } from '../contract/store.ts';
import { asksAgain } from './halves.ts';

const directory = mkdtempSync(join(tmpdir(), 'bal-s3-'));
const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory });
// Left to itself it answers a put before the bytes are in their file, and a get at once after that with none of them.
const { store: files } = server;
files.putObject = async ({ bucket, key, content, metadata }: { bucket: string; key: string; content: Readable; metadata: object }) => {
  const path = files.getResourcePath(bucket, key, 'object');
  const bytes = await buffer(content);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const md5 = createHash('md5').update(bytes).digest('hex');
  await files.putMetadata(bucket, key, metadata, md5);
  return { size: bytes.length, md5 };
};
const env: NodeJS.ProcessEnv = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER', AWS_REGION: 'us-east-1' };
beforeAll(async () => {
  env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${(await server.run()).port}`;
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});
const open = (url: string, create = true, more: NodeJS.ProcessEnv = {}) => openStore(url, { create, env: { ...env, ...more } });

let count = 0;
storeContract('a bucket of an S3 server', () => open(`s3://vault-${count++}`));
storeContract('a prefix in a bucket', () => open(`s3://shared/vaults/v${count++}`));

describe('a bucket', () => {
  test('that is not there is made by init alone', async () => {
    await expect((await open('s3://nowhere', false)).stat('a')).rejects.toMatchObject({ code: 'store', message: 's3://nowhere: there is no bucket "nowhere"' });
    await expect((await open('s3://nowhere', false)).put('a', Buffer.from('1'))).rejects.toMatchObject({ code: 'store' });
    const store = await open('s3://nowhere');
    await store.put('a', Buffer.from('1'));
    expect(await (await open('s3://nowhere', false)).stat('a')).toMatchObject({ size: 1 });
  });

  test('is not listened to when it sends what is larger than a file of a vault can be', async () => {
    const store = await open('s3://swollen/prefix');
    await store.put('packs/1', Buffer.from('pack'));
    truncateSync(join(directory, 'swollen', 'prefix/packs/1._S3rver_object'), 3 * 2 ** 30);
    await expect(store.get('packs/1')).rejects.toMatchObject({ code: 'vault', message: 's3://swollen/prefix: file larger than it can be: packs/1' });
    expect(Buffer.from(await store.get('packs/1', { offset: 0, length: 4 })).toString()).toBe('pack');
  });

  test('is listed to its end, in pages of a thousand', async () => {
    const store = await open('s3://many');
    const names = Array.from({ length: 2_100 }, (_, at) => `packs/${at}`);
    // Put behind the server's back, in its own layout: one by one would take its time.
    mkdirSync(join(directory, 'many/packs'), { recursive: true });
    for (const name of names) for (const [suffix, content] of [['object', 'x'], ['object.md5', '9dd4e461268c8034f5c8564e155c67a6']] as const) writeFileSync(join(directory, 'many', `${name}._S3rver_${suffix}`), content);
    const found = (await Array.fromAsync(store.list('packs/'))).map((file) => file.name);
    expect(found.sort()).toEqual(names.sort());
  });

  test('takes a pack of the largest size', async () => {
    const store = await open('s3://large');
    const body = Buffer.alloc(32 << 20, 'baluchon');
    await store.put('packs/aa/large', body);
    expect(Buffer.from(await store.get('packs/aa/large')).equals(body)).toBe(true);
  });

  test('with a wrong key: not let in, and said so without the secret', async () => {
    const store = await open('s3://vault-0', false, { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'hush-hush' });
    const error = await store.get('a').catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining('InvalidAccessKeyId') });
    expect(JSON.stringify(error) + String(error)).not.toContain('hush-hush');
  });

  test('without credentials: a usage error that names the variables', async () => {
    await expect(open('s3://b', false, { AWS_SECRET_ACCESS_KEY: '' })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('AWS_SECRET_ACCESS_KEY'), hint: expect.stringContaining('AWS_ACCESS_KEY_ID') });
  });

  test('of a service that does not answer: a network error, after a few tries', async () => {
    const store = await open('s3://b?endpoint=http://127.0.0.1:9', false);
    await expect(store.stat('a')).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('ECONNREFUSED') });
  });

  asksAgain(
    (address) => open(`s3://b?endpoint=${address}`, false),
    '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>400000</Size><LastModified>2026-11-23T00:00:00Z</LastModified></Contents></ListBucketResult>',
  );

  test('refuses bytes that are not those which were sent', async () => {
    await (await open('s3://sums')).put('a', Buffer.from('1'));
    const bucket = await s3Bucket(readPlace('s3://sums', []), env);
    await expect(bucket.put('damaged', Buffer.from('x'), Buffer.alloc(16))).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('lost on the way') });
    await bucket.close();
  });
});
