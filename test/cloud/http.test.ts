import { lookup } from 'node:dns/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as dial, createServer as createTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHttp, type HttpOptions } from '../../src/cloud/http.ts';
import { backoff, patience, retryAfter } from '../../src/cloud/retry.ts';
import { failure, json, quick, serve } from './support.ts';

function client(options: HttpOptions = {}) {
  const http = createHttp({ env: {}, patience: quick, ...options });
  onTestFinished(() => http.close());
  return http;
}

describe('a call is tried again', () => {
  test.each([
    ['GET', 502], ['GET', 503], ['GET', 504], ['PUT', 503], ['DELETE', 502],
  ] as const)('%s after %i, up to five times', async (method, status) => {
    const server = await serve((_, response, seen) => (seen.length < 5 ? json(response, status, {}) : { fine: true }));
    expect((await client().send({ method, url: server.url })).status).toBe(200);
    expect(server.seen).toHaveLength(5);
    const down = await serve((_, response) => json(response, status, {}));
    expect((await client().send({ method, url: down.url })).status).toBe(status);
    expect(down.seen).toHaveLength(5);
  });

  test('but not a POST, unless its caller says that it may be', async () => {
    const server = await serve((_, response, seen) => (seen.length === 1 ? json(response, 503, {}) : {}));
    expect((await client().send({ method: 'POST', url: server.url, body: '{}' })).status).toBe(503);
    const other = await serve((_, response, seen) => (seen.length === 1 ? json(response, 503, {}) : {}));
    expect((await client().send({ method: 'POST', url: other.url, body: '{}', repeatable: true })).status).toBe(200);
  });

  test('nor after 500, which may be for ever', async () => {
    const server = await serve((_, response) => json(response, 500, {}));
    await client().send({ method: 'GET', url: server.url });
    expect(server.seen).toHaveLength(1);
  });

  test('after a lost connection, where it may be repeated', async () => {
    const server = await serve((request, response, seen) => (seen.length < 3 ? void request.socket.destroy() : { fine: true }));
    expect((await client().send({ method: 'GET', url: server.url })).text).toBe('{"fine":true}');
    const post = await serve((request) => void request.socket.destroy());
    expect(await failure(client().send({ method: 'POST', url: post.url }))).toMatchObject({ code: 'network' });
    expect(post.seen).toHaveLength(1);
  });

  test('after an answer that broke off', async () => {
    const server = await serve((request, response, seen) => {
      if (seen.length > 1) return { fine: true };
      response.writeHead(200, { 'content-length': '100' }).write('half');
      setTimeout(() => request.socket.destroy(), 10);
      return undefined;
    });
    expect((await client().send({ method: 'GET', url: server.url })).text).toBe('{"fine":true}');
  });

  test('after a refused connection even where it is a POST, for it was never sent', async () => {
    const probe = createTcp().listen(0, '127.0.0.1');
    await new Promise((done) => probe.once('listening', done));
    const { port } = probe.address() as AddressInfo;
    await new Promise((done) => probe.close(done));
    const later = createServer((_, response) => response.end('{}'));
    onTestFinished(() => void later.close());
    setTimeout(() => later.listen(port, '127.0.0.1'), 150);
    const reply = await client({ patience: { base: 200, most: 200, tries: 20 } }).send({ method: 'POST', url: `http://127.0.0.1:${port}/` });
    expect(reply.status).toBe(200);
  });

  test('with pauses that are drawn at random, double, and have a limit', () => {
    for (const [attempt, most] of [[1, 500], [2, 1000], [4, 4000], [9, 8000]] as const) {
      const drawn = Array.from({ length: 200 }, () => backoff(attempt, patience));
      expect(Math.max(...drawn)).toBeLessThanOrEqual(most);
      expect(Math.max(...drawn)).toBeGreaterThan(most / 2);
      expect(Math.min(...drawn)).toBeLessThan(most / 2);
    }
  });
});

