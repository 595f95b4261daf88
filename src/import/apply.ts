import { readFile } from 'node:fs/promises';
import type { Cloud } from '../cloud/cloud.ts';
import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import { readTenant } from '../export/read.ts';
import { gate, slots } from '../export/slots.ts';
import { kindOf } from '../kinds/index.ts';
import type { CreateWork, Kind } from '../kinds/kind.ts';
import { openTemporaries } from '../kinds/temporary.ts';
import type { Document, JsonObject } from '../tenant/document.ts';
import { findRefs, matches, setAt, valueAt } from '../tenant/refs.ts';
import type { Bundle } from '../vault/types.ts';
import { measure } from './fidelity.ts';
import { journalPath, openJournal } from './journal.ts';
import { userDataFile } from './mapping.ts';
import { stepsOf, type Step } from './steps.ts';
import type { Action, ImportReport, Mapping, Plan } from './types.ts';

export interface ApplyOptions {
  emit?: Emit;
  signal?: AbortSignal;
  /** Disks sent at once; default 3. */
  parallel?: number;
}

/** Steps under way at once; of those only `parallel` send a disk. */
const WORKING = 12;
/** Errors after which going on with the rest makes no sense. */
const FATAL = ['auth', 'interrupted', 'network', 'vault', 'key', 'store', 'usage'] as const;

/**
 * Carries out a plan: every step as soon as what it waits for is done. Each is announced in the journal before it is
 * done, so that the same import run again goes on from there. What fails stops only what needs it.
 * Between its planning and its end nobody else may be at the same import: see lockImport.
 * Errors: `usage` where the plan has conflicts, `quota` where it does not fit, both before anything is created;
 * `interrupted`, `network`, `auth`, `vault` while at it, with what was created kept for the next run.
 */
