export { applyPlan, type ApplyOptions } from './apply.ts';
export { takeInventory } from './inventory.ts';
export { lockImport } from './lock.ts';
export { checkMapping, emptyMapping, guessMapping, readMapping, type Guess } from './mapping.ts';
export { planImport, type Planned, type PlanOptions } from './plan.ts';
export type { Action, Fidelity, ImportReport, Inventory, Mapping, Plan, QuotaLine } from './types.ts';
export { writeMapping } from './write-mapping.ts';
