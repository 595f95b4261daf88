import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/cloud/config.ts';
import { failure } from './support.ts';

/** A folder with these files in it; `home` and `cwd` are folders below it. */
function place(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'clouds-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'cwd'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const env = (more: Record<string, string> = {}) => ({ HOME: join(root, 'home'), XDG_CONFIG_DIRS: join(root, 'etc'), ...more });
  return { root, cwd: join(root, 'cwd'), env };
}

const one = (url: string, more = '') => `clouds:\n  one:\n    auth: {auth_url: ${url}, username: loic, password: pw, project_name: p}\n${more}`;

describe('clouds.yaml', () => {
  test.each([
    ['the file that OS_CLIENT_CONFIG_FILE names', ['named.yaml', 'cwd/clouds.yaml', 'home/.config/openstack/clouds.yaml', 'etc/openstack/clouds.yaml'], 'named.yaml'],
    ['then the working directory', ['cwd/clouds.yaml', 'home/.config/openstack/clouds.yaml', 'etc/openstack/clouds.yaml'], 'cwd/clouds.yaml'],
    ["then the user's folder", ['home/.config/openstack/clouds.yml', 'etc/openstack/clouds.yaml'], 'home/.config/openstack/clouds.yml'],
    ["then the system's", ['etc/openstack/clouds.json'], 'etc/openstack/clouds.json'],
    ['.yaml before .json in one folder', ['cwd/clouds.json', 'cwd/clouds.yaml'], 'cwd/clouds.yaml'],
  ])('is looked for in order: %s', (_, files, first) => {
    const here = place(Object.fromEntries(files.map((file) => [file, one(`http://${file}`)])));
    const env = here.env(files.includes('named.yaml') ? { OS_CLIENT_CONFIG_FILE: join(here.root, 'named.yaml') } : {});
    const config = readConfig({ cloud: 'one', env, cwd: here.cwd });
    expect(config.auth['auth_url']).toBe(`http://${first}`);
    expect(config.source).toBe(join(here.root, first));
  });

  test('is completed by secure.yaml on top', () => {
    const here = place({ 'cwd/clouds.yaml': 'clouds: {one: {auth: {auth_url: "http://k", username: loic, password: old}, region_name: R}}', 'home/.config/openstack/secure.yaml': 'clouds: {one: {auth: {password: new}}}' });
    const config = readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd });
    expect(config.auth).toMatchObject({ username: 'loic', password: 'new' });
    expect(config.region).toBe('R');
  });

  test('takes what it does not say from the profile in clouds-public.yaml', () => {
    const here = place({
      'cwd/clouds.yaml': 'clouds: {one: {profile: acme, auth: {username: loic, password: pw}, region_name: east}}',
      'home/.config/openstack/clouds-public.yaml': 'public-clouds: {acme: {auth: {auth_url: "https://acme", user_domain_name: acme}, region_name: west, interface: internal}}',
    });
    const config = readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd });
    expect(config.auth).toMatchObject({ auth_url: 'https://acme', username: 'loic', user_domain_name: 'acme' });
    expect(config.region).toBe('east');
    expect(config.interfaces).toEqual(['internal']);
  });

  test('that names an unknown profile and no auth_url says which profiles there are', async () => {
    const here = place({ 'cwd/clouds.yaml': 'clouds: {one: {profile: nobody}}', 'cwd/clouds-public.yaml': 'public-clouds: {acme: {}}' });
    const error = await failure(() => readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd }));
    expect(error.message).toContain('"nobody"');
    expect(error.hint).toContain('acme');
  });

  test('may use anchors and merge keys', () => {
    const here = place({ 'cwd/clouds.yaml': 'base: &base {auth_url: "http://k", username: loic}\nclouds:\n  one:\n    auth:\n      <<: *base\n      password: pw\n' });
    expect(readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd }).auth).toMatchObject({ auth_url: 'http://k', username: 'loic', password: 'pw' });
  });

  test.each(['0123', '12345678901234567890', '1e5', '2024-01-01', '0x1F', 'yes', '1_000', '1:30'])('keeps %s as it is written: passwords and ids are no numbers', (text) => {
    const here = place({ 'cwd/clouds.yaml': `clouds: {one: {auth: {auth_url: "http://k", password: ${text}, project_id: ${text}}}}` });
    expect(readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd }).auth).toMatchObject({ password: text, project_id: text });
  });

  test.each([
    ['verify: false', { verify: false }],
    ['verify: no', { verify: false }],
    ['insecure: true', { verify: false }],
    ['insecure: "False"', { verify: true }],
    ['cacert: /a/ca.pem', { cacert: '/a/ca.pem', verify: true }],
    ['cert: c.pem\n    key: k.pem', { cert: 'c.pem', key: 'k.pem' }],
    ['interface: internalURL', { interfaces: ['internal'] }],
    ['endpoint_type: admin', { interfaces: ['admin'] }],
    ['interface: [internal, public]', { interfaces: ['internal', 'public'] }],
    ['regions: [north, south]', { region: 'north' }],
    ['regions: [{name: north, values: {interface: admin}}]', { region: 'north', interfaces: ['admin'] }],
    ['region_name: "a,b"', { region: 'a' }],
    ['auth-type: v3totp', { authType: 'v3totp' }],
    ['auth_methods: [v3password, v3totp]', { methods: ['v3password', 'v3totp'] }],
  ])('understands %s', (line, expected) => {
    const here = place({ 'cwd/clouds.yaml': one('http://k', `    ${line}\n`) });
    expect(readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd })).toMatchObject(expected);
  });

  test.each([
    ['tenant_name: t', { project_name: 't' }],
    ['project_name: p, domain_name: d', { user_domain_name: 'd', project_domain_name: 'd' }],
    ['project_name: p, default_domain: d', { user_domain_id: 'd', project_domain_id: 'd' }],
    ['project_name: p, user-domain-id: u, domain_id: d', { user_domain_id: 'u', project_domain_id: 'd' }],
  ])('understands auth: {%s}', (auth, expected) => {
    const here = place({ 'cwd/clouds.yaml': `clouds: {one: {auth: {auth_url: "http://k", ${auth}}}}` });
    expect(readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd }).auth).toMatchObject(expected);
  });

  test('lets OS_REGION_NAME choose the region, but not one that came with other OS_* credentials', () => {
    const here = place({ 'cwd/clouds.yaml': one('http://k', '    region_name: R\n') });
    expect(readConfig({ cloud: 'one', env: here.env({ OS_REGION_NAME: 'S' }), cwd: here.cwd }).region).toBe('S');
    expect(readConfig({ cloud: 'one', env: here.env({ OS_REGION_NAME: 'S', OS_AUTH_URL: 'http://other', OS_USERNAME: 'x' }), cwd: here.cwd }).region).toBe('R');
  });
});

