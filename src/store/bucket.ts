import { createHash } from 'node:crypto';
import { BaluchonError, isError } from '../errors.ts';
import { checkName, larger, largest, missing, namesOf, shorter } from './names.ts';
import type { Place } from './place.ts';
import { persist, type Patience } from './retry.ts';
import type { Listed, Room, Store } from './store.ts';

/**
 * An object storage service's container or bucket: one request per call, nothing is tried again here. Keys are whole names of
 * objects. A call throws `not-found` where the object, or the bucket itself, is not there.
 */
export interface Bucket {
  /** Where the service is, the account on it included. */
  readonly service: string;
  /** Whole or not at all; the service checks the bytes by their MD5 sum. */
  put(key: string, body: Uint8Array, md5: Buffer): Promise<void>;
  /** Fewer bytes than asked for where the object ends before. A range is never empty. Of a whole object that is larger than `largest` one byte more, or `vault`. `room` as a store has it. */
  get(key: string, range?: { offset: number; length: number }, room?: Room): Promise<Uint8Array>;
  /** One page of the objects whose keys begin with the prefix; `next` asks for the following page, and is absent on the last. */
  list(prefix: string, page?: string): Promise<Page>;
  stat(key: string): Promise<{ size: number; modified: Date }>;
  remove(key: string): Promise<void>;
  /** Whether the bucket itself is there; true where the service does not tell. */
  exists(): Promise<boolean>;
  create(): Promise<void>;
  close(): Promise<void>;
}

export interface Page {
  files: { key: string; size: number; modified: Date }[];
  next?: string | undefined;
}

/** A range in HTTP's words; of a whole object, what shows that it is too large. */
export const rangeHeader = ({ offset, length }: { offset: number; length: number } = { offset: 0, length: largest + 1 }): string => `bytes=${offset}-${offset + length - 1}`;

/** At first a service that does not answer is more often misspelt than down; later it is the other way round. */
const impatient = 3;
const patient = 8;

/** A store in a bucket, below a prefix. With `create`, a bucket that is not there is made by the first put. */
export function bucketStore(place: Place, bucket: Bucket, { create = false, ...patience }: { create?: boolean } & Patience = {}): Store {
  const { name: root, prefix } = place;
  const key = (name: string) => prefix + checkName(name);
  let there = false;
  let made: Promise<void> | undefined;

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    const value = await persist(work, { tries: there ? patient : impatient, ...patience });
    there = true;
    return value;
  }
  /** Gives `otherwise` for an object that is not there, once the bucket is known to be. */
  async function unless<T>(otherwise: () => T, work: () => Promise<T>): Promise<T> {
    try {
      return await ask(work);
    } catch (error) {
      if (!isError(error, 'not-found')) throw error;
      if (!there && !(await ask(() => bucket.exists()))) {
        there = false;
        if (!create) throw noBucket(place, error);
      }
      return otherwise();
    }
  }

  async function* list(within: string): AsyncGenerator<Listed> {
    let page: string | undefined;
    do {
      const after = page;
      const { files, next } = await unless<Page>(() => ({ files: [] }), () => bucket.list(prefix + within, after));
      for (const { key: found, size, modified } of files) {
        const name = found.slice(prefix.length);
        if (isOurs(name)) yield { name, size, modified };
      }
      page = next;
    } while (page !== undefined);
  }

  return {
    name: root,
    place: `${bucket.service} ${place.bucket}/${prefix}`,
    async put(name, body) {
      const at = key(name);
      const md5 = createHash('md5').update(body).digest();
      try {
        await ask(() => bucket.put(at, body, md5));
      } catch (error) {
        if (!isError(error, 'not-found')) throw error;
        if (!create) throw noBucket(place, error);
        made ??= ask(() => bucket.create()).catch((failure: unknown) => {
          made = undefined;
          // By somebody else, meanwhile. Whether we may write there shows.
          if (!isError(failure, 'conflict')) throw failure;
        });
        await made;
        await ask(() => bucket.put(at, body, md5));
      }
    },
    async get(name, range, room) {
      const at = key(name);
      const gone = (): never => {
        throw missing(root, name);
      };
      if (range?.length === 0) {
        // HTTP has no empty ranges.
        const { size } = await unless(gone, () => bucket.stat(at));
        if (range.offset > size) throw shorter(root, name);
        return new Uint8Array();
      }
      const body = await unless(gone, () => bucket.get(at, range, room));
      if (body.length > largest) throw larger(root, name);
      if (range && body.length !== range.length) throw shorter(root, name);
      return body;
    },
    names: (prefix) => namesOf(list(prefix)),
    list,
    stat: async (name) => unless<{ size: number; modified: Date } | undefined>(() => undefined, () => bucket.stat(key(name))),
    remove: async (name) => unless(() => {}, () => bucket.remove(key(name))),
    close: () => bucket.close(),
  };
}