export async function applyPlan(cloud: Cloud, bundle: Bundle, plan: Plan, mapping: Mapping, options: ApplyOptions = {}): Promise<ImportReport> {
  refuse(plan, bundle);
  const { emit = silent, parallel = 3 } = options;
  const started = performance.now();
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const temporaries = openTemporaries(cloud, emit);
  const journal = await openJournal(journalPath({ bundle: bundle.info.id, project: cloud.project.id, rename: plan.rename }));
  const actions = new Map(plan.actions.map((action) => [action.id, action]));
  const documents = new Map(bundle.documents.map((document) => [document.id, document]));
  const disks = new Map(bundle.disks.map((disk) => [disk.id, disk]));
  const made = new Map(plan.actions.flatMap(({ id, target }) => (target ? [[id, target.id] as const] : [])));
  const created: ImportReport['created'] = [];
  const failed: ImportReport['failed'] = [];
  const blocked: ImportReport['blocked'] = [];
  const [working, sending] = [slots(WORKING), slots(parallel)];
  // What is sent ahead of its server lies on the cloud as a temporary image: only so many at once.
  const ahead = gate(parallel + 2);
  const prepared = new Map<string, { ready?: string; used(): void }>();
  let fatal: unknown;

  const perform = async (step: Step, action: Action, document: Document, kind: Kind): Promise<void> => {
    const begun = performance.now();
    const about = disks.get(document.id);
    const needsDisk = about && action.action === 'create' && step.what === (kind.prepare ? 'prepare' : 'create');
    const disk = needsDisk ? await bundle.disk(document.id) : undefined;
    try {
      const work: CreateWork = {
        cloud,
        document,
        params: resolve(action.params as JsonObject, kind, made, step.what !== 'complete'),
        documents,
        target: (id) => made.get(id) ?? '',
        ...(disk && { disk, about }),
        ...(prepared.get(document.id)?.ready !== undefined && { prepared: prepared.get(document.id)?.ready }),
        sending,
        ...(await suppliedUserData(document, mapping)),
        temporaries,
        emit,
        // What is short is brought to its end: half of it would be neither there nor gone.
        ...(kind.hasDisk && { signal }),
      };
      if (document.kind === 'floating-ip' && mapping.floating_ips === 'same') work.params.floating_ip_address = document.info.address;
      if (step.what === 'prepare') {
        const ready = await kind.prepare?.(work);
        prepared.set(document.id, { ...prepared.get(document.id)!, ...(ready !== undefined && { ready }) });
        return;
      }
      if (step.what === 'complete') await kind.complete?.run({ ...work, id: made.get(document.id) as string });
      else if (action.action === 'update') {
        if (!kind.complete) await kind.update?.({ ...work, id: made.get(document.id) as string });
      } else {
        await journal.write('creating', document.id);
        const id = await (kind.create as NonNullable<Kind['create']>)(work);
        made.set(document.id, id);
        await journal.write('created', document.id, id);
        created.push({ id: document.id, kind: document.kind, name: action.name, target: id, seconds: (performance.now() - begun) / 1000 });
      }
      if (step.what === 'complete' || !kind.complete) await journal.write('completed', document.id, made.get(document.id));
    } finally {
      await disk?.close();
    }
  };

  const run = async (step: Step): Promise<void> => {
    const action = actions.get(step.document) as Action;
    const document = documents.get(step.document) as Document;
    const kind = kindOf(document.kind);
    if (!kind || (action.action !== 'create' && (action.action !== 'update' || step.what === 'prepare'))) return;
    const what = `${document.kind} ${action.name || document.id}`;
    if (step.what === 'prepare') prepared.set(document.id, { used: await ahead() });
    // A prepared disk is on its way by itself; a place among the workers it would take from the rest.
    await (step.what === 'prepare' ? (task: () => Promise<void>) => task() : working)(async () => {
      if (signal.aborted) throw fatal ?? signal.reason;
      if (step.what === 'create') emit({ type: 'start', id: document.id, what });
      try {
        await perform(step, action, document, kind);
        if (step.what === 'create') emit({ type: 'end', id: document.id, what, outcome: 'done' });
      } catch (error) {
        emit({ type: 'end', id: document.id, what, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) });
        if (isError(error, ...FATAL) || !(error instanceof BaluchonError)) {
          fatal ??= error;
          controller.abort(error);
          throw error;
        }
        if (step.what === 'prepare') prepared.get(document.id)?.used();
        failed.push({ id: document.id, kind: document.kind, name: action.name, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) });
        throw error;
      } finally {
        if (step.what === 'create') prepared.get(document.id)?.used();
      }
    });
  };

  try {
    const steps = stepsOf(plan.actions.map(({ id }) => documents.get(id) as Document), new Set(disks.keys()));
    await schedule(steps, run, (step, by) => {
      const action = actions.get(step.document) as Action;
      const cause = actions.get(by.document) as Action;
      if (step.what !== 'create') return;
      prepared.get(step.document)?.used();
      // Where its own preparation failed, that is told already.
      if (action.action === 'create' && by.document !== step.document) blocked.push({ id: action.id, kind: action.kind, name: action.name, by: `${cause.kind} ${cause.name || cause.id}` });
    });
  } finally {
    await Promise.all([temporaries.removeAll(), journal.close()]);
  }
  if (options.signal?.aborted) {
    const total = plan.actions.filter(({ action }) => action === 'create').length;
    throw new BaluchonError('interrupted', `interrupted: ${created.length} of ${total} created`, { hint: 'run the same command again to go on from there' });
  }
  if (fatal !== undefined) throw fatal;

  const { documents: there } = await readTenant(cloud, { offers: true, emit: silent });
  const wanted = plan.actions.filter(({ params }) => params).map(({ id, name, params }) => inTargetsTerms(documents.get(id) as Document, name, params as JsonObject, plan, there));
  const wrong = new Map([...failed.map(({ id, message }) => [id, message] as const), ...blocked.map(({ id, by }) => [id, `it needs ${by}, which failed`] as const)]);
  return {
    format: 'baluchon-import/1',
    plan,
    created,
    failed,
    blocked,
    addresses: addressMap(bundle.documents, there, made),
    fidelity: measure(plan.fidelity, wanted, there, made, wrong),
    seconds: (performance.now() - started) / 1000,
  };
}

