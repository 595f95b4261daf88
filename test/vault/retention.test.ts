import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPolicy, type Policy } from '../../src/vault/retention.ts';
import type { BundleInfo } from '../../src/vault/types.ts';
import { source } from './kit.ts';

let count = 0;
const bundle = (created: string, more: { project?: string; cloud?: string; region?: string; tags?: string[] } = {}): BundleInfo => ({
  id: String(count++).padStart(32, '0'),
  created,
  source: { ...source, cloud: more.cloud ?? 'alpha', region: more.region ?? 'one', project: { id: more.project ?? 'p', name: 'miop' } },
  counts: {},
  disk_bytes: 0,
  added_bytes: 0,
  ...(more.tags && { tags: more.tags }),
});
const kept = (bundles: BundleInfo[], policy: Policy, options = {}) => applyPolicy(bundles, policy, options).filter(({ keep }) => keep).map(({ bundle: { created } }) => created);
const daily = (first: string, days: number) => Array.from({ length: days }, (_, at) => bundle(new Date(Date.parse(first) + at * 86_400_000).toISOString().replace('.000', '')));

describe('what a policy keeps', () => {
  test('the last ones', () => {
    expect(kept(daily('2026-11-01T03:00:00Z', 10), { last: 3 })).toEqual(['2026-11-08T03:00:00Z', '2026-11-09T03:00:00Z', '2026-11-10T03:00:00Z']);
  });

  test('of each hour, day, month and year the newest; a week is that of ISO 8601', () => {
    const bundles = ['2024-12-29T10:00:00Z', '2024-12-30T10:00:00Z', '2025-01-05T10:00:00Z', '2025-01-05T10:59:59Z', '2025-01-06T00:00:00Z', '2025-01-06T23:59:59Z'].map((created) => bundle(created));
    expect(kept(bundles, { hourly: 3 })).toEqual(['2025-01-05T10:59:59Z', '2025-01-06T00:00:00Z', '2025-01-06T23:59:59Z']);
    expect(kept(bundles, { daily: 2 })).toEqual(['2025-01-05T10:59:59Z', '2025-01-06T23:59:59Z']);
    // 2024-12-30 is a Monday, of the first week of 2025.
    expect(applyPolicy(bundles, { weekly: 2 }).filter(({ keep }) => keep).map(({ reasons }) => reasons)).toEqual([['weekly 2025-W01'], ['weekly 2025-W02']]);
    expect(kept(bundles, { monthly: 1 })).toEqual(['2025-01-06T23:59:59Z']);
    expect(kept(bundles, { yearly: 2 })).toEqual(['2024-12-30T10:00:00Z', '2025-01-06T23:59:59Z']);
  });

  test('a rule that is not used up keeps the very oldest too', () => {
    expect(kept(['2026-11-01T01:00:00Z', '2026-11-01T02:00:00Z', '2026-11-01T03:00:00Z'].map((created) => bundle(created)), { daily: 7 })).toEqual(['2026-11-01T01:00:00Z', '2026-11-01T03:00:00Z']);
  });

  test('rules add up, and each bundle says why it is kept or not', () => {
    const verdicts = applyPolicy(daily('2026-10-30T03:00:00Z', 4), { last: 1, daily: 2, monthly: 2 });
    expect(verdicts.map(({ bundle: { created }, keep, reasons }) => [created.slice(0, 10), keep, reasons])).toEqual([
      ['2026-10-30', false, ['no rule keeps it']],
      ['2026-10-31', true, ['monthly 2026-10']],
      ['2026-11-01', true, ['daily 2026-11-01']],
      ['2026-11-02', true, ['last', 'daily 2026-11-02', 'monthly 2026-11']],
    ]);
  });

  test('what was made within a time before the newest', () => {
    expect(kept(daily('2026-01-01T00:00:00Z', 100), { within: '3d' })).toHaveLength(4);
    expect(kept(daily('2026-01-01T00:00:00Z', 100), { within: '1m12h' })[0]).toBe('2026-03-10T00:00:00Z');
    expect(kept([bundle('2026-02-28T00:00:00Z'), bundle('2026-03-31T00:00:00Z'), bundle('2026-02-27T00:00:00Z')], { within: '1m' })).toEqual(['2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z']);
    for (const within of ['', 'week', '3', '3d2y', '-1d', '1.5d']) expect(() => kept(daily('2026-01-01T00:00:00Z', 2), { within }), within).toThrow('not a length of time');
  });

  test('what bears a tag', () => {
    const bundles = [bundle('2026-01-01T00:00:00Z', { tags: ['release', 'x'] }), bundle('2026-01-02T00:00:00Z', { tags: ['y'] }), bundle('2026-01-03T00:00:00Z')];
    expect(kept(bundles, { tags: ['release', 'z'], last: 0 })).toEqual(['2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z']);
  });
});

describe('what a policy never does', () => {
  test('one project does not push out another: a region or cloud of its own is a project of its own', () => {
    const bundles = [...daily('2026-11-01T00:00:00Z', 5), bundle('2020-01-01T00:00:00Z', { project: 'q' }), bundle('2020-01-02T00:00:00Z', { region: 'two' }), bundle('2020-01-03T00:00:00Z', { cloud: 'beta' })];
    expect(kept(bundles, { last: 1 }).sort()).toEqual(['2020-01-01T00:00:00Z', '2020-01-02T00:00:00Z', '2020-01-03T00:00:00Z', '2026-11-05T00:00:00Z']);
  });

  test('the last bundle of a project goes only when told so', () => {
    const bundles = daily('2026-11-01T00:00:00Z', 2);
    expect(applyPolicy(bundles, { last: 0 }).at(-1)).toMatchObject({ keep: true, reasons: ['the newest of its project'] });
    expect(kept(bundles, { last: 0 }, { evenTheLast: true })).toEqual([]);
  });

  test('without a rule it decides nothing', () => {
    expect(() => applyPolicy(daily('2026-11-01T00:00:00Z', 2), {})).toThrow('nothing says which bundles to keep');
    expect(() => applyPolicy([], {}, { evenTheLast: true })).toThrow('nothing says which bundles to keep');
  });

  test('whatever the rules: a verdict on each, every project keeps one, a stronger rule keeps no less, and deciding again changes nothing', () => {
    const times = fc.integer({ min: 0, max: 3 * 365 * 24 }).map((hours) => new Date(Date.UTC(2024, 0, 1, hours)).toISOString().replace('.000', ''));
    const bundles = fc.array(fc.tuple(times, fc.constantFrom('p', 'q')).map(([created, project]) => bundle(created, { project })), { minLength: 1, maxLength: 60 });
    const count = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined });
    const policy = fc.record({ last: fc.integer({ min: 0, max: 5 }), hourly: count, daily: count, weekly: count, monthly: count, yearly: count }) as fc.Arbitrary<Policy>;
    fc.assert(
      fc.property(bundles, policy, (all, rules) => {
        const verdicts = applyPolicy(all, rules);
        expect(verdicts).toHaveLength(all.length);
        const left = verdicts.filter(({ keep }) => keep).map(({ bundle: one }) => one);
        for (const project of new Set(all.map(({ source: { project: { id } } }) => id))) expect(left.some(({ source: { project: { id } } }) => id === project)).toBe(true);
        expect(left.length).toBeLessThanOrEqual(applyPolicy(all, { ...rules, last: rules.last! + 1 }).filter(({ keep }) => keep).length);
        expect(applyPolicy(left, rules).every(({ keep }) => keep)).toBe(true);
      }),
    );
  });
});
