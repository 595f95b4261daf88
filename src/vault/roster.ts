import { seal, unsealSigned, type Certificate, type SecretKey } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { layout, patterns } from './layout.ts';
import { parseYaml, yaml } from './yaml.ts';

/**
 * Who belongs to the vault: a list signed by the vault's key, numbered, each naming the one before. Sealed with the index
 * secret, so owners and writers read it and nobody else sees names.
 */
export interface Roster {
  format: 'baluchon-roster/1';
  vault: string;
  serial: number;
  created: string;
  /** SHA-256 of the roster before, null for the first. */
  previous: string | null;
  epochs: { number: number; fingerprint: string; sha256: string }[];
  owners: { fingerprint: string; kind: 'openpgp' | 'passphrase' | 'paper'; slot?: number; label: string; certificate: string; added: string }[];
  writers: { fingerprint: string; label: string; certificate: string; added: string; removed?: string }[];
  /** Digests of the files in clear: name -> SHA-256. */
  clear: { [name: string]: string };
}

export async function writeRoster(store: Store, roster: Roster, secret: string, signer: SecretKey): Promise<string> {
  const bytes = await seal(Buffer.from(yaml(roster)), { secret }, signer);
  const digest = sha256(bytes);
  await store.put(layout.roster(roster.serial, digest), bytes);
  return digest;
}

/** The roster with the highest number, and its digest. @throws vault, naming the file. */
export async function readRoster(store: Store, secrets: string[], signers: Certificate[]): Promise<{ roster: Roster; digest: string }> {
  let newest: { name: string; serial: number; digest: string } | undefined;
  for await (const { name } of store.list('keys/roster-')) {
    const match = patterns.roster.exec(name);
    if (match && Number(match[1]) > (newest?.serial ?? 0)) newest = { name, serial: Number(match[1]), digest: match[2]! };
  }
  if (!newest) throw new BaluchonError('vault', `${store.name}: file missing: keys/roster-*`);
  const { name, serial, digest } = newest;
  const bytes = await store.get(name);
  if (sha256(bytes) !== digest) throw new BaluchonError('vault', `damaged: ${name}`);
  for (const secret of secrets) {
    const opened = await unsealSigned(bytes, { secret }, signers);
    if (!opened) continue;
    if (!opened.signer) throw new BaluchonError('vault', `${name}: not signed by the vault's key`);
    const roster = parseYaml(opened.data, name) as unknown as Roster;
    if (roster.format !== 'baluchon-roster/1' || roster.serial !== serial) throw new BaluchonError('vault', `${name}: not the roster it says it is`);
    return { roster, digest };
  }
  throw new BaluchonError('vault', `damaged: ${name}`);
}
