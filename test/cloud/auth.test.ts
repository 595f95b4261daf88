import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CloudOptions, connect } from '../../src/cloud/index.ts';
import { needs, selfSigned } from '../tools.ts';
import { type Handler, failure, fakeCloud, json, quick, serve } from './support.ts';

async function login(env: Record<string, string | undefined>, options: CloudOptions = {}) {
  const cloud = await connect({ env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)), cwd: '/nonexistent', patience: quick, ...options });
  onTestFinished(() => cloud.close());
  return cloud;
}

describe('logging in', () => {
  const scope = { project: { name: 'miop', domain: { id: 'default' } } };
  const user = { name: 'loic', domain: { id: 'default' } };

  test.each([
    ['password', {}, { identity: { methods: ['password'], password: { user: { ...user, password: 'secret' } } }, scope }],
    ['v3password with domains', { OS_USER_DOMAIN_NAME: 'people', OS_PROJECT_DOMAIN_ID: 'd9', OS_AUTH_TYPE: 'v3password' }, { identity: { methods: ['password'], password: { user: { name: 'loic', domain: { name: 'people' }, password: 'secret' } } }, scope: { project: { name: 'miop', domain: { id: 'd9' } } } }],
    ['ids', { OS_USER_ID: 'u7', OS_PROJECT_ID: 'p7' }, { identity: { methods: ['password'], password: { user: { id: 'u7', password: 'secret' } } }, scope: { project: { id: 'p7' } } }],
    ['v3totp', { OS_AUTH_TYPE: 'v3totp', OS_PASSCODE: '123456' }, { identity: { methods: ['totp'], totp: { user: { ...user, passcode: '123456' } } }, scope }],
    ['v3multifactor', { OS_AUTH_TYPE: 'v3multifactor', OS_AUTH_METHODS: 'v3password,v3totp', OS_PASSCODE: '1' }, { identity: { methods: ['password', 'totp'], password: { user: { ...user, password: 'secret' } }, totp: { user: { ...user, passcode: '1' } } }, scope }],
    ['v3applicationcredential, which is bound to its project', { OS_AUTH_TYPE: 'v3applicationcredential', OS_APPLICATION_CREDENTIAL_ID: 'a', OS_APPLICATION_CREDENTIAL_SECRET: 's' }, { identity: { methods: ['application_credential'], application_credential: { id: 'a', secret: 's' } } }],
    ['an application credential by its name, without its type being said', { OS_PASSWORD: undefined, OS_APPLICATION_CREDENTIAL_NAME: 'a', OS_APPLICATION_CREDENTIAL_SECRET: 's' }, { identity: { methods: ['application_credential'], application_credential: { name: 'a', secret: 's', user } } }],
  ])('by %s', async (_, env, auth) => {
    const fake = await fakeCloud();
    const cloud = await login({ ...fake.env, ...env });
    expect(fake.logins).toEqual([auth]);
    expect(cloud).toMatchObject({ name: 'envvars', region: 'one', project: { id: 'p1', name: 'miop' }, user: { id: 'u1', name: 'loic' } });
  });

  test('by a token takes it as it stands where it is for that project, and asks for another one else', async () => {
    const fake = await fakeCloud();
    const id = await (await login(fake.env)).token();
    const env = { OS_AUTH_URL: fake.env['OS_AUTH_URL']!, OS_TOKEN: id, HOME: '/nonexistent' };
    expect(await (await login(env)).token()).toBe('token-1');
    expect(await (await login({ ...env, OS_PROJECT_NAME: 'miop' })).token()).toBe('token-1');
    expect(fake.logins).toHaveLength(1);
    expect(await (await login({ ...env, OS_PROJECT_NAME: 'other' })).token()).toBe('token-2');
    expect(fake.logins[1]).toEqual({ identity: { methods: ['token'], token: { id } }, scope: { project: { name: 'other', domain: { id: 'default' } } } });
    expect(await (await login({ ...env, OS_PROJECT_NAME: 'miop', OS_PROJECT_DOMAIN_ID: 'elsewhere' })).token()).toBe('token-3');
    expect(await failure(login({ ...env, OS_TOKEN: 'old' }))).toMatchObject({ code: 'auth', message: expect.stringContaining('not accepted') });
  });

  test.each([
    ['v3oidcpassword', { OS_USERNAME: 'loic', OS_CLIENT_SECRET: 'cs', OS_DISCOVERY_ENDPOINT: '{idp}/.well-known/openid-configuration' }, { grant_type: 'password', username: 'loic', password: 'secret', scope: 'openid profile' }],
    ['v3oidcclientcredentials', { OS_CLIENT_SECRET: 'cs', OS_ACCESS_TOKEN_ENDPOINT: '{idp}/token', OS_OPENID_SCOPE: 'openid email' }, { grant_type: 'client_credentials', scope: 'openid email' }],
    ['v3oidcaccesstoken', { OS_ACCESS_TOKEN: 'access' }, undefined],
  ])('by %s goes to the identity provider first', async (type, env, form) => {
    const idp = await serve((request) => (request.url === '/token' ? { access_token: 'access' } : { token_endpoint: `http://${request.headers.host}/token` }));
    const federation: Handler = (request, response) => {
      if (request.url !== '/identity/v3/OS-FEDERATION/identity_providers/acme/protocols/openid/auth') return undefined;
      return request.headers['authorization'] === 'Bearer access' ? json(response, 201, { token: {} }, { 'x-subject-token': 'unscoped' }) : json(response, 401, {});
    };
    const fake = await fakeCloud({ service: federation });
    const settings = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replace('{idp}', idp.url)]));
    await login({ ...fake.env, ...settings, OS_AUTH_TYPE: type, OS_IDENTITY_PROVIDER: 'acme', OS_PROTOCOL: 'openid', OS_CLIENT_ID: 'ci' });
    expect(fake.logins).toEqual([{ identity: { methods: ['token'], token: { id: 'unscoped' } }, scope }]);
    const posted = idp.seen.find((seen) => seen.url === '/token');
    expect(posted && Object.fromEntries(new URLSearchParams(posted.body))).toEqual(form);
    if (posted) expect(posted.headers['authorization']).toBe(`Basic ${Buffer.from('ci:cs').toString('base64')}`);
  });

  test.each(['', '/', '/v3', '/v3/', '/v2.0'])('finds Keystone v3 for an auth_url that ends in "%s"', async (ending) => {
    const fake = await fakeCloud();
    await login({ ...fake.env, OS_AUTH_URL: `${fake.url}/identity${ending}` });
    expect(fake.seen.map((seen) => seen.url)).toEqual(['/identity/v3/auth/tokens']);
  });

  test('asks for a password only where none is configured', async () => {
    const fake = await fakeCloud();
    let asked = 0;
    const password = async () => ((asked += 1), 'typed');
    await login(fake.env, { password });
    expect(asked).toBe(0);
    await login({ ...fake.env, OS_PASSWORD: undefined }, { password });
    expect(asked).toBe(1);
    expect(fake.logins[1].identity.password.user.password).toBe('typed');
  });

  test.each([
    ['a wrong password', { OS_PASSWORD: 'wrong' }, 'auth', /does not accept user "loic" in project "miop"/],
    ['no password', { OS_PASSWORD: undefined }, 'usage', /needs the setting password/],
    ['no auth_url', { OS_AUTH_URL: undefined }, 'usage', /no auth_url/],
    ['an auth_url that is none', { OS_AUTH_URL: 'keystone:5000' }, 'usage', /is not an address/],
    ['an unknown auth_type', { OS_AUTH_TYPE: 'v3kerberos' }, 'usage', /"v3kerberos" is not supported/],
    ['an auth_url where nobody answers', { OS_AUTH_URL: 'http://127.0.0.1:1/v3' }, 'network', /connection refused/],
    ['a region that the cloud does not have', { OS_REGION_NAME: 'two' }, 'usage', /no region "two": there is one/],
    ['multi-factor without methods', { OS_AUTH_TYPE: 'v3multifactor' }, 'usage', /auth_methods/],
  ] as const)('with %s is one clear line and a hint, without a secret', async (_, env, code, message) => {
    const fake = await fakeCloud();
    const error = await failure(login({ ...fake.env, ...env }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    expect(`${error.message} ${error.hint}`).not.toMatch(/\n|secret|token-/);
  });

  test.each([
    ['is no Keystone', 404, {}, {}, /no Keystone v3 at/],
    ['lists its versions', 300, { versions: [] }, {}, /no Keystone v3 at/],
    ['redirects', 301, {}, { location: 'https://elsewhere/v3/auth/tokens' }, /elsewhere: https:\/\/elsewhere/],
    ['answers with something else', 200, { hello: 1 }, {}, /does not answer as Keystone does/],
    ['wants a second factor', 401, {}, { 'openstack-auth-receipt': 'r' }, /more than one factor/],
    ['gives an unscoped token', 201, { token: { user: {}, catalog: [] } }, { 'x-subject-token': 't' }, /name no project/],
  ])('at an address that %s is a clear error', async (_, status, body, headers, message) => {
    const server = await serve((_request, response) => json(response, status, body, headers as Record<string, string>));
    const error = await failure(login({ OS_AUTH_URL: server.url, OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'x', HOME: '/nonexistent' }));
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });
});

