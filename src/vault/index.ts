export { createVault } from './create.ts';
export { packBundle, unpackBundle, type Transferred, type TransferOptions, type Unpacked } from './transfer.ts';
export { openVault } from './vault.ts';
export { documentYaml } from './yaml.ts';
export type { Bundle, BundleInfo, BundleWriter, DiskResult, Key, Source, Vault, VerifyResult } from './types.ts';
