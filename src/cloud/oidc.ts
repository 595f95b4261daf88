import { BaluchonError } from '../errors.ts';
import { type CloudConfig, need } from './config.ts';
import { faultOf, wordsOf } from './faults.ts';
import type { Http } from './http.ts';

/**
 * Logs in with an OpenID Connect provider (v3oidcpassword, v3oidcclientcredentials, v3oidcaccesstoken) and hands its access
 * token to Keystone's federation API. Returns an unscoped Keystone token's id.
 */
export async function oidcToken(http: Http, config: CloudConfig, type: string, keystone: string, signal: AbortSignal | undefined): Promise<string> {
  const access = type === 'v3oidcaccesstoken' ? need(config, type, 'access_token') : await accessToken(http, config, type, signal);
  const path = `/OS-FEDERATION/identity_providers/${need(config, type, 'identity_provider')}/protocols/${need(config, type, 'protocol')}/auth`;
  const reply = await http.send({ method: 'POST', url: keystone + path, headers: { authorization: `Bearer ${access}`, accept: 'application/json' }, repeatable: true, ...(signal && { signal }) });
  const id = reply.headers['x-subject-token'];
  if (reply.status < 300 && id) return id;
  if (reply.status === 401 || reply.status === 403) {
    throw new BaluchonError('auth', `${keystone} does not accept the identity provider's access token: ${wordsOf(reply.text)}`, { status: reply.status, hint: 'check identity_provider and protocol, and that your account is mapped to a project' });
  }
  throw faultOf('identity', 'POST', path, reply);
}

async function accessToken(http: Http, config: CloudConfig, type: string, signal: AbortSignal | undefined): Promise<string> {
  const { auth } = config;
  const endpoint = auth['access_token_endpoint'] ?? (await discover(http, need(config, type, 'discovery_endpoint'), signal));
  const form = new URLSearchParams({ scope: auth['openid_scope'] ?? auth['scope'] ?? 'openid profile' });
  if (type === 'v3oidcpassword') {
    form.set('grant_type', 'password');
    form.set('username', need(config, type, 'username'));
    form.set('password', need(config, type, 'password'));
  } else {
    form.set('grant_type', 'client_credentials');
  }
  const client = need(config, type, 'client_id');
  const secret = auth['client_secret'];
  if (!secret) form.set('client_id', client);
  const basic = secret && Buffer.from(`${client}:${secret}`).toString('base64');
  const reply = await http.send({
    method: 'POST',
    url: endpoint,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...(basic && { authorization: `Basic ${basic}` }) },
    body: form.toString(),
    repeatable: true,
    ...(signal && { signal }),
  });
  const body = json(reply.text);
  const token = body?.[auth['access_token_type'] ?? 'access_token'];
  if (reply.status === 200 && typeof token === 'string') return token;
  throw new BaluchonError('auth', `the identity provider ${new URL(endpoint).host} does not let us in: ${reply.status === 200 ? 'it answers without a token' : wordsOf(reply.text) || reply.status}`, {
    status: reply.status,
    hint: 'check username, password, client_id and client_secret',
  });
}

async function discover(http: Http, url: string, signal: AbortSignal | undefined): Promise<string> {
  const reply = await http.send({ method: 'GET', url, headers: { accept: 'application/json' }, ...(signal && { signal }) });
  const endpoint = json(reply.text)?.token_endpoint;
  if (reply.status === 200 && typeof endpoint === 'string') return endpoint;
  throw new BaluchonError('usage', `${url} is no OpenID Connect discovery document`, { status: reply.status, hint: 'check discovery_endpoint, or set access_token_endpoint' });
}

function json(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
