export { createVault } from './create.ts';
export { openVault } from './vault.ts';
export { documentYaml } from './yaml.ts';
export type { Bundle, BundleInfo, BundleWriter, DiskResult, Key, Source, Vault, VerifyResult } from './types.ts';
