import { BaluchonError } from '../errors.ts';
import type { Listed } from './store.ts';

/** Names come from files that anybody may have written: none may lead out of the store. */
export function checkName(name: string): string {
  if (name.length > 255 || !/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name)) {
    throw new BaluchonError('vault', `not a name of a vault's file: ${JSON.stringify(name.slice(0, 80))}`);
  }
  return name;
}

/** Where sizes come with the names. */
export async function* namesOf(files: AsyncIterable<Listed>): AsyncGenerator<string> {
  for await (const { name } of files) yield name;
}

/** Bytes. No file of a vault is larger; one that is was made so, and is not taken into memory. */
export const largest = 1 << 30;

export function larger(store: string, name: string): BaluchonError {
  return new BaluchonError('vault', `${store}: file larger than it can be: ${name}`);
}

export function missing(store: string, name: string, cause?: unknown): BaluchonError {
  return new BaluchonError('vault', `${store}: file missing: ${name}`, { cause });
}

/** The bytes asked for, or `vault` where the file ends before them. */
export function cut(store: string, name: string, body: Uint8Array, range?: { offset: number; length: number }): Uint8Array {
  if (!range) return body;
  if (range.offset + range.length > body.length) throw shorter(store, name);
  return body.subarray(range.offset, range.offset + range.length);
}

export function shorter(store: string, name: string): BaluchonError {
  return new BaluchonError('vault', `${store}: file shorter than it should be: ${name}`);
}
