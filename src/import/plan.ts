import { BaluchonError } from '../errors.ts';
import { filterDocuments } from '../export/filter.ts';
import { checkDocuments } from './check.ts';
import type { Bundle } from '../vault/types.ts';
import { decide, type Decisions } from './decide.ts';
import { foresee } from './fidelity.ts';
import { checkMapping } from './mapping.ts';
import { quotaLines } from './quota.ts';
import { inOrder, stepsOf } from './steps.ts';
import type { Action, Inventory, Mapping, Plan } from './types.ts';

export interface PlanOptions {
  /** `KIND` or `KIND:NAME-GLOB`; what the chosen ones refer to comes along. */
  only?: string[];
  /** New names: `{name}` stands for the old one. */
  rename?: string;
}

/** What of a bundle a plan needs: no store, no keys. */
export type Planned = Pick<Bundle, 'info' | 'documents' | 'disks'>;

/** How fast disks travel, and how long the cloud takes to make one of each; for the estimate alone. */
const BYTES_PER_SECOND = 25e6;
const SECONDS: Record<string, number> = { server: 20, volume: 8, image: 4 };
const AT_ONCE = 4;

/**
 * What an import would do; pure, and therefore the same for the same three things. Throws `usage` with one line for each
 * thing that the mapping names and that does not exist, `vault` for a bundle that is not what it claims to be.
 */
export function planImport(bundle: Planned, inventory: Inventory, mapping: Mapping, options: PlanOptions = {}): Plan {
  checkDocuments(bundle.documents);
  const problems = checkMapping(mapping, bundle.documents, inventory);
  if (problems.length > 0) throw new BaluchonError('usage', `the mapping names what does not exist:\n${problems.join('\n')}`, { hint: '`baluchon map` writes one that fits' });
  const { decisions, warnings, terms } = decisionsOf(bundle, inventory, mapping, options);
  const disks = new Set(bundle.disks.map(({ id }) => id));
  const byId = new Map(decisions.map((decision) => [decision.document.id, decision]));
  const order = inOrder(stepsOf(decisions.map(({ document }) => document), disks)).filter(({ what }) => what === 'create');
  const actions = order.map(({ document }): Action => {
    const { document: about, action, reason, target, changes, translation } = byId.get(document)!;
    return {
      id: about.id,
      kind: about.kind,
      name: about.name,
      action,
      reason,
      ...(target && { target: { id: String(target.info.id), name: target.name } }),
      ...(changes && { changes }),
      ...(translation && (action === 'create' || action === 'update') && { params: translation.params }),
    };
  });
  const created = new Set(actions.filter(({ action }) => action === 'create').map(({ id }) => id));
  const bytes = bundle.disks.filter(({ id }) => created.has(id)).reduce((sum, { data_bytes }) => sum + data_bytes, 0);
  const work = actions.filter(({ action }) => action === 'create').reduce((sum, { kind }) => sum + (SECONDS[kind] ?? 1), 0);
  return {
    format: 'baluchon-plan/1',
    bundle: { id: bundle.info.id, created: bundle.info.created, cloud: bundle.info.source.cloud, project: bundle.info.source.project.name },
    target: { cloud: inventory.cloud, ...(inventory.region !== undefined && { region: inventory.region }), project: inventory.project },
    actions,
    quota: quotaLines(decisions, terms.offers, inventory),
    bytes,
    seconds: Math.ceil(bytes / BYTES_PER_SECOND + work / AT_ONCE),
    fidelity: foresee(decisions, disks, mapping),
    warnings,
    ...(options.only && { only: options.only }),
    ...(options.rename !== undefined && { rename: options.rename }),
  };
}

/** The decisions behind a plan: the same for the same arguments. */
export function decisionsOf(bundle: Planned, inventory: Inventory, mapping: Mapping, { only, rename }: PlanOptions): Decisions {
  const documents = filterDocuments(bundle.documents, { ...(only && { only }) });
  return decide(documents, new Set(bundle.disks.map(({ id }) => id)), inventory, mapping, rename);
}
