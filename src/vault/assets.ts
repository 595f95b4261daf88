import { readFile } from 'node:fs/promises';
import { layout } from './layout.ts';

/** The files that every vault carries, as this version of the program has them. */
export async function assets(): Promise<[name: string, body: Buffer][]> {
  return Promise.all(
    [layout.howto, layout.script].map(async (name): Promise<[string, Buffer]> => [name, await readFile(new URL(`../../docs/recover/${name}`, import.meta.url))]),
  );
}
