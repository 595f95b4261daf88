import { BaluchonError } from '../errors.ts';
import type { Document } from '../tenant/document.ts';

/** The documents that `KIND`, `KIND/NAME` or `KIND/ID` names; names may hold slashes. @throws usage where there is none. */
export function chooseDocuments(documents: readonly Document[], what: string): Document[] {
  const slash = what.indexOf('/');
  const kind = slash < 0 ? what : what.slice(0, slash);
  const name = slash < 0 ? undefined : what.slice(slash + 1);
  const ofKind = documents.filter((document) => document.kind === kind);
  const kinds = [...new Set(documents.map((document) => document.kind))].sort();
  if (ofKind.length === 0) {
    const meant = documents.filter((document) => document.name === what || document.id === what).map((document) => `${document.kind}/${what}`);
    const hint = meant.length > 0 ? `say of what kind: ${meant.slice(0, 4).join(', ')}` : kinds.length === 0 ? 'it is empty' : `it holds: ${kinds.join(', ')}`;
    throw new BaluchonError('usage', `the bundle holds no ${kind}`, { hint });
  }
  const chosen = ofKind.filter((document) => name === undefined || document.name === name || document.id === name);
  if (chosen.length === 0) {
    const names = ofKind.map((document) => (document.name === '' ? document.id : document.name)).sort();
    throw new BaluchonError('usage', `the bundle holds no ${kind} called ${name}`, { hint: `it holds: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}` });
  }
  return chosen;
}
