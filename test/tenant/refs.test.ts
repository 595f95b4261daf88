import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/tenant/document.ts';
import { cutAt, escape, findRefs, matches, setAt, sweep, targets, valueAt, withRefs } from '../../src/tenant/refs.ts';
import { document, ids } from './tenants.ts';

/** RFC 6901, section 5. */
const rfc: JsonObject = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'e^f': 3, 'g|h': 4, 'i\\j': 5, 'k"l': 6, ' ': 7, 'm~n': 8 };

describe('pointers', () => {
  test.each<[string, Json]>([
    ['', rfc], ['/foo', ['bar', 'baz']], ['/foo/0', 'bar'], ['/', 0], ['/a~1b', 1], ['/c%d', 2], ['/e^f', 3], ['/g|h', 4], ['/i\\j', 5], ['/k"l', 6], ['/ ', 7], ['/m~0n', 8],
  ])('%j mean what RFC 6901 says', (pointer, value) => expect(valueAt(rfc, pointer)).toEqual(value));

  test('lead nowhere, never to what every object has', () => {
    for (const pointer of ['/nothing', '/foo/2', '/foo/0/deeper', '/foo/length', '/constructor', '/__proto__/toString']) expect(valueAt(rfc, pointer)).toBeUndefined();
  });

  test('read back what they wrote, whatever the key', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        const root = { list: [Object.fromEntries([[key, 1]])] };
        setAt(root, `/list/0/${escape(key)}`, 2);
        expect(valueAt(root, `/list/0/${escape(key)}`)).toBe(2);
      }),
    );
  });

  test('are those of a pattern where * is any index or key', () => {
    expect(findRefs({ a: [{ id: 'x' }, { id: null }, {}, { id: 'y' }], b: { 'k/1': 'z' }, c: 'w' }, { '/a/*/id': 'port', '/b/*': 'volume', '/c': 'image', '/d/*/e': 'flavor' })).toEqual({
      '/a/0/id': 'port', '/a/3/id': 'port', '/b/k~11': 'volume', '/c': 'image',
    });
    expect([matches('/a/3/id', '/a/*/id'), matches('/a/3', '/a/*/id'), matches('/a/3/other', '/a/*/id')]).toEqual([true, false, false]);
  });
});

describe('a reference that leads nowhere is cut', () => {
  test('with the whole list entry it stands in, so that no rule loses its limit', () => {
    const params: JsonObject = { rules: [{ port: 1, remote: 'a' }, { port: 2, remote: 'b' }, { port: 3 }, { port: 4, remote: 'a' }], groups: ['a', 'b', 'a'] };
    for (const pointer of ['/rules/0/remote', '/rules/3/remote', '/groups/0', '/groups/2']) cutAt(params, pointer);
    expect(sweep(params)).toEqual({ rules: [{ port: 2, remote: 'b' }, { port: 3 }], groups: ['b'] });
  });

  test('to null where it stands in no list', () => {
    const params: JsonObject = { gateway: { network: 'a' }, key: 'b' };
    for (const pointer of ['/gateway/network', '/key']) cutAt(params, pointer);
    expect(sweep(params)).toEqual({ gateway: { network: null }, key: null });
  });

  test('at any depth: the innermost entry goes, in any order of cutting', () => {
    const params: JsonObject = { a: [{ b: ['x', 'y'] }, { b: ['x'] }] };
    for (const pointer of ['/a/1/b/0', '/a/0/b/0']) cutAt(params, pointer);
    expect(sweep(params)).toEqual({ a: [{ b: ['y'] }, { b: [] }] });
  });
});

describe('the references of a document', () => {
  const server = document('server', '1', { name: 's', networks: [{ port: ids('port', 'p')[0]! }], image: ids('image', 'i')[0]! });

  test('tell what it needs, but for those left out', () => {
    expect(targets(server).toSorted()).toEqual([...ids('image', 'i'), ...ids('port', 'p')]);
    expect(targets(server, ['/networks/*/port'])).toEqual(ids('image', 'i'));
  });

  test('are replaced in a copy', () => {
    expect(withRefs(server, (id) => id.split('-')[0]!)).toEqual({ name: 's', networks: [{ port: 'port' }], image: 'image' });
    expect(server.params.image).toBe(ids('image', 'i')[0]);
  });
});