function refuse({ actions, quota, target, bundle: of }: Plan, bundle: Bundle): void {
  if (of.id !== bundle.info.id) throw new BaluchonError('usage', `the plan is one for bundle ${of.id}, not for ${bundle.info.id}`, { hint: 'make a new one' });
  const conflicts = actions.filter(({ action }) => action === 'conflict');
  if (conflicts.length > 0) {
    throw new BaluchonError('usage', conflicts.map(({ kind, name, id, reason }) => `${kind} ${name || id}: ${reason}`).join('\n'), { hint: 'nothing was created; settle this in the mapping file (--map), or take part with --only' });
  }
  const tight = quota.filter(({ fits }) => !fits);
  if (tight.length > 0) {
    const lines = tight.map(({ resource, needed, free, unit }) => `${resource}: ${needed}${unit ? ` ${unit}` : ''} needed, ${free} free`);
    throw new BaluchonError('quota', `the quota of project ${target.project.name} is too small: ${lines.join('; ')}`, { hint: 'nothing was created; ask the provider for more, or take part with --only' });
  }
}

/** Every reference replaced by the target's id. Late ones wait for the second step; one that leads nowhere stays as it is, for the kind to refuse. */
function resolve(params: JsonObject, kind: Kind, made: ReadonlyMap<string, string>, first: boolean): JsonObject {
  const copy = structuredClone(params);
  for (const pointer of Object.keys(findRefs(params, kind.refs))) {
    const target = made.get(valueAt(params, pointer) as string);
    if (target !== undefined && !(first && kind.late?.some((pattern) => matches(pointer, pattern)))) setAt(copy, pointer, target);
  }
  return copy;
}

async function suppliedUserData(document: Document, mapping: Mapping): Promise<{ userData?: string }> {
  const file = userDataFile(document, mapping);
  return file === undefined ? {} : { userData: (await readFile(file)).toString('base64') };
}

/**
 * Runs every step as soon as all that it waits for is done. A step whose forerunner failed is not run and told to
 * `onBlocked`. Resolves when nothing runs any more; failures are `run`'s to record.
 */
async function schedule(steps: readonly Step[], run: (step: Step) => Promise<void>, onBlocked: (step: Step, by: Step) => void): Promise<void> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const outcomes = new Map<string, Promise<Step | undefined>>();
  // Resolves to the step that went wrong first on the way here.
  const outcome = (step: Step): Promise<Step | undefined> => {
    const known = outcomes.get(step.id);
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<Step | undefined>();
    outcomes.set(step.id, promise);
    void (async () => {
      const before = await Promise.all(step.after.map((id) => outcome(byId.get(id) as Step)));
      const culprit = before.find((failed) => failed !== undefined);
      if (culprit) {
        onBlocked(step, culprit);
        return culprit;
      }
      return run(step).then(
        () => undefined,
        () => step,
      );
    })().then(resolve);
    return promise;
  };
  await Promise.all(steps.map(outcome));
}

/** The document as the plan meant it, with references to what the plan mapped as the target's documents. */
function inTargetsTerms(document: Document, name: string, params: JsonObject, plan: Plan, there: readonly Document[]): Document {
  const kind = kindOf(document.kind) as Kind;
  const mapped = new Map(plan.actions.filter(({ action }) => action === 'map').map(({ id, kind, target }) => [id, there.find((other) => other.kind === kind && other.info.id === target?.id)?.id ?? id]));
  const copy = structuredClone(params);
  const refs = findRefs(copy, kind.refs);
  for (const pointer of Object.keys(refs)) {
    const id = valueAt(copy, pointer) as string;
    setAt(copy, pointer, mapped.get(id) ?? id);
  }
  return { ...document, name, params: copy, refs };
}

/** Old floating address -> new one, with what it leads to. */
function addressMap(documents: readonly Document[], there: readonly Document[], made: ReadonlyMap<string, string>): ImportReport['addresses'] {
  return documents
    .filter(({ kind }) => kind === 'floating-ip')
    .map(({ id, name, params }) => {
      const port = documents.find((document) => document.id === params.port_id);
      const server = documents.find((document) => document.kind === 'server' && ((document.params.networks ?? []) as { port: string }[]).some((each) => each.port === port?.id));
      const now = there.find((document) => document.kind === 'floating-ip' && document.info.id === made.get(id));
      return { from: name, to: now?.name ?? null, server: server?.name ?? port?.name ?? '' };
    });
}
