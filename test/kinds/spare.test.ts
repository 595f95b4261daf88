import * as fc from 'fast-check';
import { BlockList } from 'node:net';
import { expect, test } from 'vitest';
import { sparePool } from '../../src/kinds/spare.ts';

const pool = { start: '2001:db8::10', end: '2001:db8::2f' };

test('the spare addresses are the last of the last pool', () => {
  expect(sparePool([{ start: '2001:db8::2', end: '2001:db8::8' }, pool], [])).toEqual({ start: '2001:db8::28', end: '2001:db8::2f' });
  expect(sparePool([{ start: '::', end: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }], [])?.end).toBe('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
});

test('an earlier pool serves where the last has no room, and none where all are taken', () => {
  expect(sparePool([{ start: '2001:db8::2', end: '2001:db8::3' }, { start: '2001:db8::5', end: '2001:db8::5' }], ['2001:db8::5'])).toEqual({ start: '2001:db8::2', end: '2001:db8::3' });
  expect(sparePool([{ start: '2001:db8::5', end: '2001:db8::5' }], ['2001:0DB8:0::5'])).toBeUndefined();
  expect(sparePool([], [])).toBeUndefined();
});

test('they lie within the pool, and no wanted address is among them', () => {
  const inside = new BlockList();
  inside.addRange(pool.start, pool.end, 'ipv6');
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0x08, max: 0x38 })), (hosts) => {
      const wanted = hosts.map((host) => `2001:db8::${host.toString(16)}`);
      const spare = sparePool([pool], wanted);
      const gaps = Array.from({ length: 0x20 - 7 }, (_, at) => 0x10 + at).some((from) => hosts.every((host) => host < from || host > from + 7));
      expect(spare !== undefined).toBe(gaps);
      if (spare === undefined) return;
      const range = new BlockList();
      range.addRange(spare.start, spare.end, 'ipv6');
      expect(inside.check(spare.start, 'ipv6') && inside.check(spare.end, 'ipv6')).toBe(true);
      for (const address of wanted) expect(range.check(address, 'ipv6')).toBe(false);
    }),
  );
});