describe('which cloud', () => {
  const two = 'clouds: {one: {auth: {auth_url: "http://1"}}, two: {auth: {auth_url: "http://2"}}}';

  test('is the one named, before OS_CLOUD, before the OS_* variables, before the only one', () => {
    const here = place({ 'cwd/clouds.yaml': two });
    const variables = { OS_AUTH_URL: 'http://env', OS_USERNAME: 'loic', OS_USER_DOMAIN_NAME: 'Default' };
    const name = (cloud: string | undefined, more: Record<string, string>) => readConfig({ ...(cloud && { cloud }), env: here.env(more), cwd: here.cwd });
    expect(name('two', { OS_CLOUD: 'one', ...variables }).auth['auth_url']).toBe('http://2');
    expect(name(undefined, { OS_CLOUD: 'one', ...variables }).auth['auth_url']).toBe('http://1');
    expect(name(undefined, variables)).toMatchObject({ name: 'envvars', auth: { auth_url: 'http://env', username: 'loic', user_domain_name: 'Default' } });
    expect(name('mine', { ...variables, OS_CLOUD_NAME: 'mine' }).auth['auth_url']).toBe('http://env');
    const single = place({ 'cwd/clouds.yaml': one('http://k') });
    expect(readConfig({ env: single.env(), cwd: single.cwd }).name).toBe('one');
  });

  test.each([
    ['an unknown name', { cloud: 'three' }, {}, /no cloud "three": there are: one, two \(.*clouds\.yaml\)/],
    ['no name where there are two', {}, {}, /which cloud/],
    ['a file that is not there', { cloud: 'one' }, { OS_CLIENT_CONFIG_FILE: '/nonexistent/clouds.yaml' }, /no such file: \/nonexistent/],
  ])('%s is one line that says what there is', async (_, cloud, env, message) => {
    const here = place({ 'cwd/clouds.yaml': two });
    const error = await failure(() => readConfig({ ...cloud, env: here.env(env), cwd: here.cwd }));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toBeTruthy();
  });

  test('no configuration at all says where one was looked for', async () => {
    const here = place({});
    const error = await failure(() => readConfig({ env: here.env(), cwd: here.cwd }));
    expect(error.message).toContain(here.cwd);
    expect(error.hint).toContain('openrc');
  });

  test('a broken file is named with its line, and nothing in it is quoted', async () => {
    const here = place({ 'cwd/clouds.yaml': 'clouds:\n  one:\n    auth: {password: hunter2\n  two: [' });
    const error = await failure(() => readConfig({ cloud: 'one', env: here.env(), cwd: here.cwd }));
    expect(error.message).toMatch(/clouds\.yaml line \d+/);
    expect(error.message).not.toContain('hunter2');
  });
});
