import type { Refusal, Reply, Request } from '../http.ts';
import type { Shown, World } from '../world.ts';
import { ATTRIBUTES, badRequest } from './attributes.ts';

/** One of Neutron's collections: what they all have in common is done once, from this. */
export interface Collection {
  name: string;
  resource: string;
  path: string;
  /** Quota's name. */
  quota: string;
  all(): Map<string, Shown>;
  missing(id: string): Refusal;
  make(given: Shown): Shown;
  update?(one: Shown, given: Shown): void;
  remove(one: Shown): void;
  show(one: Shown): Shown;
  tags: boolean;
}

/** A member sees the project's own, external networks (but not their subnets), and shared ones. */
export function seen(world: World, collection: Collection, one: Shown): boolean {
  if (one['project_id'] === world.projectId) return true;
  return collection.resource === 'network' && (one['router:external'] || one['shared']);
}

export function listCollection(world: World, collection: Collection, request: Request): Reply {
  const { query } = request;
  const control = ['fields', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir'];
  const filters = [...new Set(query.keys())].filter((key) => !control.includes(key));
  const strange = filters.filter((key) => !(key in ATTRIBUTES[collection.resource]!) && !/^(not-)?tags(-any)?$|^changed-since$/.test(key));
  if (strange.length > 0) throw badRequest(`[${strange.map((key) => `'${key}'`).join(', ')}] is invalid attribute for filtering`);
  const keys = query.getAll('sort_key');
  if (keys.length !== query.getAll('sort_dir').length) throw badRequest('The number of sort_keys and sort_dirs must be same');
  let all = [...collection.all().values()].filter((one) => seen(world, collection, one)).map((one) => collection.show(one));
  all = all.filter((one) => filters.every((key) => matches(one, key, query.getAll(key))));
  const order = keys.map((key, at) => [key, query.getAll('sort_dir')[at] === 'desc' ? -1 : 1] as const);
  all.sort((a, b) => {
    for (const [key, direction] of [...order, ['id', 1] as const]) if (a[key] !== b[key]) return a[key] < b[key] ? -direction : direction;
    return 0;
  });
  const cap = world.settings.pageCap;
  const asked = query.get('limit');
  const limit = Math.min(asked === null ? Infinity : Number(asked), cap ?? Infinity);
  const paged = Number.isFinite(limit);
  const marker = query.get('marker');
  let from = 0;
  if (marker !== null && paged) {
    from = all.findIndex((one) => one['id'] === marker) + 1;
    if (from === 0) throw collection.missing(marker);
  }
  const items = paged ? all.slice(from, from + limit) : all;
  const links: object[] = [];
  const href = (id: string, reverse: boolean): string => {
    const copy = new URLSearchParams([...query].filter(([key]) => key !== 'marker' && key !== 'page_reverse'));
    if (!copy.has('limit')) copy.set('limit', String(limit));
    copy.set('marker', id);
    if (reverse) copy.set('page_reverse', 'True');
    return `${request.root}${request.path}?${copy}`;
  };
  if (paged && items.length > 0) {
    if (items.length >= limit) links.push({ rel: 'next', href: href(items.at(-1)!['id'], false) });
    links.push({ rel: 'previous', href: href(items[0]!['id'], true) });
  }
  return { status: 200, body: { [collection.name]: items.map((one) => chosen(one, request)), ...(links.length > 0 ? { [`${collection.name}_links`]: links } : {}) } };
}

function matches(one: Shown, key: string, wanted: string[]): boolean {
  if (key === 'tags') return wanted.join(',').split(',').every((tag) => one['tags'].includes(tag));
  if (key === 'tags-any') return wanted.join(',').split(',').some((tag) => one['tags'].includes(tag));
  if (key === 'fixed_ips') return wanted.some((term) => {
    const [name, value] = term.split('=') as [string, string];
    return one['fixed_ips'].some((ip: Shown) => ip[name] === value);
  });
  const value = one[key];
  return wanted.some((term) => {
    if (Array.isArray(value)) return value.includes(term);
    if (typeof value === 'boolean') return String(value) === term.toLowerCase();
    return String(value ?? '') === term;
  });
}

export function chosen(one: Shown, request: Request): Shown {
  const fields = request.query.getAll('fields');
  return fields.length === 0 ? one : Object.fromEntries(Object.entries(one).filter(([key]) => fields.includes(key)));
}
