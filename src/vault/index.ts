export { copyVault, type CopyOptions, type CopyResult } from './copy.ts';
export { createVault } from './create.ts';
export { applyPolicy, projectOf, type Policy, type Verdict } from './retention.ts';
export { pruneVault, type PruneOptions, type PruneResult } from './prune.ts';
export { packBundle, unpackBundle, type Transferred, type TransferOptions, type Unpacked } from './transfer.ts';
export { openVault } from './vault.ts';
export { verifyWithoutKeys } from './verify-keyless.ts';
export { documentYaml } from './yaml.ts';
export type { Bundle, BundleInfo, BundleWriter, DiskResult, Key, LostRanges, OpenOptions, Source, Vault, VerifyResult } from './types.ts';
