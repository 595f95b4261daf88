import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { readPlace } from '../../src/store/place.ts';
import { googleBucket } from '../../src/store/google.ts';
import { storeContract } from '../contract/store.ts';
import { startGoogle } from './google-server.ts';
import { asksAgain } from './halves.ts';

let server: Awaited<ReturnType<typeof startGoogle>>;
beforeAll(async () => {
  server = await startGoogle();
});
afterAll(() => server.close());
const open = (url: string, create = true) => openStore(url, { create, env: { STORAGE_EMULATOR_HOST: server.address } });

let count = 0;
storeContract('a bucket of a server with Google\'s API', () => open(`gs://vault-${count++}`));
storeContract('a prefix in a bucket', () => open(`gs://shared/vaults/v${count++}`));

describe('a bucket', () => {
  test('that is not there is made by init alone', async () => {
    await expect((await open('gs://nowhere', false)).stat('a')).rejects.toMatchObject({ code: 'store', message: 'gs://nowhere: there is no bucket "nowhere"' });
    await (await open('gs://nowhere')).put('a', Buffer.from('1'));
    expect(await (await open('gs://nowhere', false)).stat('a')).toMatchObject({ size: 1 });
  });

  test('is listed to its end, in pages of a thousand', async () => {
    const names = Array.from({ length: 12_345 }, (_, at) => `packs/${at}`);
    server.buckets.set('many', new Map(names.map((name) => [name, { data: Buffer.from('x'), updated: new Date() }])));
    const found = (await Array.fromAsync((await open('gs://many')).list('packs/'))).map((file) => file.name);
    expect(found.sort()).toEqual(names.sort());
  });

  test('without credentials, or with a file of them that is none: a usage error that names the variable', async () => {
    await expect(openStore('gs://b', { env: {} })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS') });
    const folder = mkdtempSync(join(tmpdir(), 'bal-gs-'));
    writeFileSync(join(folder, 'key.json'), 'no JSON');
    for (const file of ['key.json', 'none.json']) {
      const store = await openStore('gs://b', { env: { GOOGLE_APPLICATION_CREDENTIALS: join(folder, file) } });
      await expect(store.stat('a')).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS') });
      await store.close();
    }
    rmSync(folder, { recursive: true });
  });

  asksAgain((address) => openStore('gs://b', { env: { STORAGE_EMULATOR_HOST: address } }), JSON.stringify({ items: [{ name: 'a', size: '400000', updated: '2026-11-23T00:00:00Z' }] }));

  test('refuses bytes that are not those which were sent', async () => {
    await (await open('gs://sums')).put('a', Buffer.from('1'));
    const bucket = await googleBucket(readPlace('gs://sums', []), { STORAGE_EMULATOR_HOST: server.address });
    await expect(bucket.put('damaged', Buffer.from('x'), Buffer.alloc(16))).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('lost on the way') });
    await expect(bucket.stat('damaged')).rejects.toMatchObject({ code: 'not-found' });
    await bucket.close();
  });
});
