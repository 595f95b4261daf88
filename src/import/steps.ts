import { BaluchonError } from '../errors.ts';
import { kindOf } from '../kinds/index.ts';
import type { Document } from '../tenant/document.ts';
import { targets } from '../tenant/refs.ts';

/** One thing to do: `prepare` where a kind has something to do before all else, `create` (or update), `complete` where it has a second step. */
export interface Step {
  id: string;
  document: string;
  what: 'prepare' | 'create' | 'complete';
  /** Ids of the steps that come first. */
  after: string[];
}

const create = (id: string) => `create ${id}`;
const complete = (id: string) => `complete ${id}`;

/**
 * The steps of an import and what each waits for, from `refs`, `late`, `needs` and `complete.after` alone. A document is
 * made when all that it refers to, however far down, is complete, except for what becomes complete only after it (a
 * subnet's DHCP after its ports), and for what only tells where its bytes came from when those are there (`disks`).
 */
export function stepsOf(documents: readonly Document[], disks: ReadonlySet<string> = new Set()): Step[] {
  const byId = new Map(documents.map((document) => [document.id, document]));
  const early = (document: Document) => {
    const { late = [], origin = [] } = kindOf(document.kind) ?? {};
    return targets(document, disks.has(document.id) ? [...late, ...origin] : late).filter((id) => byId.has(id));
  };
  const referrers = new Map<string, Document[]>();
  for (const document of documents) for (const id of new Set(early(document))) referrers.set(id, [...(referrers.get(id) ?? []), document]);

  const ancestors = new Map<string, ReadonlySet<string>>();
  const ancestorsOf = (id: string): ReadonlySet<string> => {
    const known = ancestors.get(id);
    if (known) return known;
    const all = new Set<string>();
    ancestors.set(id, all);
    for (const target of early(byId.get(id) as Document)) {
      all.add(target);
      for (const further of ancestorsOf(target)) all.add(further);
    }
    return all;
  };

  const done = (id: string, forKind: string): string[] => {
    const second = kindOf((byId.get(id) as Document).kind)?.complete;
    return second && !second.after?.includes(forKind) ? [create(id), complete(id)] : [create(id)];
  };
  return documents.flatMap((document) => {
    const kind = kindOf(document.kind);
    const needed = (kind?.needs?.(document, documents) ?? []).filter((id) => byId.has(id));
    const before: Step[] = kind?.prepare ? [{ id: `prepare ${document.id}`, document: document.id, what: 'prepare', after: [] }] : [];
    const first: Step = {
      id: create(document.id),
      document: document.id,
      what: 'create',
      after: [...before.map(({ id }) => id), ...new Set([...ancestorsOf(document.id), ...needed].flatMap((id) => done(id, document.kind)))],
    };
    if (!kind?.complete) return [...before, first];
    const late = targets(document).filter((id) => byId.has(id) && id !== document.id);
    const waited = (referrers.get(document.id) ?? []).filter((referrer) => kind.complete?.after?.includes(referrer.kind));
    return [...before, first, { id: complete(document.id), document: document.id, what: 'complete', after: [...new Set([first.id, ...late.map(create), ...waited.flatMap(({ id, kind }) => (kindOf(kind)?.complete ? [create(id), complete(id)] : [create(id)]))])] }];
  });
}

/** The steps in an order in which they can be done one by one; throws where they wait for each other in a circle. */
export function inOrder(steps: readonly Step[]): Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const state = new Map<string, 'open' | 'done'>();
  const ordered: Step[] = [];
  const visit = (step: Step) => {
    if (state.get(step.id) === 'done') return;
    if (state.get(step.id) === 'open') throw new BaluchonError('vault', `documents of the bundle need each other in a circle: ${step.document}`);
    state.set(step.id, 'open');
    for (const id of step.after) visit(byId.get(id) as Step);
    state.set(step.id, 'done');
    ordered.push(step);
  };
  for (const step of steps) visit(step);
  return ordered;
}
