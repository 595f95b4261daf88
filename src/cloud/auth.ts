import { BaluchonError } from '../errors.ts';
import type { CatalogEntry } from './catalog.ts';
import { type CloudConfig, need } from './config.ts';
import { faultOf, type Reply, wordsOf } from './faults.ts';
import type { Http } from './http.ts';
import { oidcToken } from './oidc.ts';

/** What Keystone gives for credentials. */
export interface Token {
  /** Secret. */
  id: string;
  /** When it ends by our own clock, milliseconds since 1970. */
  ends: number;
  /** How long it lasts from its receipt, milliseconds. */
  life: number;
  project: { id: string; name: string; domain?: { id?: string; name?: string } } | undefined;
  user: { id: string; name: string };
  catalog: CatalogEntry[];
}

type Methods = Record<string, object>;

const kinds: Record<string, string> = {
  password: 'password',
  v3password: 'password',
  token: 'token',
  v3token: 'token',
  v3applicationcredential: 'application_credential',
  applicationcredential: 'application_credential',
  v3totp: 'totp',
  v3multifactor: 'multifactor',
  v3oidcpassword: 'oidc',
  v3oidcclientcredentials: 'oidc',
  v3oidcaccesstoken: 'oidc',
};

/** The auth types that are understood, as clouds.yaml spells them. */
export const authTypes = Object.keys(kinds);

/** What the configuration says, or what the credentials in it suggest. */
export function authTypeOf(config: CloudConfig): string {
  const { auth } = config;
  const type = config.authType ?? (auth['application_credential_secret'] ? 'v3applicationcredential' : auth['token'] && !auth['password'] ? 'token' : 'password');
  if (!kinds[type]) {
    throw new BaluchonError('usage', `cloud "${config.name}": auth_type "${type}" is not supported`, { hint: `use one of ${authTypes.join(', ')}; an application credential works with every cloud` });
  }
  return type;
}

/** Keystone's v3 root for an auth_url with or without a version. */
export function keystoneUrl(config: CloudConfig): string {
  const text = config.auth['auth_url'];
  if (!text) throw new BaluchonError('usage', `cloud "${config.name}": no auth_url (${config.source})`, { hint: 'it is the address of Keystone, such as https://cloud.example:5000/v3' });
  let url: URL;
  try {
    url = new URL(text);
    if (!/^https?:$/.test(url.protocol)) throw new Error('not http');
  } catch {
    throw new BaluchonError('usage', `cloud "${config.name}": auth_url "${text}" is not an address`, { hint: 'it begins with http:// or https://' });
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(v2\.0|v3)(\/auth\/tokens)?$/, '');
  return `${url.origin}${path}/v3`;
}

/** Asks Keystone for a token. Throws `auth` (who we are), `usage` (incomplete configuration), `network`, `cloud`. */
export async function authenticate(http: Http, config: CloudConfig, signal?: AbortSignal): Promise<Token> {
  const type = authTypeOf(config);
  const url = keystoneUrl(config);
  if (kinds[type] === 'token') {
    // A token may be scoped as it should be already, and many clouds do not let it be scoped again.
    const own = await readToken(http, url, need(config, type, 'token'), signal);
    if (own.project && isWanted(own.project, config)) return own;
    if (!wantsProject(config)) throw unscoped(config);
    return issue(http, config, { token: { id: own.id } }, signal);
  }
  if (kinds[type] === 'oidc') {
    const unscopedId = await oidcToken(http, config, type, url, signal);
    return issue(http, config, { token: { id: unscopedId } }, signal);
  }
  if (type === 'v3multifactor') {
    if (config.methods.length === 0) throw new BaluchonError('usage', `cloud "${config.name}": auth_type v3multifactor needs auth_methods`, { hint: 'such as auth_methods: [v3password, v3totp]' });
    return issue(http, config, Object.assign({}, ...config.methods.map((each) => method(config, each))), signal);
  }
  return issue(http, config, method(config, type), signal);
}

function method(config: CloudConfig, type: string): Methods {
  const { auth } = config;
  switch (kinds[type]) {
    case 'password':
      return { password: { user: { ...user(config, type), password: need(config, type, 'password') } } };
    case 'totp':
      return { totp: { user: { ...user(config, type), passcode: need(config, type, 'passcode') } } };
    case 'token':
      return { token: { id: need(config, type, 'token') } };
    case 'application_credential': {
      const secret = need(config, type, 'application_credential_secret');
      const id = auth['application_credential_id'];
      return { application_credential: id ? { id, secret } : { name: need(config, type, 'application_credential_name'), secret, user: user(config, type) } };
    }
    default:
      throw new BaluchonError('usage', `cloud "${config.name}": "${type}" cannot be one of auth_methods`, { hint: 'v3password, v3totp, v3token and v3applicationcredential can' });
  }
}

function user(config: CloudConfig, type: string): object {
  const { auth } = config;
  if (auth['user_id']) return { id: auth['user_id'] };
  return { name: need(config, type, 'username'), domain: domain(auth, 'user') };
}

function domain(auth: Record<string, string>, whose: 'user' | 'project'): object {
  const [id, name] = [auth[`${whose}_domain_id`], auth[`${whose}_domain_name`]];
  return id ? { id } : name ? { name } : { id: 'default' };
}

