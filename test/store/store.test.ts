import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bucketStore, type Bucket } from '../../src/store/bucket.ts';
import { faultyStore } from '../../src/store/faulty.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import { limitStore } from '../../src/store/limit.ts';
import { largest } from '../../src/store/names.ts';
import { retryStore } from '../../src/store/retry.ts';
import { storeContract } from '../contract/store.ts';

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(join(tmpdir(), 'bal-store-')));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

storeContract('memory', async () => memoryStore());
storeContract('a folder', () => openStore(folder()));
storeContract('a folder that is not there yet', () => openStore(join(folder(), 'new/vault')));
// Every third operation fails, before or after it was done: with retries nobody notices.
storeContract('a faulty store behind retries', async () =>
  retryStore(faultyStore(memoryStore(), (_operation, _name, count) => (count % 3 === 1 ? (count % 2 === 0 ? 'drop' : 'lost-answer') : undefined)), { wait: async () => {} }),
);

describe('a folder', () => {
  test('holds no half-written file: what a failed put began is removed', async () => {
    const root = folder();
    const store = await openStore(root);
    await store.put('packs/aa/1', Buffer.from('x'));
    // The name is taken by a folder: the rename at the end fails, as late as can be.
    mkdirSync(join(root, 'packs/aa/2/deep'), { recursive: true });
    await expect(store.put('packs/aa/2', Buffer.alloc(100_000))).rejects.toMatchObject({ code: 'store' });
    expect(readdirSync(join(root, 'packs/aa')).sort()).toEqual(['1', '2']);
  });

  test('a file that was made larger than any of ours is refused before it is read; ranges of it are read', async () => {
    const root = folder();
    const store = await openStore(root);
    await store.put('packs/aa/1', Buffer.from('pack'));
    truncateSync(join(root, 'packs/aa/1'), 3 * 2 ** 30);
    await expect(store.get('packs/aa/1')).rejects.toMatchObject({ code: 'vault', message: `${root}: file larger than it can be: packs/aa/1` });
    expect(Buffer.from(await store.get('packs/aa/1', { offset: 0, length: 4 })).toString()).toBe('pack');
  });

  test('does not list what a killed put left behind', async () => {
    const root = folder();
    const store = await openStore(root);
    await store.put('packs/aa/1', Buffer.from('x'));
    writeFileSync(join(root, 'packs/aa/.baluchon-0123'), 'half');
    expect(await Array.fromAsync(store.names(''))).toEqual(['packs/aa/1']);
    expect(await Array.fromAsync(store.list(''))).toMatchObject([{ name: 'packs/aa/1' }]);
    expect(readdirSync(join(root, 'packs/aa'))).toHaveLength(2);
  });

  test('a link to a file is one, a link to a folder or to nothing is none', async () => {
    const root = folder();
    const store = await openStore(root);
    await store.put('packs/aa/1', Buffer.from('x'));
    for (const [to, link] of [['1', '2'], ['.', '3'], ['nowhere', '4']] as const) symlinkSync(to, join(root, 'packs/aa', link));
    expect((await Array.fromAsync(store.names('packs/'))).sort()).toEqual(['packs/aa/1', 'packs/aa/2']);
    expect((await Array.fromAsync(store.list('packs/'))).map(({ name }) => name).sort()).toEqual(['packs/aa/1', 'packs/aa/2']);
  });

  test('a pipe or a folder in the place of a file is none, and not waited for', async () => {
    const root = folder();
    const store = await openStore(root);
    spawnSync('mkfifo', [join(root, 'baluchon.yaml')]);
    mkdirSync(join(root, 'recover.sh'));
    expect(readdirSync(root)).toHaveLength(2);
    for (const name of ['baluchon.yaml', 'recover.sh']) {
      for (const range of [undefined, { offset: 0, length: 10 }]) await expect(store.get(name, range)).rejects.toMatchObject({ code: 'vault', message: `${root}: file missing: ${name}` });
      expect(await store.stat(name)).toBeUndefined();
    }
    expect(await Array.fromAsync(store.list(''))).toEqual([]);
  });

  test('a place that takes no more bytes: a store error that says so, and nothing half-written', () => {
    const root = folder();
    const program = `
      import { openStore } from ${JSON.stringify(new URL('../../src/store/index.ts', import.meta.url).href)};
      const store = await openStore(${JSON.stringify(root)});
      await store.put('packs/aa/small', Buffer.alloc(1000));
      await store.put('packs/aa/large', Buffer.alloc(1 << 20)).catch((error) => console.log(error.code, error.message));`;
    const limited = spawnSync('sh', ['-c', `trap '' XFSZ; ulimit -f 64; exec "$0" --input-type=module -e "$1"`, process.execPath, program]);
    expect(String(limited.stdout)).toBe(`store ${root}: file too large for this place: packs/aa/large\n`);
    expect(readdirSync(join(root, 'packs/aa'))).toEqual(['small']);
  });
});

