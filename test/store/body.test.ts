import { describe, expect, test } from 'vitest';
import { incoming } from '../../src/store/body.ts';
import { largest } from '../../src/store/names.ts';

const place = { scheme: 's3' as const, bucket: 'b', prefix: 'p/', name: 's3://b/p', parameters: {} };
const body = (told: string | undefined, ...parts: Buffer[]) => {
  const coming = incoming(place, 'get p/a', told);
  for (const part of parts) coming.take(part);
  return coming.bytes();
};

describe('the body of an answer', () => {
  test.each([undefined, '6'])('is what came, announced or not: %s', (told) => {
    expect(body(told, Buffer.from('abc'), Buffer.from('def')).toString()).toBe('abcdef');
  });

  test.each([undefined, '0'])('may be empty: %s', (told) => {
    expect(body(told)).toHaveLength(0);
  });

  test.each(['7', '5'])('is none when %s bytes were announced and 6 came', (told) => {
    expect(() => body(told, Buffer.from('abc'), Buffer.from('def'))).toThrow(expect.objectContaining({ code: 'network', message: expect.stringContaining(`cut off after 6 of ${told} bytes`) }));
  });

  test.each([['announced', `${largest + 2}`, 1], ['not announced', undefined, largest + 2]])('is refused where it is more than a file can be: %s', (_, told, length) => {
    expect(() => body(told, Buffer.alloc(length))).toThrow(expect.objectContaining({ code: 'vault', message: 's3://b/p: file larger than it can be: a' }));
  });
});
