import { CORE_SCHEMA, dump, load } from 'js-yaml';
import { BaluchonError } from '../errors.ts';
import type { Document, Json } from '../tenant/document.ts';

/** YAML 1.2 core schema, keys sorted, no anchors, lines not folded: the same value gives the same bytes. */
export function yaml(value: unknown): string {
  return dump(value, { schema: CORE_SCHEMA, sortKeys: true, noRefs: true, lineWidth: -1 });
}

/** @throws vault, naming the file, where the text is no YAML of this schema. */
export function parseYaml(text: string | Uint8Array, file: string): Json {
  try {
    return load(typeof text === 'string' ? text : Buffer.from(text).toString('utf8'), { schema: CORE_SCHEMA, filename: file }) as Json;
  } catch (cause) {
    throw new BaluchonError('vault', `damaged: ${file}: not yaml`, { cause });
  }
}

/** A document as it lies in a manifest and in what `extract` and recover.sh write, byte for byte. */
export function documentYaml(document: Document): string {
  return yaml(document);
}
