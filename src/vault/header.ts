import type { Sealing } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { layout } from './layout.ts';
import { noVault } from './missing.ts';
import { checked } from './schema.ts';
import { parseYaml } from './yaml.ts';

/** `baluchon.yaml`. */
export interface Header {
  format: 'baluchon/1';
  vault: string;
  created: string;
  root: string;
  profile: { chunk_size: number; page_size: number; compression: 'zstd'; sealing: Sealing };
}

/** @throws vault where there is no vault, or one of a later format. */
export async function readHeader(store: Store): Promise<Header> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(layout.header);
  } catch (cause) {
    if (!isError(cause, 'vault')) throw cause;
    throw noVault(store.name, cause);
  }
  const value = parseYaml(bytes, layout.header);
  const format = typeof value === 'object' && value !== null && !Array.isArray(value) ? value['format'] : undefined;
  if (typeof format === 'string' && /^baluchon\/[0-9]+$/.test(format) && format !== 'baluchon/1') {
    throw new BaluchonError('vault', `${store.name}: format ${format} is newer than this program`, { hint: 'use a later version of baluchon' });
  }
  const header = checked<Header>('vault', value, layout.header);
  return header;
}
