import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { BaluchonError } from '../../src/errors.ts';
import { type Handler, failure, fakeCloud, json, quick } from './support.ts';

async function glance(file: Handler) {
  const fake = await fakeCloud({ stream: true, service: (request, response, seen) => (request.url!.endsWith('/file') ? file(request, response, seen) : undefined) });
  const cloud = await connect({ env: fake.env, cwd: '/nonexistent', patience: quick });
  onTestFinished(() => cloud.close());
  return { fake, image: await cloud.service('image'), ranges: () => fake.seen.filter((seen) => seen.url.endsWith('/file')).map((seen) => seen.headers['range']) };
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

const content = randomBytes(300_000);

/** Sends what a Range asks for (or all of it), and drops the connection after `most` bytes. */
function sends(request: IncomingMessage, response: ServerResponse, options: { most?: number; ignoresRange?: boolean; chunked?: boolean; lies?: boolean } = {}): undefined {
  const asked = options.ignoresRange ? null : /bytes=(\d+)-(\d*)/.exec(request.headers['range'] ?? '');
  const from = Number(asked?.[1] ?? 0);
  const to = asked?.[2] ? Number(asked[2]) + 1 : content.length;
  const part = content.subarray(from, to);
  response.writeHead(asked ? 206 : 200, {
    ...(!options.chunked && { 'content-length': part.length }),
    ...(asked && { 'content-range': `bytes ${options.lies ? from + 1 : from}-${to - 1}/${content.length}` }),
  });
  if (options.most === undefined || options.most >= part.length) response.end(part);
  else response.write(part.subarray(0, options.most), () => setTimeout(() => request.socket.destroy(), 20));
  return undefined;
}

describe('a download', () => {
  test('gives size, headers and every byte', async () => {
    const { image } = await glance((request, response) => sends(request, response));
    const { size, headers, body } = await image.download('/images/i/file');
    expect(size).toBe(content.length);
    expect(headers['content-length']).toBe(String(content.length));
    expect((await bytesOf(body)).equals(content)).toBe(true);
  });

  test('goes on where the connection was lost, as often as it moves on', async () => {
    const { image, ranges } = await glance((request, response) => sends(request, response, { most: 40_000 }));
    const { body } = await image.download('/images/i/file');
    expect((await bytesOf(body)).equals(content)).toBe(true);
    expect(ranges().length).toBeGreaterThan(5);
    expect(ranges().slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
  });

  test('of unknown length goes on as well', async () => {
    const { image } = await glance((request, response, seen) => sends(request, response, { chunked: true, ...(seen.filter((each) => each.url.endsWith('/file')).length === 1 && { most: 100_000 }) }));
    const { size, body } = await image.download('/images/i/file');
    expect(size).toBeUndefined();
    expect((await bytesOf(body)).equals(content)).toBe(true);
  });

  test('of a range goes on within it', async () => {
    const { image } = await glance((request, response) => sends(request, response, { most: 30_000 }));
    const { size, body } = await image.download('/images/i/file', { headers: { Range: 'bytes=1000-100999' } });
    expect(size).toBe(100_000);
    expect((await bytesOf(body)).equals(content.subarray(1000, 101_000))).toBe(true);
  });

  test.each([
    ['begins again instead of going on', { ignoresRange: true }],
    ['goes on somewhere else', { lies: true }],
  ])('is an error where the server %s, for the bytes would be wrong', async (_, manners) => {
    const { image } = await glance((request, response) => sends(request, response, { most: 40_000, ...manners }));
    const error = await failure(image.download('/images/i/file').then(({ body }) => bytesOf(body)));
    expect(error.code).toBe('network');
    expect(error.message).toMatch(/broke off after \d+ of 300000 bytes/);
    expect(error.hint).toContain('start again');
  });

  test('is given up where nothing comes any more', async () => {
    let served = 0;
    const { image, ranges } = await glance((request, response) => sends(request, response, { most: (served += 1) === 1 ? 1000 : 0 }));
    const error = await failure(image.download('/images/i/file').then(({ body }) => bytesOf(body)));
    expect(error).toMatchObject({ code: 'network', hint: expect.stringContaining('not stable') });
    expect(ranges().length).toBeLessThan(10);
  });

  test('of an image without bytes is empty', async () => {
    const { image } = await glance((_, response) => void response.writeHead(204).end());
    const { size, body } = await image.download('/images/i/file');
    expect([size, (await bytesOf(body)).length]).toEqual([0, 0]);
  });

  test('of what is not there is the service\'s own error', async () => {
    const { image } = await glance((_, response) => json(response, 404, { message: 'No image found with ID i' }));
    expect(await failure(image.download('/images/i/file'))).toMatchObject({ code: 'not-found', message: expect.stringContaining('No image found with ID i') });
  });

  test('that its reader leaves closes the connection, and one that is slow stops the server', async () => {
    let written = 0;
    let closed = false;
    const { image } = await glance((request, response) => {
      request.socket.on('close', () => (closed = true));
      response.writeHead(200, { 'content-length': String(1 << 30) });
      const block = Buffer.alloc(1 << 20);
      const more = () => {
        while (written < 1 << 30 && !response.destroyed) {
          written += block.length;
          if (!response.write(block)) return void response.once('drain', more);
        }
      };
      more();
    });
    const { body } = await image.download('/images/i/file');
    for await (const part of body) {
      expect(part.length).toBeGreaterThan(0);
      await new Promise((done) => setTimeout(done, 300));
      break;
    }
    expect(written).toBeLessThan(64 << 20);
    await expect.poll(() => closed).toBe(true);
  });

  test('ends at once when it is interrupted', async () => {
    const { image } = await glance((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('begin');
    });
    const controller = new AbortController();
    const { body } = await image.download('/images/i/file', { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect((await failure(bytesOf(body))).code).toBe('interrupted');
  });
});

describe('an upload', () => {
  async function* blocks(count: number, size = 1 << 16) {
    for (let n = 0; n < count; n += 1) yield Buffer.alloc(size, n);
  }

  test.each([
    ['of known size has it in a header', 20 << 16, String(20 << 16), undefined],
    ['of unknown size is sent in chunks', undefined, undefined, 'chunked'],
  ])('%s', async (_, size, length, encoding) => {
    const digest = createHash('sha256');
    const { image, fake } = await glance(async (request, response) => {
      for await (const chunk of request) digest.update(chunk);
      response.writeHead(204).end();
    });
    await image.upload('/images/i/file', blocks(20), size);
    const sent = createHash('sha256');
    for await (const block of blocks(20)) sent.update(block);
    expect(digest.digest('hex')).toBe(sent.digest('hex'));
    expect(fake.seen.at(-1)).toMatchObject({ method: 'PUT' });
    expect(fake.seen.at(-1)!.headers['content-type']).toBe('application/octet-stream');
    expect([fake.seen.at(-1)!.headers['content-length'], fake.seen.at(-1)!.headers['transfer-encoding']]).toEqual([length, encoding]);
  });

  test('waits for a server that reads slowly', async () => {
    let release: () => void = () => {};
    const gate = new Promise<void>((done) => (release = done));
    const { image } = await glance(async (request, response) => {
      await gate;
      for await (const _ of request);
      response.writeHead(204).end();
    });
    let given = 0;
    const counted = async function* () {
      for await (const block of blocks(1000)) {
        given += 1;
        yield block;
      }
    };
    const done = image.upload('/images/i/file', counted(), 1000 << 16);
    await new Promise((wait) => setTimeout(wait, 400));
    expect(given).toBeLessThan(500);
    release();
    await done;
    expect(given).toBe(1000);
  });

  test('that the server refuses before it has read it all ends with the server\'s words, and is not sent again', async () => {
    const { image, fake } = await glance((request, response) => {
      request.once('data', () => json(response, 413, { message: 'Image exceeds the storage quota' }));
      return undefined;
    });
    let released = false;
    const body = async function* () {
      try {
        yield* blocks(5000);
      } finally {
        released = true;
      }
    };
    expect(await failure(image.upload('/images/i/file', body(), 5000 << 16))).toMatchObject({ code: 'quota', message: expect.stringContaining('Image exceeds the storage quota') });
    await expect.poll(() => released).toBe(true);
    expect(fake.seen.filter((seen) => seen.method === 'PUT')).toHaveLength(1);
  });

  test('whose source breaks ends with the source\'s own error', async () => {
    const { image } = await glance(async (request) => {
      for await (const _ of request);
    });
    const body = async function* () {
      yield Buffer.alloc(1000);
      throw new BaluchonError('vault', 'pack ab is damaged');
    };
    expect(await failure(image.upload('/images/i/file', body(), 5000))).toMatchObject({ code: 'vault', message: 'pack ab is damaged' });
  });

  test.each([['shorter', 900], ['longer', 1100]])('whose source is %s than announced fails, and is never taken for whole', async (_, size) => {
    let whole = false;
    const { image } = await glance(async (request, response) => {
      try {
        let got = 0;
        for await (const chunk of request) got += chunk.length;
        whole = got === 1000;
        response.writeHead(204).end();
      } catch {
        response.destroy();
      }
    });
    const body = async function* () {
      yield Buffer.alloc(size);
    };
    await failure(image.upload('/images/i/file', body(), 1000));
    expect(whole).toBe(false);
  });

  test('ends at once when it is interrupted, and lets its source go', async () => {
    const { image } = await glance(() => new Promise(() => {}));
    const controller = new AbortController();
    let released = false;
    const body = async function* () {
      try {
        yield* blocks(100_000);
      } finally {
        released = true;
      }
    };
    setTimeout(() => controller.abort(), 100);
    expect((await failure(image.upload('/images/i/file', body(), 100_000 * 65_536, { signal: controller.signal }))).code).toBe('interrupted');
    await expect.poll(() => released).toBe(true);
  });
});