function wantsProject(config: CloudConfig): boolean {
  return Boolean(config.auth['project_id'] || config.auth['project_name']);
}

function isWanted(project: NonNullable<Token['project']>, { auth }: CloudConfig): boolean {
  if (auth['project_id']) return auth['project_id'] === project.id;
  if (!auth['project_name']) return true;
  const [id, name] = [auth['project_domain_id'], auth['project_domain_name']];
  return auth['project_name'] === project.name && (!id || id === project.domain?.id) && (!name || name === project.domain?.name);
}

async function issue(http: Http, config: CloudConfig, methods: Methods, signal: AbortSignal | undefined): Promise<Token> {
  const { auth } = config;
  const bound = 'application_credential' in methods;
  const scope = bound || !wantsProject(config) ? undefined : { project: auth['project_id'] ? { id: auth['project_id'] } : { name: auth['project_name'], domain: domain(auth, 'project') } };
  const url = keystoneUrl(config);
  const reply = await http.send({
    method: 'POST',
    url: `${url}/auth/tokens`,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: Object.keys(methods), ...methods }, ...(scope && { scope }) } }),
    // A token too many does no harm.
    repeatable: true,
    ...(signal && { signal }),
  });
  if (reply.status !== 201 && reply.status !== 200) throw refusal(config, url, reply, bound);
  const token = toToken(reply, url);
  if (!token.project) throw unscoped(config);
  return token;
}

async function readToken(http: Http, url: string, id: string, signal: AbortSignal | undefined): Promise<Token> {
  const reply = await http.send({ method: 'GET', url: `${url}/auth/tokens`, headers: { 'x-auth-token': id, 'x-subject-token': id, accept: 'application/json' }, ...(signal && { signal }) });
  if (reply.status === 401 || reply.status === 404) {
    throw new BaluchonError('auth', `the token is not accepted by ${url}: ${wordsOf(reply.text) || reply.status}`, { status: reply.status, hint: 'tokens last for hours at most: get a new one, or use a password or an application credential' });
  }
  if (reply.status !== 200) throw faultOf('identity', 'GET', '/auth/tokens', reply);
  return toToken({ ...reply, headers: { 'x-subject-token': id } }, url);
}

function toToken(reply: Reply, url: string): Token {
  const id = reply.headers['x-subject-token'];
  let body: any;
  try {
    body = JSON.parse(reply.text).token;
  } catch {
    body = undefined;
  }
  if (!id || !body?.user) throw new BaluchonError('cloud', `${url} does not answer as Keystone does`, { status: reply.status, hint: 'is auth_url the address of Keystone?' });
  const [issued, expires] = [Date.parse(body.issued_at), Date.parse(body.expires_at)];
  // Reckoned by the cloud's clock alone, for ours may be wrong. A token read back has been living for a while.
  const given = expires - issued;
  const left = expires - Date.now();
  const fresh = reply.status === 201;
  const life = fresh && given > 0 ? given : left > 0 ? left : 3_600_000;
  return {
    id,
    life,
    ends: Date.now() + life,
    project: body.project,
    user: { id: body.user.id, name: body.user.name },
    catalog: body.catalog ?? [],
  };
}

function unscoped(config: CloudConfig): BaluchonError {
  return new BaluchonError('auth', `cloud "${config.name}": the credentials name no project, and the account has no default one (${config.source})`, { hint: 'set project_name (OS_PROJECT_NAME) or project_id' });
}

function refusal(config: CloudConfig, url: string, reply: Reply, applicationCredential: boolean): BaluchonError {
  const { status } = reply;
  const { auth } = config;
  const words = wordsOf(reply.text);
  if (status === 401 && reply.headers['openstack-auth-receipt']) {
    return new BaluchonError('auth', `cloud "${config.name}": the account needs more than one factor to log in`, { status, hint: 'set auth_type: v3multifactor and auth_methods, or use an application credential' });
  }
  if (status === 401) {
    const who = applicationCredential ? 'the application credential' : !auth['username'] && !auth['user_id'] ? 'the token' : `user "${auth['username'] ?? auth['user_id']}"`;
    const scope = wantsProject(config) && !applicationCredential ? ` in project "${auth['project_name'] ?? auth['project_id']}"` : '';
    return new BaluchonError('auth', `${url} does not accept ${who}${scope}: ${words}`, {
      status,
      hint: applicationCredential
        ? 'is its id right, its secret, and has it not expired or been deleted?'
        : 'check user name, password, project and their domains (Keystone does not say which is wrong)',
    });
  }
  if (status !== 300 && status >= 301 && status < 400) {
    return new BaluchonError('auth', `${url} sends us elsewhere: ${reply.headers['location'] ?? status}`, { status, hint: 'set auth_url to that address' });
  }
  if ([300, 404, 405].includes(status)) return new BaluchonError('auth', `no Keystone v3 at ${url} (${status})`, { status, hint: 'is auth_url the address of Keystone, such as https://cloud.example:5000/v3?' });
  return faultOf('identity', 'POST', '/auth/tokens', reply);
}
