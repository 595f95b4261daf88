import { afterAll, beforeAll, expect } from 'vitest';
import { waitFor, type Cloud } from '../../src/cloud/index.ts';
import { isError, type ErrorCode } from '../../src/errors.ts';

/** What a contract's tests work with: the cloud, and a list of what to remove at the end. */
export interface Things {
  cloud(): Cloud;
  /** Removes it at the end, in reverse order, whatever happened. */
  later(remove: () => Promise<unknown>): void;
  /** Deletes and waits until it is gone. */
  remove(service: 'compute' | 'volume' | 'image' | 'network', path: string): Promise<void>;
}

export const NOWHERE = '00000000-0000-0000-0000-000000000000';

export function things(cloud: () => Cloud): Things {
  const removals: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    const problems: unknown[] = [];
    for (const remove of removals.splice(0).toReversed()) {
      try {
        await remove();
      } catch (error) {
        if (!isError(error, 'not-found')) problems.push(error);
      }
    }
    expect(problems).toEqual([]);
  });
  const self: Things = {
    cloud,
    later: (remove) => void removals.push(remove),
    async remove(service, path) {
      const api = await cloud().service(service);
      await api.delete(path);
      await states(() => api.get(path).then(() => 'there', (error) => (isError(error, 'not-found') ? 'gone' : Promise.reject(error))), 'gone');
    },
  };
  return self;
}

/** Before all tests: something that all of them use. */
export function once<T>(make: () => Promise<T>): () => T {
  let value: T;
  beforeAll(async () => {
    value = await make();
  });
  return () => value;
}

/** The states that something goes through until it is in the last one. */
export async function states(look: () => Promise<string>, last: string): Promise<string[]> {
  const seen: string[] = [];
  await waitFor(
    `to be ${last}`,
    async () => {
      const state = await look();
      if (seen.at(-1) !== state) seen.push(state);
      return state;
    },
    (state) => state === last || (/error|killed/i.test(state) ? `it went ${seen.join(' -> ')}` : false),
    { first: 15, most: 500, stall: 180_000 },
  );
  return seen;
}

/** The call is refused with this status, by an error of this code, in words like these. */
export async function refused(call: Promise<unknown>, status: number, code: ErrorCode, words: RegExp): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, 'it was not refused').toBeDefined();
  if (!isError(error)) throw error;
  expect({ status: error.status, code: error.code }).toEqual({ status, code });
  expect(error.message).toMatch(words);
}

export async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}
