import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isZero } from '../../src/disk/zero.ts';

describe('isZero', () => {
  test('zeros of any length and alignment are zero', () =>
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(15), (length, shift) => {
        expect(isZero(Buffer.alloc(length + shift).subarray(shift))).toBe(true);
      }),
    ));

  test('one bit anywhere is not', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70_000 }), fc.nat(), fc.nat(7), (length, place, bit) => {
        const bytes = new Uint8Array(length);
        bytes[place % length] = 1 << bit;
        expect(isZero(bytes)).toBe(false);
      }),
    ));

  test('only the bytes of the view count', () => {
    expect(isZero(new Uint8Array([1, 0, 0, 1]).subarray(1, 3))).toBe(true);
  });

  test('every byte equal is not zero', () => {
    expect(isZero(Buffer.alloc(4096, 7))).toBe(false);
  });
});