/** Consoles leave markers of folders behind (`packs/`), which are no files of a vault. */
function isOurs(name: string): boolean {
  try {
    return checkName(name) === name;
  } catch {
    return false;
  }
}

const words: Record<string, string> = { swift: 'container', s3: 'bucket', azure: 'container', gs: 'bucket' };

function noBucket({ scheme, bucket, name }: Place, cause: unknown): BaluchonError {
  return new BaluchonError('store', `${name}: there is no ${words[scheme]} "${bucket}"`, { cause, hint: `check its name; baluchon init makes the ${words[scheme]} of a new vault` });
}

/**
 * What a refusal means for a vault.
 * @param doing what was asked for, in a message: `put packs/ab/x`
 * @param reason the service's own code or words, if any
 */
export function refusal(place: Place, doing: string, status: number, reason = '', cause?: unknown): BaluchonError {
  const told = `${status}${reason === '' ? '' : ` ${reason}`}`;
  const message = (what: string) => `${place.name}: ${what}: ${doing} (${told})`;
  if (status === 404) return new BaluchonError('not-found', message('not there'), { status, cause });
  if (/quota|insufficient ?storage|capacity/i.test(reason) || status === 507) {
    return new BaluchonError('store', message('no space left'), { status, cause, hint: 'make room or have the quota raised, then run it again: what was stored already is kept' });
  }
  if (status === 401) return new BaluchonError('auth', message('not let in'), { status, cause, hint: 'check the credentials' });
  if (status === 403) {
    if (/InvalidAccessKey|Signature|AuthenticationFailed|AuthorizationFailure|InvalidToken|ExpiredToken|TimeTooSkewed/i.test(reason)) return new BaluchonError('auth', message('not let in'), { status, cause, hint: 'check the credentials, and this machine\'s clock' });
    return new BaluchonError('forbidden', message('not allowed'), { status, cause, hint: `these credentials need the right to read, write, list and remove in the ${words[place.scheme]} "${place.bucket}"` });
  }
  if (status === 413) return new BaluchonError('store', message('too large for this place'), { status, cause });
  // A sum that does not fit, an upload that came to a halt: damaged or cut on the way.
  if (status === 408 || status === 422 || /BadDigest|Md5Mismatch|RequestTimeout|IncompleteBody|MD5 hash/i.test(reason)) return new BaluchonError('network', message('lost on the way'), { status, cause });
  if (status === 409 && /Already(Exists|Owned)|^conflict\b/.test(reason)) return new BaluchonError('conflict', message('there already'), { status, cause, hint: 'choose another name: somebody else has this one' });
  // Somebody else does something with it at this moment.
  if (status === 409) return new BaluchonError('cloud', message('busy'), { status: 503, cause });
  return new BaluchonError('cloud', message('refused'), { status, cause });
}

/** No answer at all, or half of one. */
export function noAnswer(place: Place, doing: string, cause: unknown): BaluchonError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new BaluchonError('network', `${place.name}: no answer: ${doing} (${[code, code && message.includes(code) ? undefined : message].filter(Boolean).join(': ')})`, { cause, hint: 'check the address and the connection; everything stored so far is kept' });
}
