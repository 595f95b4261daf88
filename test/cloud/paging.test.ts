import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect, type ServiceType } from '../../src/cloud/index.ts';
import { pages } from '../../src/cloud/paging.ts';
import { BaluchonError } from '../../src/errors.ts';
import { failure, fakeCloud, quick } from './support.ts';

type Style = 'key_links' | 'links' | 'next' | 'none';

interface Server {
  total: number;
  /** The most that the cloud gives at a time. */
  cap: number;
  style: Style;
  ignoresMarkers?: boolean;
  refusesMarkers?: boolean;
}

/** A list of `items` as a service with these manners gives it. Returns the pages' queries as well. */
function service({ total, cap, style, ignoresMarkers, refusesMarkers }: Server) {
  const items = Array.from({ length: total }, (_, n) => ({ id: `i${n}` }));
  const queries: Record<string, unknown>[] = [];
  const get = async (query: Record<string, unknown>) => {
    queries.push(query);
    if (queries.length > total + 5) throw new Error('it never ends');
    if (refusesMarkers && query['marker']) throw new BaluchonError('cloud', 'unknown query parameter marker', { status: 400 });
    const from = query['marker'] && !ignoresMarkers ? items.findIndex((item) => item.id === query['marker']) + 1 : 0;
    const count = Math.min(cap, Number(query['limit'] ?? cap));
    const page = items.slice(from, from + count);
    const last = page.at(-1);
    const href = `https://internal.invalid:9999/elsewhere/items?limit=${count}&marker=${last?.id}`;
    const more = from + count < total;
    return {
      items: page,
      ...(more && style === 'key_links' && { items_links: [{ rel: 'previous', href: 'x' }, { rel: 'next', href }] }),
      ...(style === 'links' && { links: { self: 'x', next: more ? href : null } }),
      ...(more && style === 'next' && { next: `/v2/items?marker=${last?.id}` }),
    };
  };
  return { items, queries, get };
}

async function all(type: ServiceType, server: ReturnType<typeof service>, limit?: number) {
  const given: unknown[] = [];
  for await (const item of pages(type, '/items', 'items', limit === undefined ? {} : { query: { limit } }, server.get)) given.push(item);
  return given;
}

const numbers = { total: fc.integer({ min: 0, max: 60 }), cap: fc.integer({ min: 1, max: 20 }) };

describe('a list', () => {
  test('with links is whole whatever the page size, and no item comes twice', async () => {
    const kinds = fc.constantFrom<[ServiceType, Style]>(['compute', 'key_links'], ['volume', 'key_links'], ['network', 'key_links'], ['image', 'next'], ['identity', 'links']);
    await fc.assert(
      fc.asyncProperty(kinds, numbers.total, numbers.cap, fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }), async ([type, style], total, cap, limit) => {
        const server = service({ total, cap, style });
        expect(await all(type, server, limit)).toEqual(server.items);
      }),
    );
  });

  test("of Neutron's is whole where pages are capped without a word", async () => {
    await fc.assert(
      fc.asyncProperty(numbers.total, numbers.cap, async (total, cap) => {
        const server = service({ total, cap, style: 'none' });
        expect(await all('network', server)).toEqual(server.items);
      }),
    );
  });

  test('is whole where pages are as long as the limit and have no links', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom<ServiceType>('compute', 'volume', 'image', 'identity'), numbers.total, numbers.cap, async (type, total, limit) => {
        const server = service({ total, cap: 1000, style: 'none' });
        expect(await all(type, server, limit)).toEqual(server.items);
      }),
    );
  });

  test.each(['compute', 'network'] as const)('of a %s service that ignores markers ends', async (type) => {
    await fc.assert(
      fc.asyncProperty(numbers.total, async (total) => {
        const server = service({ total, cap: 100, style: 'none', ignoresMarkers: true });
        expect(await all(type, server, 100)).toEqual(server.items);
        expect(server.queries.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('of a service that refuses markers ends', async () => {
    const server = service({ total: 10, cap: 10, style: 'none', refusesMarkers: true });
    expect(await all('compute', server, 10)).toEqual(server.items);
  });

  test('whose links go round in circles ends', async () => {
    let asked = 0;
    const get = async () => ((asked += 1), { items: [{ id: `i${asked}` }], items_links: [{ rel: 'next', href: '?marker=same' }] });
    const given: unknown[] = [];
    for await (const item of pages('compute', '/items', 'items', {}, get)) given.push(item);
    expect(asked).toBe(2);
    expect(given).toHaveLength(2);
  });

  test('without ids is given as it is', async () => {
    const given: unknown[] = [];
    for await (const item of pages('compute', '/items', 'items', {}, async () => ({ items: [{ a: 1 }, { a: 1 }] }))) given.push(item);
    expect(given).toEqual([{ a: 1 }, { a: 1 }]);
  });

  test("of keypairs goes on by name, for they have no id", async () => {
    const names = ['a', 'b', 'c'];
    const get = async (query: Record<string, unknown>) => ({ keypairs: names.filter((name) => !query['marker'] || name > String(query['marker'])).slice(0, 2).map((name) => ({ keypair: { name } })) });
    const given: any[] = [];
    for await (const item of pages<any>('compute', '/os-keypairs', 'keypairs', { query: { limit: 2 } }, get)) given.push(item.keypair.name);
    expect(given).toEqual(names);
  });

  test('that is no list is an error', async () => {
    expect(await failure(all('compute', { ...service({ total: 0, cap: 1, style: 'none' }), get: async () => ({ other: [] }) as any }))).toMatchObject({ code: 'cloud', message: expect.stringContaining('"items"') });
  });

  test('asks for no more pages than its reader takes', async () => {
    const server = service({ total: 50, cap: 5, style: 'key_links' });
    for await (const item of pages<{ id: string }>('compute', '/items', 'items', {}, server.get)) if (item.id === 'i6') break;
    expect(server.queries).toHaveLength(2);
  });
});

test('links that name hosts which nobody can reach are followed on the address that we know, filters kept', async () => {
  const fake = await fakeCloud({
    service: (request) => {
      const url = new URL(request.url!, 'http://x');
      if (url.pathname !== '/compute/v2.1/servers/detail') return undefined;
      return url.searchParams.get('marker') ? { servers: [{ id: 'b' }] } : { servers: [{ id: 'a' }], servers_links: [{ rel: 'next', href: 'http://10.0.0.5:8774/v2.1/servers/detail?marker=a' }] };
    },
  });
  const cloud = await connect({ env: fake.env, cwd: '/nonexistent', patience: quick });
  onTestFinished(() => cloud.close());
  const ids: string[] = [];
  for await (const server of (await cloud.service('compute')).list<{ id: string }>('/servers/detail?tags=x', 'servers', { query: { status: 'ACTIVE' } })) ids.push(server.id);
  expect(ids).toEqual(['a', 'b']);
  expect(fake.seen.slice(-2).map((seen) => new URL(seen.url, 'http://x').search)).toEqual(['?tags=x&status=ACTIVE', '?tags=x&status=ACTIVE&marker=a']);
});
