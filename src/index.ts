/**
 * Baluchon as a library: what the commands do, with events in place of printing.
 *
 * ```ts
 * import { connect, exportTenant, openStore, openVault } from 'baluchon';
 *
 * const cloud = await connect({ cloud: 'alpha' });
 * const vault = await openVault(await openStore('./vault'), { passphrase });
 * const { bundle } = await exportTenant(cloud, vault, { emit: (event) => console.log(event) });
 * ```
 */
export { connect, type Cloud, type Service } from './cloud/index.ts';
export { BaluchonError, isError, type ErrorCode } from './errors.ts';
export type { Emit, Event } from './events.ts';
export { exportImages, exportTenant, filterDocuments, findTemporaries, readTenant, removeTemporary, type ExportOptions, type ExportReport, type Tenant } from './export/index.ts';
export {
  applyPlan,
  guessMapping,
  lockImport,
  planImport,
  readMapping,
  takeInventory,
  writeMapping,
  type ImportReport,
  type Inventory,
  type Mapping,
  type Plan,
} from './import/index.ts';
export type { Disk, Extent } from './disk/disk.ts';
export { kinds } from './kinds/index.ts';
export type { Kind } from './kinds/kind.ts';
export { openStore, type StoreOptions, type SwiftAccount } from './store/index.ts';
export type { Store } from './store/store.ts';
export { diffDocuments, type Difference, type Side } from './tenant/diff.ts';
export type { DiskDocument, Document } from './tenant/document.ts';
export { applyPolicy, changedExtents, copyVault, createVault, openVault, packBundle, pruneVault, unpackBundle, verifyWithoutKeys, type Policy } from './vault/index.ts';
export { newPaperKey, paperLines, parsePaperKey } from './keys/index.ts';
export type { Bundle, BundleInfo, Key, Member, Removed, Source, Vault, VaultKeys } from './vault/types.ts';
