import { describe, expect, test } from 'vitest';
import { diffRules } from '../../src/kinds/index.ts';
import { diffDocuments, type Side } from '../../src/tenant/diff.ts';
import type { Document, JsonObject } from '../../src/tenant/document.ts';
import { document, ids, tcp } from './tenants.ts';

const diff = (left: Document[], right: Document[], disks: { left?: Side['disks']; right?: Side['disks'] } = {}) =>
  diffDocuments({ documents: left, ...(disks.left && { disks: disks.left }) }, { documents: right, ...(disks.right && { disks: disks.right }) }, diffRules);
const volume = (params: JsonObject, key = '1') => document('volume', key, { name: 'data', size: 1, ...params });

describe('the difference of two tenants', () => {
  test('names each attribute that differs, with both values', () => {
    expect(diff([volume({ metadata: { app: 'a' } })], [volume({ size: 2, metadata: { app: 'b' } })])).toEqual([
      { kind: 'volume', name: 'data', left: ids('volume', '1')[0], right: ids('volume', '1')[0], attribute: '/size', from: 1, to: 2 },
      { kind: 'volume', name: 'data', left: ids('volume', '1')[0], right: ids('volume', '1')[0], attribute: '/metadata/app', from: 'a', to: 'b' },
    ]);
  });

  test('tells the values of keys with strokes and tildes', () => {
    expect(diff([volume({ metadata: { 'a/b': '1', 'c~d': '1' } })], [volume({ metadata: { 'a/b': '2', 'c~d': '1' } })])).toMatchObject([{ attribute: '/metadata/a~1b', from: '1', to: '2' }]);
  });

  test('tells what is on one side only', () => {
    const [one, two] = [volume({ name: 'one' }, '1'), volume({ name: 'two', size: 7 }, '2')];
    expect(diff([one], [two])).toEqual([{ kind: 'volume', name: 'one', left: one.id }, { kind: 'volume', name: 'two', right: two.id }]);
  });

  test('is not what one side does not know and the other leaves empty', () => {
    expect(diff([volume({ description: null, metadata: {}, tags: [], gateway: { network_id: null } })], [volume({})])).toEqual([]);
    expect(diff([volume({ rules: [{}] })], [volume({})])).toHaveLength(1);
  });

  test('tells references by name', () => {
    const server = (image: string, key = '1') => document('server', key, { name: 's', flavor: ids('flavor', image)[0]! });
    const flavor = (key: string) => document('flavor', key, { name: key, vcpus: 1 });
    expect(diff([flavor('a'), flavor('b'), server('a')], [flavor('a'), flavor('b'), server('b')])).toMatchObject([{ attribute: '/flavor', from: 'a', to: 'b' }]);
  });

  test('is not the order in which another cloud sorts groups and rules', () => {
    const groups = (p: string, q: string) => [
      document('security-group', p, { name: 'p', rules: [] }),
      document('security-group', q, { name: 'q', rules: [tcp(1, { remote_group_id: ids('security-group', p)[0]! }), tcp(1, { remote_group_id: ids('security-group', q)[0]! })] }),
    ];
    const port = (key: string, list: string[]) => document('port', key, { name: 'x', security_groups: list });
    const left = [...groups('1', '2'), port('1', ids('security-group', '1', '2'))];
    const right = [...groups('3', '4'), port('2', ids('security-group', '4', '3'))];
    expect(diff(left, right)).toEqual([]);
  });

  test('is the order of a server\'s interfaces', () => {
    const port = (name: string) => document('port', name, { name });
    const server = (...ports: string[]) => document('server', '1', { name: 's', networks: ports.map((each) => ({ port: ids('port', each)[0]! })) });
    expect(diff([port('a'), port('b'), server('a', 'b')], [port('a'), port('b'), server('b', 'a')])).toMatchObject([{ attribute: '/networks' }]);
  });

  test('is not what a server with its own disk was once made from', () => {
    const server = (image: string | null) => document('server', '1', { name: 's', image });
    expect(diff([server(ids('image', 'gone')[0]!)], [server(null)])).toEqual([]);
  });

  test('is in the bytes where both sides know them', () => {
    const one = volume({});
    const root = (text: string) => new Map([[one.id, text]]);
    expect(diff([one], [one], { left: root('x'), right: root('x') })).toEqual([]);
    expect(diff([one], [one], { left: root('x'), right: root('y') })).toMatchObject([{ attribute: 'disk', from: 'x', to: 'y' }]);
    expect(diff([one], [one], { left: root('x') })).toEqual([]);
  });
});
