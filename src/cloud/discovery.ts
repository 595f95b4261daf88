import { BaluchonError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { ServiceType } from './cloud.ts';
import type { Http } from './http.ts';
import { compareVersions, negotiate } from './microversion.ts';

/** Where a service's API of the version we speak begins (no slash at the end), and the microversion to ask for. */
export interface Root {
  url: string;
  microversion: string | undefined;
}

/** The major version of each API that we speak, and the path it has where nobody tells. */
const versions: Record<Exclude<ServiceType, 'object-store'>, { major: number; path: string }> = {
  identity: { major: 3, path: 'v3' },
  compute: { major: 2, path: 'v2.1' },
  network: { major: 2, path: 'v2.0' },
  volume: { major: 3, path: 'v3' },
  image: { major: 2, path: 'v2' },
};

interface Version {
  /** `v2.1`, as in the path. */
  path: string;
  id: string;
  least: string | undefined;
  most: string | undefined;
}

/**
 * Finds the versioned root below the address that the catalog gives, by keystoneauth's rules: the catalog may or may not
 * have a version in the path, the wrong one, and a project id behind it. Version documents are asked for without a token,
 * as they are public (and as access rules of application credentials leave them out), then with it.
 *
 * Of the links in these documents only the version's name is used: services behind proxies write hosts, schemes and
 * prefixes there that nobody can reach. Where there is no document, the catalog is believed.
 */
export async function discover(http: Http, type: ServiceType, catalogUrl: string, options: { projectId: string; token: () => Promise<string>; emit: Emit }): Promise<Root> {
  const trimmed = catalogUrl.trim().replace(/\/+$/, '').replace(/[%$]\((tenant|project)_id\)s/, options.projectId);
  if (!URL.canParse(trimmed)) throw new BaluchonError('cloud', `the catalog's address of the ${type} service is broken: "${catalogUrl}"`, { hint: `set ${type}_endpoint_override in clouds.yaml` });
  if (type === 'object-store') return { url: trimmed, microversion: undefined };
  const wanted = versions[type];
  const { base, version: inCatalog } = split(trimmed);
  const fits = inCatalog !== undefined && majorOf(inCatalog) === wanted.major;
  // Nova's v2 is the API as it was before microversions.
  const path = fits && !(type === 'compute' && inCatalog !== wanted.path) ? inCatalog : wanted.path;
  const finish = (found: string, microversion?: string): Root => ({ url: `${base}/${found}${type === 'volume' ? `/${options.projectId}` : ''}`, microversion });

  // Glance, Keystone and Neutron have no microversions: a catalog that names the version says it all.
  if (fits && path === inCatalog && !['compute', 'volume'].includes(type)) return finish(path);

  const documents = inCatalog === undefined ? [`${base}/`, `${base}/${path}/`] : [`${base}/${path}/`, `${base}/`];
  let seen: Version[] | undefined;
  for (const authenticated of [false, true]) {
    for (const url of documents) {
      const found = await read(http, url, authenticated ? await options.token() : undefined);
      if (!found) continue;
      seen = found;
      const best = pick(found, wanted.major, path);
      if (best) return finish(best.path || path, negotiate(type, best.least, best.most));
    }
    if (seen) break;
  }
  if (seen && !fits) {
    throw new BaluchonError('cloud', `the ${type} service offers ${seen.map((each) => each.id).join(', ')}, and not v${wanted.major}`, { hint: 'this cloud is too old, or too new, for this program' });
  }
  if (!fits) options.emit({ type: 'warning', message: `the ${type} service does not tell its versions: taking it to be at ${base}/${path}`, about: type });
  return finish(fits ? inCatalog : path);
}

/** `https://host/volume/v3/<project>` -> `https://host/volume`, `v3`. */
function split(url: string): { base: string; version: string | undefined } {
  const { origin, pathname } = new URL(url);
  const parts = pathname.split('/').filter(Boolean);
  const at = parts.findLastIndex((part) => /^v\d+(\.\d+)?$/.test(part));
  const base = [origin, ...(at < 0 ? parts : parts.slice(0, at))].join('/');
  return { base, version: at < 0 ? undefined : parts[at] };
}

function majorOf(version: string): number {
  return Number.parseInt(version.replace(/^v/i, ''), 10);
}

function pick(found: Version[], major: number, path: string): Version | undefined {
  const fitting = found.filter((each) => majorOf(each.id) === major);
  return fitting.find((each) => each.path === path) ?? fitting.sort((a, b) => compareVersions(b.id.slice(1), a.id.slice(1)))[0];
}

async function read(http: Http, url: string, token: string | undefined): Promise<Version[] | undefined> {
  const reply = await http.send({ method: 'GET', url, headers: { accept: 'application/json', ...(token && { 'x-auth-token': token }) } });
  if (reply.status !== 200 && reply.status !== 300) return undefined;
  let body: any;
  try {
    body = JSON.parse(reply.text);
  } catch {
    return undefined;
  }
  // {"version": {...}}, {"versions": [...]}, Keystone's {"versions": {"values": [...]}}, Glance v1's bare list.
  const versions = body?.versions ?? body;
  const list: unknown = body?.version ? [body.version] : Array.isArray(versions) ? versions : versions?.values;
  if (!Array.isArray(list)) return undefined;
  const known = list.filter((each) => typeof each?.id === 'string' && /^v\d/.test(each.id)).map((each): Version => {
    const link = (each.links ?? []).find((one: any) => one?.rel === 'self')?.href;
    const last = typeof link === 'string' ? link.replace(/\/+$/, '').split('/').at(-1)! : '';
    return { id: each.id, path: /^v\d+(\.\d+)?$/.test(last) ? last : '', least: text(each.min_version), most: text(each.max_version) ?? text(each.version) };
  });
  return known.length > 0 ? known : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
