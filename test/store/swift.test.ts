import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { openStore, type SwiftAccount } from '../../src/store/index.ts';
import { readPlace } from '../../src/store/place.ts';
import { swiftBucket } from '../../src/store/swift.ts';
import { storeContract } from '../contract/store.ts';
import { needs, selfSigned } from '../tools.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ name: 'here' });
});
afterAll(() => sandbox.close());

async function account(): Promise<SwiftAccount> {
  const cloud = await connect({ env: sandbox.env() });
  const { url } = await cloud.service('object-store');
  return { url, tls: cloud.tls!, token: (refused) => cloud.token(refused), close: () => cloud.close() };
}
const open = (url: string, create = true) => openStore(url, { create, swift: account });

let count = 0;
storeContract('a container of a simulated Swift', () => open(`swift://vault-${count++}?cloud=here`));
storeContract('a prefix in a container', () => open(`swift://shared/vaults/v${count++}?cloud=here`));

describe('a container', () => {
  test('is made by the first put of a new vault, and by nothing else', async () => {
    const store = await open('swift://new');
    expect(await store.stat('a')).toBeUndefined();
    expect(await Array.fromAsync(store.list(''))).toEqual([]);
    expect(sandbox.state.containers.has('new')).toBe(false);
    await store.put('a', Buffer.from('1'));
    expect(sandbox.state.containers.has('new')).toBe(true);
    await store.close();
  });

  test('that is not there is told from a file that is not there', async () => {
    const store = await open('swift://nowhere', false);
    for (const work of [() => store.stat('a'), () => store.get('a'), () => store.put('a', Buffer.from('1')), () => Array.fromAsync(store.list(''))]) {
      await expect(work()).rejects.toMatchObject({ code: 'store', message: 'swift://nowhere: there is no container "nowhere"', hint: expect.stringContaining('baluchon init') });
    }
    expect(sandbox.state.containers.has('nowhere')).toBe(false);
    await store.close();
  });

  test('shows its own prefix alone, without the folders that consoles make', async () => {
    const [all, one] = [await open('swift://split'), await open('swift://split/one')];
    for (const name of ['one/a', 'one/b/c', 'onea', 'two/a']) await all.put(name, Buffer.from(name));
    sandbox.state.containers.get('split')!.objects.set('one/b/', { ...sandbox.state.containers.get('split')!.objects.get('onea')! });
    expect((await Array.fromAsync(one.list(''))).map((file) => file.name)).toEqual(['a', 'b/c']);
    expect(String(Buffer.from(await one.get('b/c')))).toBe('one/b/c');
    await all.close();
    await one.close();
  });

  test('is listed to its end, however many pages that takes', async () => {
    const store = await open('swift://many');
    await store.put('packs/000000', Buffer.from('x'));
    const { objects } = sandbox.state.containers.get('many')!;
    const [first] = objects.values();
    for (let at = 1; at < 25_000; at++) objects.set(`packs/${String(at).padStart(6, '0')}`, first!);
    const names = (await Array.fromAsync(store.list('packs/'))).map((file) => file.name);
    expect(names).toHaveLength(25_000);
    expect(new Set(names).size).toBe(25_000);
    await store.close();
  });

  test('is kept up with when its tokens end early', async () => {
    const store = await open('swift://tokens');
    await store.put('a', Buffer.from('1'));
    sandbox.expireTokens();
    await store.put('b', Buffer.from('2'));
    sandbox.expireTokens();
    expect(String(Buffer.from(await store.get('b')))).toBe('2');
    await store.close();
  });

  test('refuses bytes that are not those which were sent', async () => {
    await (await open('swift://sums')).put('a', Buffer.from('1'));
    const bucket = await swiftBucket(readPlace('swift://sums', []), await account());
    await expect(bucket.put('damaged', Buffer.from('x'), Buffer.alloc(16))).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('lost on the way') });
    await expect(bucket.stat('damaged')).rejects.toMatchObject({ code: 'not-found' });
    await bucket.close();
  });
});

describe('a service that has a bad day', () => {
  afterEach(() => sandbox.faults.clear());
  const whole = Buffer.alloc(100_000, 'baluchon');
  const started = async () => {
    const store = await open('swift://weather');
    await store.put('a', whole);
    return store;
  };

  test.each([500, 503, 429, 'drop', 'drop-answer'] as const)('%s: asked again, nobody notices', async (answer) => {
    const store = await started();
    for (const method of ['PUT', 'GET', 'HEAD', 'DELETE']) sandbox.faults.add({ match: `object-store ${method} `, answer });
    await store.put('b', whole);
    expect(Buffer.from(await store.get('b')).equals(whole)).toBe(true);
    expect(await store.stat('b')).toMatchObject({ size: whole.length });
    await store.remove('b');
    expect(await store.stat('b')).toBeUndefined();
    await store.close();
  });

  test('half an answer is no answer: it is asked for again', async () => {
    const store = await started();
    sandbox.faults.add({ match: /object-store GET .*\/a$/, answer: 'drop-body', after: 70_000 });
    expect(Buffer.from(await store.get('a')).equals(whole)).toBe(true);
    sandbox.faults.add({ match: /object-store GET .*\/weather$/, answer: 'drop-body', after: 20 });
    expect(await Array.fromAsync(store.list(''))).toHaveLength(1);
    await store.close();
  });

  test('a service that is down for good: an error that says so, after some tries', async () => {
    sandbox.faults.add({ match: 'object-store', answer: 503, times: 1000 });
    const store = await open('swift://weather', false);
    await expect(store.stat('a')).rejects.toMatchObject({ code: 'cloud', status: 503, message: expect.stringMatching(/^swift:\/\/weather: .*503/) });
    await store.close();
  });

  test('no room left: a store error with what to do', async () => {
    const store = await started();
    sandbox.faults.add({ match: 'object-store PUT', answer: 413, times: 10 });
    await expect(store.put('b', whole)).rejects.toMatchObject({ code: 'store' });
    await store.close();
  });
});

describe('a service with a certificate of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bal-tls-'));
  const ready = needs('openssl');
  let cert: string;
  let server: Server;
  let url = '';
  beforeAll(async () => {
    if (!ready) return;
    const made = selfSigned(folder);
    cert = made.cert;
    server = createServer({ key: readFileSync(made.key), cert: readFileSync(cert) }, (_, response) => void response.end('sealed'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://localhost:${(server.address() as AddressInfo).port}/v1/AUTH_x`;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    if (!ready) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const read = async (tls?: SwiftAccount['tls']) => {
    const store = await openStore('swift://c', { swift: async () => ({ url, token: async () => 't', ...(tls && { tls }) }) });
    const [first, second] = [await store.get('a').catch((error: unknown) => error), await store.get('a').catch((error: unknown) => error)];
    await store.close();
    return [first, second];
  };

  test('is trusted by its authority, or when told not to verify, and not otherwise', async () => {
    for (const got of await read({ ca: readFileSync(cert, 'utf8') })) expect(String(got)).toBe('sealed');
    for (const got of await read({ rejectUnauthorized: false })) expect(String(got)).toBe('sealed');
    for (const got of await read()) expect(got).toMatchObject({ code: 'network', message: expect.stringMatching(/self.signed/i) });
  });
});
