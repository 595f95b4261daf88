import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { BaluchonError } from '../errors.ts';
import { isMissing, kindOf } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Document } from '../tenant/document.ts';
import { findRefs, valueAt } from '../tenant/refs.ts';

const ajv = new Ajv2020({ strict: false });
const compiled = new WeakMap<Kind, ValidateFunction>();

/**
 * Whether the documents are what they claim: params as their kinds' schemas have them (what those do not know passes),
 * references that are where `refs` says and none beside. Throws `vault`, one line: the first one that is not, and how many more.
 */
export function checkDocuments(documents: readonly Document[]): void {
  const ids = new Set<string>();
  const faults = documents.flatMap((document) => {
    const fault = ids.has(document.id) ? 'there are two of this id' : faultOf(document);
    ids.add(document.id);
    return fault === undefined ? [] : [`${document.kind} "${document.name}" (${document.id}): ${fault}`];
  });
  if (faults.length === 0) return;
  const more = faults.length > 1 ? `, and ${faults.length - 1} more like it` : '';
  throw new BaluchonError('vault', `the bundle is not what it claims to be: ${faults[0]}${more}`, { hint: 'it was written by something else, or is damaged: `baluchon verify` tells which; another bundle of the vault may be whole' });
}

function faultOf(document: Document): string | undefined {
  for (const pointer of Object.keys(document.refs)) {
    if (typeof valueAt(document.params, pointer) !== 'string') return `nothing at ${pointer}, where it tells of a reference`;
  }
  const kind = kindOf(document.kind);
  if (!kind || isMissing(document)) return undefined;
  const untold = Object.entries(findRefs(document.params, kind.refs)).find(([pointer, target]) => document.refs[pointer] !== target);
  if (untold) return `the reference at ${untold[0]} is not among its refs`;
  const validate = compiled.get(kind) ?? ajv.compile(kind.schema);
  compiled.set(kind, validate);
  if (validate(document.params)) return undefined;
  const [first] = validate.errors ?? [];
  return `${first?.instancePath || 'params'} ${first?.message ?? 'not valid'}`;
}