describe('openStore', () => {
  test.each([
    ['swift://c?could=x', 'could'],
    ['s3://b?cloud=x', 'cloud'],
    ['gs://b?region=x', 'region'],
    ['azure://', 'azure://'],
    ['s3://b/../c', '../c'],
    ['swift://%zz', '%zz'],
  ])('%s is refused before anybody is asked', async (url, told) => {
    await expect(openStore(url, { env: {} })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(told), hint: expect.any(String) });
  });
  test.each(['ftp://x', 'http://x/y', ''])('%j is no vault', async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('retries', () => {
  test('end after so many tries, with the last error', async () => {
    let asked = 0;
    const store = retryStore(faultyStore(memoryStore(), () => (asked++, 'drop')), { tries: 4, wait: async () => {} });
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'network' });
    expect(asked).toBe(4);
  });

  test('wait longer each time', async () => {
    const waits: number[] = [];
    const store = retryStore(faultyStore(memoryStore(), () => 'drop'), { tries: 5, wait: async (time) => void waits.push(time) });
    await expect(store.get('a')).rejects.toThrow('connection reset');
    expect(waits).toHaveLength(4);
    for (const [at, time] of waits.entries()) {
      expect(time).toBeGreaterThanOrEqual(100 * 2 ** at);
      expect(time).toBeLessThanOrEqual(300 * 2 ** at);
    }
  });

  test('are not for a missing file or a full disk', async () => {
    let asked = 0;
    const full = retryStore(faultyStore(memoryStore(), () => (asked++, 'full')), { wait: async () => {} });
    await expect(full.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'store' });
    await expect(retryStore(memoryStore()).get('a')).rejects.toMatchObject({ code: 'vault' });
    expect(asked).toBe(1);
  });
});

describe('a limit on uploads', () => {
  test('holds on average over all puts, however many are under way, and delays nothing else', async () => {
    let time = 0;
    const store = limitStore(memoryStore(), 1000, { now: () => time, wait: async (milliseconds) => void (time += milliseconds) });
    await Promise.all(Array.from({ length: 5 }, (_, at) => store.put(`a${at}`, Buffer.alloc(2000))));
    // The first went at once; the last may start when the four before it should be over.
    expect(time).toBe(8000);
    expect(await store.get('a4')).toHaveLength(2000);
    expect(time).toBe(8000);
  });

  test('is none for a line that was idle long enough', async () => {
    let time = 0;
    const store = limitStore(memoryStore(), 1000, { now: () => time, wait: async (milliseconds) => void (time += milliseconds) });
    await store.put('a', Buffer.alloc(2000));
    time = 5000;
    await store.put('b', Buffer.alloc(10));
    expect(time).toBe(5000);
  });
});

storeContract('a store with a limit on uploads', async () => limitStore(memoryStore(), 1e9));

test('a file larger than one of a vault may be is refused, in a bucket', async () => {
  const sizes: Record<string, number> = { small: 5, large: largest + 1 };
  const bucket = { get: async (key: string) => new Uint8Array(sizes[key]!), close: async () => {} };
  const store = bucketStore({ scheme: 's3', bucket: 'b', prefix: '', name: 's3://b', parameters: {} }, bucket as unknown as Bucket);
  expect(await store.get('small')).toHaveLength(5);
  await expect(store.get('large')).rejects.toMatchObject({ code: 'vault', message: 's3://b: file larger than it can be: large' });
});

test.each(['swift', 'azure', 'gs', 's3'])('%s that sends more of a file than one may have is not listened to', async (scheme) => {
  const server = createServer((_, answer) => void answer.writeHead(200, { 'content-length': 1e15 }).write('begins'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gone = new Promise<void>((resolve) => server.on('connection', (socket) => socket.on('close', resolve)));
  const store = await openStore(`${scheme}://bucket`, { env: { AZURE_STORAGE_CONNECTION_STRING: `AccountName=a;AccountKey=a2V5;BlobEndpoint=${url}`, STORAGE_EMULATOR_HOST: url, AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'a' }, swift: async () => ({ url, token: async () => 't' }) });
  try {
    await expect(store.get('some')).rejects.toMatchObject({ code: 'vault', message: `${scheme}://bucket: file larger than it can be: some` });
    await gone;
  } finally {
    await store.close();
    server.closeAllConnections();
    server.close();
  }
});

test.each(['swift', 'azure', 'gs'])('%s is not asked for more of a file than one may have', async (scheme) => {
  const ranges: unknown[] = [];
  const server = createServer(({ headers }, answer) => {
    ranges.push(headers['range'] ?? headers['x-ms-range']);
    answer.end('whole');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { AZURE_STORAGE_CONNECTION_STRING: `AccountName=a;AccountKey=a2V5;BlobEndpoint=${url}`, STORAGE_EMULATOR_HOST: url };
  const store = await openStore(`${scheme}://bucket`, { env, swift: async () => ({ url, token: async () => 't' }) });
  try {
    expect(Buffer.from(await store.get('some')).toString()).toBe('whole');
    expect(ranges).toEqual([`bytes=0-${largest}`]);
  } finally {
    await store.close();
    server.closeAllConnections();
    server.close();
  }
});
