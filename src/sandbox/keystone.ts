import { randomBytes } from 'node:crypto';
import { htmlNotFound, Refusal, route, type Api, type Body, type Reply, type Request, type ServiceName } from './http.ts';
import { hexId, type World } from './world.ts';

export interface Token {
  expires: number;
  issued: number;
  scoped: boolean;
  methods: string[];
  restricted: boolean;
}

export interface AppCredential {
  id: string;
  name: string;
  secret: string;
  description: string | null;
  unrestricted: boolean | null;
  expires_at: string | null;
}

const error = (code: number, title: string, message: string, more: object = {}): Reply => ({ status: code, body: { error: { code, message, title, ...more } } });
const unauthorized = (world: World): Reply => ({ ...error(401, 'Unauthorized', 'The request you have made requires authentication.'), headers: { 'www-authenticate': `Keystone uri="${world.authUrl}"` } });
const malformed = (what: string): Reply => error(400, 'Bad Request', `${what} The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`);
const forbidden = (rule: string): Reply => error(403, 'Forbidden', `You are not authorized to perform the requested action: ${rule}.`);

/** Whether the token is one that is good now, for the project. */
export function accepted(world: World, id: string | undefined): boolean {
  const token = id === undefined ? undefined : world.tokens.get(id);
  return token !== undefined && token.expires > Date.now() && token.scoped;
}

/** Throws the 401 that Keystone's middleware gives in front of Nova, Cinder and Neutron. */
export function requireToken(world: World, request: Request): void {
  if (accepted(world, request.headers['x-auth-token'] as string | undefined)) return;
  throw new Refusal({ status: 401, headers: { 'www-authenticate': `Keystone uri="${world.authUrl}"` }, body: { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } } });
}

