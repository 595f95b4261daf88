import { matchesGlob } from 'node:path';
import { BaluchonError } from '../errors.ts';
import { kindOf, kinds } from '../kinds/index.ts';
import type { Document } from '../tenant/document.ts';
import { targets } from '../tenant/refs.ts';
import { missing } from './read.ts';

interface Choice {
  kind: string;
  glob: string | undefined;
}

/** Reads `KIND` or `KIND:NAME-GLOB`. */
function parse(text: string, option: string): Choice {
  const [kind = '', ...rest] = text.split(':');
  if (!kindOf(kind)) {
    throw new BaluchonError('usage', `${option} ${text}: there is no kind "${kind}"`, { hint: `kinds: ${kinds.map(({ name }) => name).join(', ')}` });
  }
  return { kind, glob: rest.length > 0 ? rest.join(':') : undefined };
}

const chosen = (choices: Choice[], { kind, name }: Document) =>
  choices.some((choice) => choice.kind === kind && (choice.glob === undefined || choice.glob === name || matchesGlob(name.replaceAll('/', '\u2215'), choice.glob.replaceAll('/', '\u2215'))));

/**
 * Part of a tenant: the documents that `only` chooses (all, without it), less those that `exclude` names, and whatever
 * the chosen ones refer to or need in order to work, on and on. What is excluded and still referred to is said to be missing.
 */
export function filterDocuments(documents: readonly Document[], { only = [], exclude = [] }: { only?: string[]; exclude?: string[] }): Document[] {
  const wanted = only.map((text) => parse(text, '--only'));
  const unwanted = exclude.map((text) => parse(text, '--exclude'));
  const roots = documents.filter((document) => wanted.length === 0 || chosen(wanted, document));
  for (const [at, choice] of wanted.entries()) {
    if (!documents.some((document) => chosen([choice], document))) throw new BaluchonError('usage', `--only ${only[at]}: nothing has that kind and name`);
  }
  const byId = new Map(documents.map((document) => [document.id, document]));
  const kept = new Set<string>();
  const waiting = roots.filter((document) => !chosen(unwanted, document));
  for (let document = waiting.pop(); document; document = waiting.pop()) {
    if (kept.has(document.id)) continue;
    kept.add(document.id);
    if (chosen(unwanted, document)) continue;
    const needed = [...targets(document), ...(kindOf(document.kind)?.needs?.(document, documents) ?? [])];
    waiting.push(...needed.flatMap((id) => byId.get(id) ?? []));
  }
  return documents
    .filter(({ id }) => kept.has(id))
    .map((document) => (chosen(unwanted, document) ? missing(document.kind, document.id, document.name, 'left out by --exclude') : document));
}
