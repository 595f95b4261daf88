import { BaluchonError } from '../errors.ts';
import type { RequestOptions, ServiceType } from './cloud.ts';

type Query = NonNullable<RequestOptions['query']>;

/** What Neutron is asked for at a time: only pages of a stated size come with links. */
const networkPage = 1000;

/**
 * All items of a list. Links to further pages are followed for their query only, on the address we know (fact: behind
 * proxies they name other hosts). Where a page may have been cut and has no link, the next one is asked for by marker:
 * always with Neutron, elsewhere when the page is as long as the limit or as an operator's round cap. A server that does not
 * know markers gives the same items again, or 400: that is the end. No item is given twice.
 */
export async function* pages<T>(type: ServiceType, path: string, key: string, options: RequestOptions, get: (query: Query) => Promise<any>): AsyncGenerator<T> {
  const limit = options.query?.['limit'] ?? (type === 'network' ? networkPage : undefined);
  const first: Query = { ...options.query, ...(limit !== undefined && { limit }) };
  const asked = new Set<string>();
  const given = new Set<string>();
  let query = first;
  let linked = false;
  let probing = false;
  for (;;) {
    asked.add(JSON.stringify(query));
    let body: any;
    try {
      body = await get(query);
    } catch (error) {
      if (probing && error instanceof BaluchonError && (error.status === 400 || error.status === 404)) return;
      throw error;
    }
    const items: any[] | undefined = body?.[key];
    if (!Array.isArray(items)) throw new BaluchonError('cloud', `${type}: the answer has no list "${key}" (GET ${path})`, { hint: 'is the address of the service right?' });
    let fresh = 0;
    for (const item of items) {
      const id = idOf(item);
      if (id !== undefined) {
        if (given.has(id)) continue;
        given.add(id);
      }
      fresh += 1;
      yield item;
    }
    // A server that ignores the marker repeats itself for ever.
    if (fresh === 0 || (probing && fresh < items.length)) return;

    const link = nextLink(body, key);
    const last = idOf(items.at(-1));
    if (link !== undefined) {
      linked = true;
      probing = false;
      query = { ...first, ...position(link) };
    } else if (last !== undefined && !(linked && type === 'network') && maybeCut(type, items.length, limit)) {
      probing = true;
      query = { ...first, marker: last };
    } else {
      return;
    }
    if (asked.has(JSON.stringify(query))) return;
  }
}

function maybeCut(type: ServiceType, count: number, limit: Query[string]): boolean {
  if (type === 'network') return true;
  return limit === undefined ? type !== 'image' && count % 100 === 0 : count >= Number(limit);
}

/** Where the linked page begins; what is listed is in our own query already. */
function position(link: string): Query {
  const { searchParams } = new URL(link, 'http://any');
  return Object.fromEntries([...searchParams].filter(([name]) => ['marker', 'limit', 'offset', 'page_reverse'].includes(name)));
}

function nextLink(body: any, key: string): string | undefined {
  if (typeof body.next === 'string') return body.next;
  const links: unknown = body[`${key}_links`] ?? body.links;
  if (Array.isArray(links)) return links.find((link) => link?.rel === 'next')?.href;
  const next = (links as { next?: unknown } | undefined)?.next;
  return typeof next === 'string' ? next : undefined;
}

/** Keypairs have no id and are wrapped: their name is what markers mean. */
function idOf(item: any): string | undefined {
  const id = item?.id ?? item?.keypair?.name;
  return id === undefined || id === null ? undefined : String(id);
}
