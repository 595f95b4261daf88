import { describe, expect, test } from 'vitest';
import { bytes, clock, count, duration, noun, when } from '../../src/report/units.ts';

describe('amounts, as people read them', () => {
  test.each([[0, '0 B'], [1023, '1023 B'], [1024, '1 KiB'], [1536, '1.5 KiB'], [10 * 2 ** 20, '10 MiB'], [1023.9 * 2 ** 20, '1 GiB'], [2 ** 30, '1 GiB'], [5.25 * 2 ** 40, '5.3 TiB']])('%d bytes are %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  test.each([[0, '0.0 s'], [9.94, '9.9 s'], [9.96, '10 s'], [59.6, '1 min 00 s'], [200, '3 min 20 s'], [725, '12 min'], [3900, '1 h 05 min'], [3599, '1 h 00 min']])('%d seconds are %s', (value, text) => {
    expect(duration(value)).toBe(text);
  });

  test('a countdown has hours only when it needs them', () => {
    expect([7, 725, 3723].map(clock)).toEqual(['0:07', '12:05', '1:02:03']);
  });

  test('times are UTC, and what is no time stays as it is', () => {
    expect(when('2026-11-21T13:31:07+01:00')).toBe('2026-11-21 12:31');
    expect(when('yesterday')).toBe('yesterday');
  });

  test('kinds are said in words and counted', () => {
    expect([count(1, noun('server')), count(2, noun('floating-ip')), count(0, noun('security-group'))]).toEqual(['1 server', '2 floating IPs', '0 security groups']);
  });
});