describe('a token', () => {
  const listing: (fake: { valid(id: unknown): boolean }) => Handler = (fake) => (request, response) =>
    request.url!.startsWith('/compute/v2.1/servers') ? (fake.valid(request.headers['x-auth-token']) ? { servers: [] } : json(response, 401, { error: { message: 'no' } })) : undefined;

  test('is renewed before it ends', async () => {
    const fake = await fakeCloud({ life: 4 });
    const cloud = await login(fake.env);
    expect(await cloud.token()).toBe('token-1');
    await new Promise((done) => setTimeout(done, 2_500));
    expect(await cloud.token()).toBe('token-2');
    expect(await cloud.token()).toBe('token-2');
  });

  test('that was refused is replaced once, by one login for all calls, and the calls are repeated', async () => {
    const box: { fake?: Awaited<ReturnType<typeof fakeCloud>> } = {};
    const fake = (box.fake = await fakeCloud({ service: (...args) => listing(box.fake!)(...args) }));
    const compute = await (await login(fake.env)).service('compute');
    await compute.get('/servers');
    fake.revoke();
    await Promise.all(Array.from({ length: 5 }, () => compute.get('/servers')));
    await compute.post('/servers/x/action', { resume: null }).catch(() => {});
    expect(fake.logins).toHaveLength(2);
  });

  test('that is refused again is an error, not a loop', async () => {
    const fake = await fakeCloud({ service: (request, response) => (request.url === '/compute/v2.1/servers' ? json(response, 401, { error: { message: 'no' } }) : undefined) });
    const compute = await (await login(fake.env)).service('compute');
    const error = await failure(compute.get('/servers'));
    expect(error.code).toBe('auth');
    expect(error.hint).toContain('access rules');
    expect(fake.logins).toHaveLength(2);
  });

  test('that is refused in the middle of an upload is an error: the body cannot be sent again', async () => {
    const fake = await fakeCloud({ service: (request, response) => (request.url === '/image/v2/images/i/file' ? json(response, 401, {}) : undefined) });
    const image = await (await login(fake.env)).service('image');
    let starts = 0;
    const body = { [Symbol.asyncIterator]: async function* () { starts += 1; yield Buffer.from('abc'); } };
    expect((await failure(image.upload('/images/i/file', body, 3))).code).toBe('auth');
    expect(starts).toBe(1);
  });
});

describe('a cloud with a certificate of its own', () => {
  needs('openssl');

  test('needs its authority, or to be told not to verify', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { key, cert } = selfSigned(folder);
    const body = { token: { user: { id: 'u', name: 'u' }, project: { id: 'p', name: 'p' }, issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-01T01:00:00Z', catalog: [] } };
    const server = createTls({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => void json(response, 201, body, { 'x-subject-token': 't' }));
    await new Promise<void>((done) => server.listen(0, 'localhost', done));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const env = { OS_AUTH_URL: `https://localhost:${(server.address() as AddressInfo).port}`, OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'p', HOME: '/nonexistent' };
    const error = await failure(login(env));
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('self-signed'), hint: expect.stringContaining('cacert') });
    expect((await login({ ...env, OS_CACERT: cert })).project.id).toBe('p');
    expect((await login({ ...env, OS_INSECURE: 'true' })).project.id).toBe('p');
    expect(await failure(login({ ...env, OS_CACERT: '/nonexistent.pem' }))).toMatchObject({ code: 'usage', message: expect.stringContaining('/nonexistent.pem') });
  });
});
