import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { readPlace } from '../../src/store/place.ts';
import { azureBucket } from '../../src/store/azure.ts';
import { storeContract } from '../contract/store.ts';
import { asksAgain } from './halves.ts';

// The account that every Azurite has, as Microsoft's documentation gives it.
const account = 'AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const folder = mkdtempSync(join(tmpdir(), 'bal-azure-'));
let server: ChildProcess;
const env: NodeJS.ProcessEnv = {};
beforeAll(async () => {
  const main = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  server = spawn(process.execPath, [main, '--blobPort', '0', '--inMemoryPersistence', '--disableTelemetry'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    server.stdout!.on('data', (part) => {
      const found = /listens on (http:\/\/[\w.:]+)\s/.exec((said += part))?.[1];
      if (found) resolve(found);
    });
    server.on('exit', () => reject(new Error(`the server ended: ${said}`)));
  });
  env['AZURE_STORAGE_CONNECTION_STRING'] = `DefaultEndpointsProtocol=http;${account};BlobEndpoint=${address}/devstoreaccount1`;
});
afterAll(async () => {
  server.kill();
  if (server.exitCode === null) await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
});
const open = (url: string, create = true, more: NodeJS.ProcessEnv = {}) => openStore(url, { create, env: { ...env, ...more } });

let count = 0;
storeContract('a container of an Azure emulator', () => open(`azure://vault-${count++}`));
storeContract('a prefix in a container', () => open(`azure://shared/vaults/v${count++}`));

describe('a container', () => {
  test('that is not there is made by init alone', async () => {
    await expect((await open('azure://nowhere', false)).stat('a')).rejects.toMatchObject({ code: 'store', message: 'azure://nowhere: there is no container "nowhere"' });
    const store = await open('azure://nowhere');
    await store.put('a', Buffer.from('1'));
    expect(await (await open('azure://nowhere', false)).stat('a')).toMatchObject({ size: 1 });
  });

  test('takes files far larger than packs are', async () => {
    const store = await open('azure://large');
    const body = Buffer.alloc((65 << 20) + 1, 'baluchon');
    await store.put('index/large', body);
    expect(await store.stat('index/large')).toMatchObject({ size: body.length });
    expect(Buffer.from(await store.get('index/large', { offset: body.length - 1000, length: 1000 })).equals(body.subarray(-1000))).toBe(true);
  });

  asksAgain(
    (address) => open(`azure://b?endpoint=${address}`, false, { AZURE_STORAGE_CONNECTION_STRING: '', AZURE_STORAGE_ACCOUNT: 'a', AZURE_STORAGE_KEY: Buffer.from('hush').toString('base64') }),
    '<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Last-Modified>Mon, 23 Nov 2026 00:00:00 GMT</Last-Modified><Content-Length>400000</Content-Length></Properties></Blob></Blobs><NextMarker /></EnumerationResults>',
  );

  test('with a wrong key: not let in', async () => {
    const store = await open('azure://vault-0', false, { AZURE_STORAGE_ACCOUNT: 'devstoreaccount1', AZURE_STORAGE_KEY: Buffer.from('hush').toString('base64') });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'auth', message: expect.stringContaining('not let in') });
  });

  test('without credentials: a usage error that names the variables', async () => {
    await expect(openStore('azure://b', { env: {} })).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(/AZURE_STORAGE_CONNECTION_STRING.*AZURE_STORAGE_KEY/) });
  });

  test('refuses bytes that are not those which were sent', async () => {
    await (await open('azure://sums')).put('a', Buffer.from('1'));
    const bucket = await azureBucket(readPlace('azure://sums', []), env);
    await expect(bucket.put('damaged', Buffer.from('x'), Buffer.alloc(16))).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('lost on the way') });
    await expect(bucket.stat('damaged')).rejects.toMatchObject({ code: 'not-found' });
    await bucket.close();
  });
});
