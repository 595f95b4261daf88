import { checkName, cut, missing, namesOf } from './names.ts';
import type { Listed, Store } from './store.ts';

/** A store in this process, for tests and the demo. `files` is what it holds: tests look at it and damage it. */
export function memoryStore(name = 'memory'): Store & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const times = new Map<string, Date>();
  async function* list(prefix: string): AsyncGenerator<Listed> {
    for (const [file, body] of Array.from(files)) if (file.startsWith(prefix)) yield { name: file, size: body.length, modified: times.get(file) ?? new Date(0) };
  }
  return {
    name,
    files,
    async put(file, body) {
      files.set(checkName(file), Uint8Array.from(body));
      times.set(file, new Date());
    },
    async get(file, range) {
      const body = files.get(checkName(file));
      if (!body) throw missing(name, file);
      return cut(name, file, Uint8Array.from(body), range);
    },
    names: (prefix) => namesOf(list(prefix)),
    list,
    async stat(file) {
      const body = files.get(checkName(file));
      return body && { size: body.length, modified: times.get(file) ?? new Date(0) };
    },
    async remove(file) {
      files.delete(checkName(file));
    },
    async close() {},
  };
}