describe('a cloud that limits the rate of calls', () => {
  test.each([413, 429, 503])('with %i and Retry-After is waited for, whatever the call', async (status) => {
    const times: number[] = [];
    const server = await serve((_, response, seen) => {
      times.push(performance.now());
      return seen.length === 1 ? json(response, status, {}, { 'retry-after': '1' }) : { fine: true };
    });
    expect((await client().send({ method: 'POST', url: server.url, body: '{}' })).status).toBe(200);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);
  });

  test('with 429 alone is waited for by guess', async () => {
    const server = await serve((_, response, seen) => (seen.length < 4 ? json(response, 429, {}) : {}));
    expect((await client().send({ method: 'POST', url: server.url })).status).toBe(200);
  });

  test('for longer than we bear, or for ever, is an error', async () => {
    const long = await serve((_, response) => json(response, 429, {}, { 'retry-after': '7200' }));
    const error = await failure(client().send({ method: 'GET', url: long.url }));
    expect(error).toMatchObject({ code: 'cloud', status: 429 });
    expect(error.message).toContain('7200 s');
    const forever = await serve((_, response) => json(response, 429, {}, { 'retry-after': '0' }));
    await failure(client().send({ method: 'GET', url: forever.url }));
    expect(forever.seen).toHaveLength(patience.refusals + 1);
  });

  test("is not what Cinder's 413 with a Retry-After of 0 means: that is a quota", async () => {
    const server = await serve((_, response) => json(response, 413, { overLimit: { message: 'quota' } }, { 'retry-after': '0' }));
    expect((await client().send({ method: 'POST', url: server.url })).status).toBe(413);
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    ['7', 7000],
    ['0', 0],
    ['Wed, 21 Oct 2015 07:28:10 GMT', 10_000],
    ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('says Retry-After: %s', (header, expected) => {
    expect(retryAfter(header, Date.parse('Wed, 21 Oct 2015 07:28:00 GMT'))).toBe(expected);
  });
});

describe('a redirect', () => {
  test('of a GET is followed, within limits', async () => {
    const server = await serve((request, response) => (request.url === '/a' ? void response.writeHead(302, { location: '/b' }).end() : { at: request.url }));
    expect((await client().send({ method: 'GET', url: `${server.url}/a` })).text).toBe('{"at":"/b"}');
    const round = await serve((_, response) => void response.writeHead(301, { location: '/' }).end());
    expect((await client().send({ method: 'GET', url: round.url })).status).toBe(301);
  });

  test('to another host does not take the token along', async () => {
    const other = await serve(() => ({}));
    const server = await serve((_, response) => void response.writeHead(307, { location: other.url.replace('127.0.0.1', 'localhost') }).end());
    await client().send({ method: 'GET', url: server.url, headers: { 'x-auth-token': 'secret', accept: 'x' } });
    expect(server.seen[0]!.headers['x-auth-token']).toBe('secret');
    expect(other.seen[0]!.headers['x-auth-token']).toBeUndefined();
    expect(other.seen[0]!.headers['accept']).toBe('x');
  });

  test('of a POST is not followed', async () => {
    const server = await serve((_, response) => void response.writeHead(302, { location: '/b' }).end());
    expect((await client().send({ method: 'POST', url: server.url })).status).toBe(302);
  });
});

const noHost: unknown = await lookup('nobody.invalid').catch(({ code }: NodeJS.ErrnoException) => code);

describe('no answer', () => {
  test.each([
    // Where there is no network at all, nobody knows whether there is such a host.
    ['http://nobody.invalid/', noHost === 'ENOTFOUND' ? 'no such host' : 'the name could not be looked up'],
    ['http://127.0.0.1:1/', 'connection refused'],
  ])('from %s is told in words', async (url, words) => {
    const error = await failure(client().send({ method: 'GET', url }));
    expect(error.code).toBe('network');
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toBeTruthy();
  });

  test('leaves the query out of the message', async () => {
    expect((await failure(client().send({ method: 'GET', url: 'http://127.0.0.1:1/a?temp_url_sig=secret' }))).message).not.toContain('secret');
  });
});

describe('an interruption', () => {
  test.each(['while waiting for an answer', 'while waiting to try again', 'before the call'])('%s ends the call at once', async (when) => {
    const server = await serve((_, response) => (when === 'while waiting to try again' ? json(response, 429, {}, { 'retry-after': '60' }) : undefined));
    const controller = new AbortController();
    if (when === 'before the call') controller.abort();
    else setTimeout(() => controller.abort(), 100);
    const started = performance.now();
    expect((await failure(client().send({ method: 'GET', url: server.url, signal: controller.signal }))).code).toBe('interrupted');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

test('the proxies of the environment are used, and no_proxy respected', async () => {
  const target = await serve(() => ({ from: 'target' }));
  const { host } = new URL(target.url);
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('{"from":"proxy"}');
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [name, port] = request.url!.split(':');
    const through = dial(Number(port), name, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    through.pipe(socket).pipe(through);
    socket.on('error', () => through.destroy());
    through.on('error', () => socket.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  expect((await client({ env: { http_proxy: address } }).send({ method: 'GET', url: target.url })).text).toBe('{"from":"proxy"}');
  expect(asked).toEqual([`GET ${target.url}/`]);
  expect((await client({ env: { http_proxy: address, no_proxy: '127.0.0.1' } }).send({ method: 'GET', url: target.url })).text).toBe('{"from":"target"}');
  await failure(client({ env: { https_proxy: address } }).send({ method: 'GET', url: `https://${host}/` }));
  expect(asked.at(-1)).toBe(`CONNECT ${host}`);
});

test('what is asked and answered is told line by line, and never a token', async () => {
  const server = await serve(() => ({}));
  const lines: string[] = [];
  await client({ emit: (event) => event.type === 'debug' && lines.push(event.message) }).send({ method: 'GET', url: `${server.url}/x`, headers: { 'x-auth-token': 'tokentoken' } });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^GET http.*\/x 200 in \d+ ms$/);
});
