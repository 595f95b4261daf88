import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { load, mapTag, mergeTag, nullYaml11Tag, Schema, seqTag, strTag } from 'js-yaml';
import { BaluchonError } from '../errors.ts';

/** How to reach one project of one cloud. Holds secrets: never printed. */
export interface CloudConfig {
  /** The entry of clouds.yaml, `envvars`, or the openrc file's name. */
  name: string;
  /** The file it was read from, or `the environment`; for messages. */
  source: string;
  /** `password`, `v3applicationcredential`, ...; undefined where nobody said. */
  authType: string | undefined;
  /** auth_url, username, password, project_name, ... */
  auth: Record<string, string>;
  /** For multi-factor authentication: the methods, such as `v3password`. */
  methods: string[];
  region: string | undefined;
  /** In order of preference: `public`, `internal`, `admin`. */
  interfaces: string[];
  cacert: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  verify: boolean;
  /** All else, such as `volume_endpoint_override`. */
  settings: Record<string, string>;
}

export interface ConfigOptions {
  /** The cloud's name; else `OS_CLOUD`, else the environment's own cloud, else the only one there is. */
  cloud?: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

interface Tree {
  [key: string]: Value;
}
type Value = string | null | Tree | Value[];

// All scalars stay text: a password `0123` or an id of digits alone must not turn into another number.
const schema = new Schema([strTag, seqTag, mapTag, nullYaml11Tag, mergeTag]);

// What `OS_*` variables may hold without making a cloud of their own.
const selectors = new Set(['OS_CLOUD', 'OS_CLOUD_NAME', 'OS_REGION_NAME', 'OS_CLIENT_CONFIG_FILE', 'OS_CLIENT_SECURE_FILE']);

/**
 * Reads clouds.yaml as openstacksdk does: `OS_CLIENT_CONFIG_FILE`, then the working directory, the user's configuration
 * folder, the system's; the first file found wins; secure.yaml is merged on top, a `profile` of clouds-public.yaml
 * underneath. `OS_*` variables make the cloud `envvars` (or `OS_CLOUD_NAME`).
 *
 * `OS_REGION_NAME` chooses the region of a file's cloud as well, unless it belongs to a whole set of `OS_*` credentials.
 */
export function readConfig({ cloud, env, cwd }: ConfigOptions): CloudConfig {
  const places = searchPath(env, cwd);
  const file = findFile('clouds', env['OS_CLIENT_CONFIG_FILE'], places);
  const secure = findFile('secure', env['OS_CLIENT_SECURE_FILE'], places);
  const clouds = merge(section(file, 'clouds'), section(secure, 'clouds'));
  const envCloud = fromEnvironment(env);
  const envName = env['OS_CLOUD_NAME'] || 'envvars';
  if (envCloud && clouds[envName]) {
    throw new BaluchonError('usage', `${file!.path} has a cloud "${envName}", which is also what the OS_* variables make`, { hint: 'rename one of them (OS_CLOUD_NAME names the latter)' });
  }

  const names = [...Object.keys(clouds), ...(envCloud ? [envName] : [])];
  const name = cloud || env['OS_CLOUD'] || (envCloud ? envName : names.length === 1 ? names[0] : undefined);
  const there = names.length > 0 ? `there are: ${names.join(', ')}` : 'no cloud is configured';
  const where = file ? file.path : `no clouds.yaml in ${places.join(', ')}`;
  if (!name) {
    throw new BaluchonError('usage', names.length > 0 ? 'which cloud? none is named' : `no cloud is configured: ${where}`, {
      hint: names.length > 0 ? `use --os-cloud or OS_CLOUD; ${there} (${where})` : 'write a clouds.yaml, or give the openrc file that the dashboard lets you download (--openrc)',
    });
  }
  if (envCloud && name === envName) return toConfig(name, 'the environment', envCloud, undefined);
  const entry = clouds[name];
  if (!isTree(entry)) {
    throw new BaluchonError('usage', `no cloud "${name}": ${there} (${where})`, { hint: 'use the name of an entry of clouds.yaml' });
  }
  const chosen = envCloud ? undefined : env['OS_REGION_NAME'] || undefined;
  return toConfig(name, file?.path ?? secure!.path, withProfile(normal(entry), name, () => findFile('clouds-public', undefined, places)), chosen);
}

/** The same from the variables of an openrc file. */
export function configFromVariables(variables: Record<string, string | undefined>, name: string): CloudConfig {
  const tree = fromEnvironment(variables);
  if (!tree) throw new BaluchonError('usage', `${name}: sets no OS_* variable`, { hint: 'is it the openrc file that the dashboard lets you download?' });
  return toConfig(name, name, tree, undefined);
}

/** A setting that the auth type cannot do without. Throws `usage` naming it. */
export function need(config: CloudConfig, type: string, key: string): string {
  const value = config.auth[key];
  if (!value) throw new BaluchonError('usage', `cloud "${config.name}": auth_type ${type} needs the setting ${key} (${config.source})`, { hint: `set it in the auth section of clouds.yaml, or OS_${key.toUpperCase()}` });
  return value;
}

function searchPath(env: NodeJS.ProcessEnv, cwd: string): string[] {
  const home = env['HOME'] || homedir();
  const user = [env['XDG_CONFIG_HOME'] || join(home, '.config'), join(home, '.config')];
  if (process.platform === 'darwin') user.unshift(join(home, 'Library', 'Application Support'));
  const system = [...(env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter(Boolean), '/etc'];
  return [...new Set([cwd, ...[...user, ...system].map((folder) => join(folder, 'openstack'))])];
}

interface Found {
  path: string;
  tree: Tree;
}

function findFile(stem: string, first: string | undefined, places: string[]): Found | undefined {
  const candidates = [...(first ? [first] : []), ...places.flatMap((place) => ['.yaml', '.yml', '.json'].map((ending) => join(place, stem + ending)))];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (first && path !== first) throw new BaluchonError('usage', `no such file: ${first}`, { hint: `OS_CLIENT_${stem === 'clouds' ? 'CONFIG' : 'SECURE'}_FILE names it` });
  return path === undefined ? undefined : { path, tree: parse(path) };
}

function parse(path: string): Tree {
  let tree: unknown;
  try {
    tree = load(readFileSync(path, 'utf8'), { schema, filename: path });
  } catch (error) {
    // Never the snippet that js-yaml quotes: it may hold a password.
    const { mark, reason } = error as { mark?: { line?: number }; reason?: string };
    const line = mark?.line === undefined ? '' : ` line ${mark.line + 1}`;
    throw new BaluchonError('usage', `cannot read ${path}${line}: ${reason ?? (error as Error).message}`, { hint: 'is it valid YAML, and readable?' });
  }
  if (!isTree(tree)) throw new BaluchonError('usage', `${path} holds no settings`, { hint: 'a clouds.yaml begins with `clouds:`' });
  return tree;
}

function section(found: Found | undefined, key: string): Tree {
  const value = found?.tree[key];
  if (value === undefined || value === null) return {};
  if (!isTree(value)) throw new BaluchonError('usage', `${found!.path}: "${key}" must map names to settings`, {});
  return value;
}

function fromEnvironment(env: Record<string, string | undefined>): Tree | undefined {
  const names = Object.keys(env).filter((name) => name.startsWith('OS_') && !/^OS_(TEST|STD|LOG)/.test(name) && env[name]);
  if (!names.some((name) => !selectors.has(name))) return undefined;
  return Object.fromEntries(names.map((name) => [name.slice(3).toLowerCase(), env[name]!]));
}

function withProfile(entry: Tree, name: string, publicClouds: () => Found | undefined): Tree {
  const profile = entry['profile'] ?? entry['cloud'];
  if (typeof profile !== 'string') return entry;
  const file = publicClouds();
  const base = section(file, 'public-clouds')[profile];
  if (isTree(base)) return merge(normal(base), entry);
  const complete = isTree(entry['auth']) ? entry['auth']['auth_url'] : entry['auth_url'];
  if (complete) return entry;
  throw new BaluchonError('usage', `cloud "${name}": its profile "${profile}" is not known`, {
    hint: file ? `${file.path} has: ${Object.keys(section(file, 'public-clouds')).join(', ')}` : 'put the profile in clouds-public.yaml, or give auth_url in clouds.yaml',
  });
}

function toConfig(name: string, source: string, given: Tree, chosenRegion: string | undefined): CloudConfig {
  const tree = normal(given);
  const { region, values } = chooseRegion(tree, name, chosenRegion);
  const whole = merge(tree, normal(values));
  const settings = scalars(whole);
  const auth = { ...settings, ...scalars(isTree(whole['auth']) ? whole['auth'] : {}) };
  const rename = (from: string, to: string) => {
    if (auth[from] && !auth[to]) auth[to] = auth[from];
  };
  rename('tenant_id', 'project_id');
  rename('tenant_name', 'project_name');
  rename('auth_token', 'token');
  rename('user_name', 'username');
  // A domain given once serves both; `default_domain` is the last resort.
  if (auth['project_name'] || auth['project_id']) {
    for (const whose of ['user', 'project']) {
      for (const [id, nm] of [['domain_id', 'domain_name'], ['default_domain_id', 'default_domain_name'], ['default_domain', '']] as const) {
        if (auth[`${whose}_domain_id`] || auth[`${whose}_domain_name`]) break;
        if (auth[id]) auth[`${whose}_domain_id`] = auth[id];
        else if (nm && auth[nm]) auth[`${whose}_domain_name`] = auth[nm];
      }
    }
  }
  const interfaces = list(whole['interface'] ?? whole['endpoint_type'] ?? 'public').map((each) => each.replace(/URL$/, ''));
  const verifyText = settings['verify'];
  return {
    name,
    source,
    authType: settings['auth_type'] ?? settings['auth_plugin'],
    auth,
    methods: list(whole['auth_methods'] ?? (isTree(whole['auth']) ? whole['auth']['auth_methods'] : undefined)),
    region,
    interfaces,
    cacert: home(settings['cacert']),
    cert: home(settings['cert']),
    key: home(settings['key']),
    verify: !(isTrue(settings['insecure']) || (verifyText !== undefined && !isTrue(verifyText))),
    settings,
  };
}

function chooseRegion(tree: Tree, name: string, chosen: string | undefined): { region: string | undefined; values: Tree } {
  const known = (Array.isArray(tree['regions']) ? tree['regions'] : []).map((each) =>
    isTree(each) ? { name: String(each['name'] ?? ''), values: isTree(each['values']) ? each['values'] : {} } : { name: String(each), values: {} },
  );
  const region = chosen ?? list(tree['region_name'])[0] ?? known[0]?.name;
  const entry = known.find((each) => each.name === region);
  if (known.length > 0 && !entry) {
    throw new BaluchonError('usage', `cloud "${name}" has no region "${region}": there are ${known.map((each) => each.name).join(', ')}`, { hint: 'region names are case-sensitive' });
  }
  return { region: region || undefined, values: entry?.values ?? {} };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deeply, what is on top wins. */
function merge(under: Tree, top: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(top)) {
    const old = merged[key];
    merged[key] = isTree(old) && isTree(value) ? merge(old, value) : value;
  }
  return merged;
}

/** `user-domain-name` is `user_domain_name`. */
function normal(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key.replaceAll('-', '_'), isTree(value) ? normal(value) : value]));
}

function scalars(tree: Tree): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== ''));
}

function list(value: Value | undefined): string[] {
  if (Array.isArray(value)) return value.filter((each) => typeof each === 'string');
  return typeof value === 'string' ? value.split(',').map((each) => each.trim()).filter(Boolean) : [];
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(true|yes|on|1|y|t)$/i.test(text);
}

function home(path: string | undefined): string | undefined {
  return path?.replace(/^~(?=\/|$)/, homedir());
}
