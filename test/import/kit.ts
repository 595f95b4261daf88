import { planImport, type Planned, type PlanOptions } from '../../src/import/plan.ts';
import { emptyMapping } from '../../src/import/mapping.ts';
import type { Inventory, Mapping, Plan } from '../../src/import/types.ts';
import { kindOf } from '../../src/kinds/index.ts';
import type { DiskDocument, Document } from '../../src/tenant/document.ts';
import { document } from '../tenant/tenants.ts';

/** A bundle of these documents, with the disks of those that have one (all, or those named). */
export function bundleOf(documents: Document[], withDisks: boolean | string[] = true): Planned {
  const has = (each: Document) => (kindOf(each.kind)?.hasDisk?.(each) ?? false) && each.info.missing === undefined && (Array.isArray(withDisks) ? withDisks.includes(each.id) : withDisks);
  const disks = documents.filter(has).map(({ id, kind, name }) => ({ id, kind: kind as DiskDocument['kind'], name, size: 2 ** 30, source_format: 'qcow2', consistency: 'crash' as const, taken_at: '2026-11-21T12:00:00Z', data_bytes: 25e6, depth: 1, root: null }));
  const source = { cloud: 'alpha', project: { id: 'p', name: 'miop' }, services: {} };
  return { documents, disks, info: { id: 'b'.repeat(32), created: '2026-11-21T12:00:00Z', source, counts: {}, disk_bytes: 0, added_bytes: 0 } };
}

/** What every cloud has: an external network, flavors, a public image, the project's own group `default` with the rules Neutron gives it. */
export const cloudsOwn = (): Document[] => [
  document('network', 'public', { name: 'public', external: true }),
  document('flavor', 'b2.s', { name: 'b2.s', vcpus: 1, ram: 256, disk: 2, ephemeral: 0, swap: 0, extra_specs: {} }, { id: 'flavor-s' }),
  document('flavor', 'b2.m', { name: 'b2.m', vcpus: 2, ram: 512, disk: 4, ephemeral: 0, swap: 0, extra_specs: {} }, { id: 'flavor-m' }),
  document('image', 'tiny', { name: 'Tiny Web 1.0', visibility: 'public', disk_format: 'qcow2', container_format: 'bare', properties: {} }, { foreign: true }),
  document('security-group', 'theirs', { name: 'default', rules: [{ direction: 'egress', ethertype: 'IPv4', protocol: null, port_range_min: null, port_range_max: null, remote_ip_prefix: null }] }),
];

export function inventoryOf(documents: Document[] = cloudsOwn(), more: Partial<Inventory> = {}): Inventory {
  return {
    cloud: 'beta',
    project: { id: 'q', name: 'miop-next' },
    documents,
    volume_types: [{ name: 'standard', default: true }],
    availability_zones: { compute: ['nova'], volume: ['nova'], network: [] },
    quota: {},
    extensions: [],
    journal: {},
    ...more,
  };
}

export const mappingOf = (more: Partial<Mapping> = {}): Mapping => ({ ...emptyMapping(), default_security_group: 'exact', ...more });

export const plan = (documents: Document[], options: { inventory?: Inventory; mapping?: Mapping; disks?: boolean | string[] } & PlanOptions = {}): Plan => {
  const { inventory = inventoryOf(), mapping = mappingOf(), disks = true, ...rest } = options;
  return planImport(bundleOf(documents, disks), inventory, mapping, rest);
};

/** The action for a document of this kind and name (the first one), with the decision's fields that a test looks at. */
export function actionFor(made: Plan, kind: string, name: string): Plan['actions'][number] {
  const found = made.actions.find((action) => action.kind === kind && action.name === name);
  if (!found) throw new Error(`the plan has no ${kind} "${name}"`);
  return found;
}
