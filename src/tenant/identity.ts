import { createHash } from 'node:crypto';

/** A document's id: the same resource of the same cloud has the same id in every bundle, and no id tells the cloud's. */
export function documentId(kind: string, key: string): string {
  return `${kind}-${createHash('sha256').update(`${kind}\0${key}`).digest('hex').slice(0, 12)}`;
}