export function keystone(world: World): Api {
  const version = { id: 'v3.14', status: 'stable', updated: '2020-04-07T00:00:00Z', links: [{ rel: 'self', href: `${world.roots.identity}/v3/` }], 'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }] };
  const domain = { id: 'default', name: 'Default' };
  const roles = [{ id: hexId(), name: 'member' }, { id: hexId(), name: 'reader' }];
  const catalog = makeCatalog(world);
  const links = (path: string): object => ({ next: null, self: `${world.authUrl}${path}`, previous: null });
  const project = (): object => ({
    id: world.projectId,
    name: world.settings.projectName,
    domain_id: 'default',
    description: '',
    enabled: true,
    parent_id: 'default',
    is_domain: false,
    tags: [],
    options: {},
    links: { self: `${world.authUrl}/projects/${world.projectId}` },
  });
  const known = (request: Request): Token => {
    const token = world.tokens.get(String(request.headers['x-auth-token']));
    if (!token || token.expires <= Date.now()) throw new Refusal(unauthorized(world));
    return token;
  };
  const describe = (token: Token): object => ({
    token: {
      methods: token.methods,
      user: { domain, id: world.userId, name: world.settings.username, password_expires_at: null },
      audit_ids: [randomBytes(16).toString('base64url')],
      expires_at: micros(token.expires),
      issued_at: micros(token.issued),
      ...(token.scoped ? { project: { domain, id: world.projectId, name: world.settings.projectName }, is_domain: false, roles, catalog } : {}),
    },
  });
  const showCredential = (credential: AppCredential, secret = false): object => ({
    id: credential.id,
    name: credential.name,
    description: credential.description,
    user_id: world.userId,
    project_id: world.projectId,
    system: null,
    expires_at: credential.expires_at,
    unrestricted: credential.unrestricted,
    roles: roles.map((role) => ({ ...role, domain_id: null, description: null, options: { immutable: true } })),
    ...(secret ? { secret: credential.secret } : {}),
    links: { self: `${world.authUrl}/application_credentials/${credential.id}` },
  });

  async function authenticate(request: Request): Promise<Reply> {
    const body: Body = await request.json();
    const auth = body?.auth;
    if (!auth?.identity) throw new Refusal(malformed(auth ? 'Expecting to find identity in auth.' : 'Expecting to find auth in request body.'));
    const refuse = new Refusal(unauthorized(world));
    let methods: string[] = auth.identity.methods ?? [];
    let restricted = false;
    let scope: Body = auth.scope;
    for (const method of methods) {
      const given = auth.identity[method];
      if (method === 'password') {
        const user = given?.user ?? {};
        if (user.id === undefined && user.domain === undefined) throw new Refusal(malformed('Expecting to find domain in user.'));
        if (!(user.id === world.userId || (user.name === world.settings.username && inDefault(user.domain))) || user.password !== world.settings.password) throw refuse;
      } else if (method === 'token') {
        const old = world.tokens.get(given?.id);
        if (!old) throw new Refusal(error(404, 'Not Found', 'Could not recognize Fernet token'));
        if (old.expires <= Date.now() || old.restricted) throw refuse;
        methods = [...new Set([...old.methods, 'token'])];
      } else if (method === 'application_credential') {
        const credential = [...world.appCredentials.values()].find(({ id, name }) => id === given?.id || (given?.id === undefined && name === given?.name));
        if (!credential || credential.secret !== given.secret) throw refuse;
        restricted = !credential.unrestricted;
        scope = { project: { id: world.projectId } };
      } else {
        throw new Refusal(error(401, 'Unauthorized', 'Attempted to authenticate with an unsupported method.', { identity: { methods: ['external', 'password', 'token', 'oauth1', 'mapped', 'application_credential'] } }));
      }
    }
    if (methods.length === 0) throw refuse;
    const wanted = scope?.project;
    if (wanted && wanted.id !== world.projectId && !(wanted.name === world.settings.projectName && inDefault(wanted.domain))) throw refuse;
    if (scope?.domain || scope?.system) throw refuse;
    const id = `gAAAAA${randomBytes(120).toString('base64url')}`;
    const now = Date.now();
    const token: Token = { issued: now, expires: now + world.settings.tokenLife * 1000, scoped: scope !== 'unscoped', methods, restricted };
    world.tokens.set(id, token);
    return { status: 201, headers: { 'x-subject-token': id, vary: 'X-Auth-Token' }, body: describe(token) };
  }

  const credentials = '/v3/users/:user/application_credentials';
  return {
    notFound: () => ({ ...htmlNotFound(), body: '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n' }),
    badJson: () => malformed('Expecting to find valid JSON in request body.'),
    routes: [
      route('GET /', () => ({ status: 300, headers: { location: `${world.roots.identity}/v3/` }, body: { versions: { values: [version] } } })),
      route('GET /v3', () => ({ status: 200, body: { version } })),
      route('POST /v3/auth/tokens', authenticate),
      route('GET /v3/auth/tokens', (request) => {
        known(request);
        const subject = request.headers['x-subject-token'];
        if (subject === undefined) throw new Refusal(forbidden('identity:validate_token'));
        const token = world.tokens.get(String(subject));
        if (!token) throw new Refusal(error(404, 'Not Found', 'Could not recognize Fernet token'));
        return { status: 200, headers: { 'x-subject-token': String(subject) }, body: describe(token) };
      }),
      route('DELETE /v3/auth/tokens', (request) => {
        known(request);
        world.tokens.delete(String(request.headers['x-subject-token']));
        return { status: 204 };
      }),
      route('GET /v3/auth/catalog', (request) => (known(request), { status: 200, body: { catalog, links: { self: `${world.authUrl}/auth/catalog` } } })),
      route('GET /v3/auth/projects', (request) => (known(request), { status: 200, body: { projects: [project()], links: links('/auth/projects') } })),
      route('GET /v3/projects', (request) => (known(request), forbidden('identity:list_projects'))),
      route('GET /v3/projects/:id', (request) => (known(request), request.params['id'] === world.projectId ? { status: 200, body: { project: project() } } : forbidden('identity:get_project'))),
      route('GET /v3/users', (request) => (known(request), forbidden('identity:list_users'))),
      route(`GET ${credentials}`, (request) => (known(request), { status: 200, body: { application_credentials: [...world.appCredentials.values()].map((one) => showCredential(one)), links: links(`/users/${world.userId}/application_credentials`) } })),
      route(`POST ${credentials}`, async (request) => {
        if (known(request).restricted) throw new Refusal(forbidden('identity:create_application_credential'));
        const wanted = (await request.json())?.application_credential;
        if (typeof wanted?.name !== 'string') throw new Refusal(malformed("'name' is a required property."));
        const credential: AppCredential = { id: hexId(), name: wanted.name, secret: wanted.secret ?? randomBytes(64).toString('base64url'), description: wanted.description ?? null, unrestricted: wanted.unrestricted ?? null, expires_at: wanted.expires_at ?? null };
        world.appCredentials.set(credential.id, credential);
        return { status: 201, body: { application_credential: showCredential(credential, true) } };
      }),
      route(`GET ${credentials}/:id`, (request) => {
        known(request);
        const credential = world.appCredentials.get(request.params['id']!);
        return credential ? { status: 200, body: { application_credential: showCredential(credential) } } : error(404, 'Not Found', `Could not find Application Credential: ${request.params['id']}.`);
      }),
      route(`DELETE ${credentials}/:id`, (request) => {
        if (known(request).restricted) throw new Refusal(forbidden('identity:delete_application_credential'));
        const gone = world.appCredentials.delete(request.params['id']!);
        return gone ? { status: 204 } : error(404, 'Not Found', `Could not find Application Credential: ${request.params['id']}.`);
      }),
    ],
  };
}

function inDefault(domain: Body): boolean {
  return domain?.id === 'default' || domain?.name === 'Default';
}

function micros(time: number): string {
  return new Date(time).toISOString().replace(/(\.\d+)Z$/, '.000000Z');
}

function makeCatalog(world: World): object[] {
  const urls: [type: string, name: string, service: ServiceName, path: string][] = [
    ['compute', 'nova', 'compute', '/v2.1'],
    ['identity', 'keystone', 'identity', '/v3'],
    ['image', 'glance', 'image', ''],
    ['network', 'neutron', 'network', ''],
    ['volumev3', 'cinderv3', 'volume', `/v3/${world.projectId}`],
    ['object-store', 'swift', 'object-store', `/v1/AUTH_${world.projectId}`],
  ];
  const { region } = world.settings;
  return urls.map(([type, name, service, path]) => ({
    endpoints: ['internal', 'public', 'admin'].map((face) => ({ id: hexId(), interface: face, region_id: region, url: world.roots[service] + path, region })),
    id: hexId(),
    type,
    name,
  }));
}
