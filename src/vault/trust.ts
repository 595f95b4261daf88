import { fingerprint, type Certificate, type Unsealed } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { OpenedRoster } from './roster.ts';

/** Who may sign what is in a vault. */
export interface Trust {
  /** The vault's own, and all writers', removed ones included: their bundles of before count. */
  certificates: Certificate[];
  /** @throws vault, naming the file and who signed it, where that is nobody to trust. */
  check(opened: Unsealed, file: string): string;
}

const hint = 'look at it all the same with --allow-unknown-writer';

export function trustOf(epochs: Certificate[], roster: OpenedRoster | BaluchonError, options: { allowUnknownWriter?: boolean } = {}): Trust {
  const writers = roster instanceof BaluchonError ? [] : roster.roster.writers;
  const certificates = roster instanceof BaluchonError ? new Map<string, Certificate>() : roster.certificates;
  const vault = new Set(epochs.map(fingerprint));
  return {
    certificates: [...epochs, ...certificates.values()],
    check({ signer, claimed }, file) {
      if (signer !== undefined && vault.has(signer)) return signer;
      const writer = writers.find((one) => one.fingerprint === signer);
      if (writer && (writer.removed === undefined || writer.kept?.includes(file))) return writer.fingerprint;
      if (options.allowUnknownWriter) return signer ?? claimed[0] ?? 'nobody';
      if (writer) throw new BaluchonError('vault', `${file}: signed by ${who(writer)}, who was removed as a writer at ${writer.removed}`, { hint });
      if (claimed.length === 0) throw new BaluchonError('vault', `${file}: not signed`, { hint });
      const why = roster instanceof BaluchonError ? `the list of writers can't be read: ${roster.message}` : 'no writer of this vault';
      throw new BaluchonError('vault', `${file}: signed by key ${claimed[0]}, which is not a key of this vault: ${why}`, { hint });
    },
  };
}

const who = ({ label, fingerprint: id }: { label: string; fingerprint: string }) => (label ? `${label} (${id})` : id);
