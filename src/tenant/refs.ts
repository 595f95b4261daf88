import type { Document, Json, JsonObject } from './document.ts';

const unescape = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~');
/** A key as one step of a JSON pointer. */
export const escape = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');
const tokens = (pointer: string) => pointer.split('/').slice(1).map(unescape);

/** The value at a JSON pointer (RFC 6901), undefined where there is none. */
export function valueAt(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const token of tokens(pointer)) {
    if (value === null || typeof value !== 'object' || !Object.prototype.propertyIsEnumerable.call(value, token)) return undefined;
    value = (value as JsonObject)[token];
  }
  return value;
}

/** Writes a value at a JSON pointer whose parent exists. */
export function setAt(root: JsonObject, pointer: string, value: Json): void {
  const path = tokens(pointer);
  const last = path.pop() as string;
  const parent = path.reduce<Json | undefined>((at, token) => (at as JsonObject)[token], root) as JsonObject;
  parent[last] = value;
}

/**
 * Takes a reference out that leads nowhere: the whole list entry it stands in, or else null in its place.
 * So a security group rule without its remote group goes as a whole: it must never become a wider one.
 */
export function cutAt(root: JsonObject, pointer: string): void {
  const path = tokens(pointer);
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const parent = valueAt(root, pointerTo(path.slice(0, depth)));
    if (Array.isArray(parent)) {
      // Emptied now and swept by `sweep`, so that the pointers of its neighbours keep their meaning.
      parent[Number(path[depth])] = CUT;
      return;
    }
  }
  setAt(root, pointer, null);
}

const CUT = '\u0000cut';
const pointerTo = (path: string[]) => path.map((token) => `/${escape(token)}`).join('');

/** Removes the list entries that `cutAt` emptied. */
export function sweep<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.filter((item) => item !== CUT).map(sweep) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, sweep(item)])) as T;
}

/** The pointers in `params` that a pattern means (`*` stands for any index or key) and that hold a string. */
export function expand(params: JsonObject, pattern: string): string[] {
  let found: { pointer: string; value: Json | undefined }[] = [{ pointer: '', value: params }];
  for (const token of tokens(pattern)) {
    found = found.flatMap(({ pointer, value }) => {
      if (value === null || typeof value !== 'object') return [];
      const names = token === '*' ? Object.keys(value) : [token];
      return names.map((name) => ({ pointer: `${pointer}/${escape(name)}`, value: (value as JsonObject)[name] }));
    });
  }
  return found.filter(({ value }) => typeof value === 'string').map(({ pointer }) => pointer);
}

/** `refs` of a document: every pattern of its kind, expanded on its params. */
export function findRefs(params: JsonObject, patterns: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(patterns).flatMap(([pattern, kind]) => expand(params, pattern).map((pointer) => [pointer, kind])));
}

/** Whether a concrete pointer is one that a pattern means. */
export function matches(pointer: string, pattern: string): boolean {
  const [a, b] = [pointer.split('/'), pattern.split('/')];
  return a.length === b.length && a.every((token, at) => b[at] === '*' || b[at] === token);
}

/** Ids of the documents that a document refers to. */
export function targets(document: Document, except: readonly string[] = []): string[] {
  return Object.keys(document.refs)
    .filter((pointer) => !except.some((pattern) => matches(pointer, pattern)))
    .map((pointer) => valueAt(document.params, pointer) as string);
}

/** A copy of the params with every reference replaced. */
export function withRefs(document: Document, replace: (id: string) => Json): JsonObject {
  const params = structuredClone(document.params);
  for (const pointer of Object.keys(document.refs)) setAt(params, pointer, replace(valueAt(params, pointer) as string));
  return params;
}
