import { fingerprint, parseCertificate, seal, unsealSigned, type Certificate, type Sealing, type SecretKey, type Unsealed } from '../keys/index.ts';
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
  owners: Owner[];
  writers: Writer[];
  /** Digests of the files in clear: name -> SHA-256. */
  clear: { [name: string]: string };
}

export interface Owner {
  fingerprint: string;
  kind: 'openpgp' | 'passphrase' | 'paper';
  slot?: number;
  label: string;
  certificate: string;
  added: string;
}

export interface Writer {
  fingerprint: string;
  label: string;
  certificate: string;
  added: string;
  removed?: string;
  /** For a writer that was removed: the manifests and index files there at that moment. Of what it signed only these count. */
  kept?: string[];
}

/** The roster in force. */
export interface OpenedRoster {
  roster: Roster;
  digest: string;
  /** Its writers' certificates, by fingerprint. */
  certificates: Map<string, Certificate>;
  /** Names of later ones that an earlier epoch's key signed: made by somebody who has the keys no longer in force. */
  superseded: string[];
}

export async function writeRoster(store: Store, roster: Roster, secret: string, signer: SecretKey, sealing: Sealing): Promise<string> {
  const bytes = await seal(Buffer.from(yaml(roster)), { secret }, signer, sealing);
  const digest = sha256(bytes);
  await store.put(layout.roster(roster.serial, digest), bytes);
  return digest;
}

export async function rosterFiles(store: Store): Promise<{ name: string; serial: number; digest: string }[]> {
  const files = [];
  for await (const name of store.names('keys/roster-')) {
    const match = patterns.roster.exec(name);
    if (match) files.push({ name, serial: Number(match[1]), digest: match[2]! });
  }
  return files.sort((a, b) => b.serial - a.serial || (a.name < b.name ? -1 : 1));
}

/**
 * The roster in force: of those that the newest epoch's key signed the one with the highest serial; else of the epoch before.
 * @param epochs the vault's certificates, newest first
 * @throws vault, naming the file.
 */
export async function readRoster(store: Store, secrets: string[], epochs: Certificate[]): Promise<OpenedRoster> {
  const superseded: { name: string; epoch: number; found: { roster: Roster; digest: string } }[] = [];
  for (const { name, serial, digest } of await rosterFiles(store)) {
    const bytes = await store.get(name);
    if (sha256(bytes) !== digest) throw new BaluchonError('vault', `damaged: ${name}`);
    const opened = await unsealRoster(bytes, secrets, epochs);
    if (!opened) throw new BaluchonError('vault', `damaged: ${name}`);
    if (!opened.signer) throw new BaluchonError('vault', `${name}: not signed by the vault's key`);
    const epoch = epochs.length - epochs.findIndex((one) => fingerprint(one) === opened.signer);
    const roster = parseYaml(opened.data, name) as unknown as Roster;
    if (roster.format !== 'baluchon-roster/1' || roster.serial !== serial || Math.max(...roster.epochs.map(({ number }) => number)) !== epoch) {
      throw new BaluchonError('vault', `${name}: not the roster it says it is`);
    }
    superseded.push({ name, epoch, found: { roster, digest } });
    if (epoch === epochs.length) break;
  }
  const newest = superseded.reduce<(typeof superseded)[number] | undefined>((best, one) => (best && best.epoch >= one.epoch ? best : one), undefined);
  if (!newest) throw new BaluchonError('vault', `${store.name}: file missing: keys/roster-*`);
  const certificates = new Map<string, Certificate>();
  for (const writer of newest.found.roster.writers) certificates.set(writer.fingerprint, await parseCertificate(writer.certificate));
  return { ...newest.found, certificates, superseded: superseded.slice(0, superseded.indexOf(newest)).map(({ name }) => name) };
}

/** Of the key files with these names those that let in who is no owner or writer, sorted: left by a change that was cut short, or in a copy. */
export function leftovers({ owners, writers }: Roster, names: readonly string[]): string[] {
  const members = new Set([...owners.map((owner) => `owner-${owner.fingerprint}`), ...writers.filter(({ removed }) => removed === undefined).map((writer) => `writer-${writer.fingerprint}`)]);
  const slots = new Set(owners.map(({ slot }) => slot));
  const left = (name: string): boolean => {
    const [, , role, id] = patterns.member.exec(name) ?? [];
    const slot = patterns.passphrase.exec(name)?.[1];
    return role !== undefined ? !members.has(`${role}-${id}`) : slot !== undefined && !slots.has(Number(slot));
  };
  return names.filter(left).sort();
}

async function unsealRoster(bytes: Uint8Array, secrets: string[], epochs: Certificate[]): Promise<Unsealed | undefined> {
  for (const secret of secrets) {
    const opened = await unsealSigned(bytes, { secret }, epochs);
    if (opened) return opened;
  }
  return undefined;
}
