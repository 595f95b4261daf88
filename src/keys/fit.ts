import { enums, type PublicKey, type Subkey } from 'openpgp';
import { BaluchonError } from '../errors.ts';
import { lenient, type Sealing } from './openpgp.ts';

const { rsaEncryptSign, rsaEncrypt, rsaSign, ecdh, ecdsa, eddsaLegacy } = enums.publicKey;
/** What gpg 2.2 and sq know of what OpenPGP.js has. */
const classic = new Set<number>([rsaEncryptSign, rsaEncrypt, rsaSign, ecdh, ecdsa, eddsaLegacy]);
const weakest = 2048;

/**
 * Whether a vault can be sealed to this certificate, and everybody whom the profile is for can use it.
 * @throws usage, in one line, with the key's fingerprint.
 */
export async function fit(certificate: PublicKey, { sealing = 'rfc4880', signs = false, now = new Date() }: { sealing?: Sealing; signs?: boolean; now?: Date } = {}): Promise<void> {
  const id = certificate.getFingerprint().toUpperCase();
  const refuse = (why: string, hint?: string, cause?: unknown) => new BaluchonError('usage', `openpgp key ${id} ${why}`, { cause, ...(hint === undefined ? {} : { hint }) });
  // A key made a moment ago on a machine whose clock is ahead is no key of the future.
  const at = new Date(Math.max(now.getTime(), certificate.getCreationTime().getTime()));
  const { keyPacket } = certificate;
  if (sealing === 'rfc4880') {
    const hint = 'make one with: gpg --quick-gen-key NAME default default; or make the vault with --profile rfc9580';
    if (keyPacket.version !== 4) throw refuse(`is of version ${keyPacket.version}, which gpg 2.2 does not read`, hint);
    if (!classic.has(keyPacket.algorithm)) throw refuse(`is of an algorithm that gpg 2.2 or this program does not take (${name(certificate)})`, hint);
  }
  if (await certificate.isRevoked(undefined, undefined, at, lenient)) throw refuse('is revoked', 'ask its holder for the one that took its place');
  const end = await certificate.getExpirationTime(undefined, lenient).catch(() => null);
  if (end instanceof Date && end <= at) throw refuse(`has expired on ${end.toISOString().slice(0, 10)}`, 'have its holder extend it and export it again');
  const uses: ['encrypt' | 'sign', string][] = signs ? [['encrypt', 'to encrypt to'], ['sign', 'to sign with']] : [['encrypt', 'to encrypt to']];
  for (const [use, what] of uses) {
    let key: PublicKey | Subkey;
    try {
      key = await (use === 'encrypt' ? certificate.getEncryptionKey(undefined, at, undefined, lenient) : certificate.getSigningKey(undefined, at, undefined, lenient));
    } catch (cause) {
      throw refuse(`has no valid key ${what}: ${reason(cause)}`, undefined, cause);
    }
    if (sealing === 'rfc4880' && !classic.has(key.keyPacket.algorithm)) throw refuse(`has a key ${what} that gpg 2.2 does not read (${name(key)})`, 'add a subkey of type cv25519 or rsa, or make the vault with --profile rfc9580');
    const { bits = Infinity } = key.getAlgorithmInfo();
    if (bits < weakest) throw refuse(`has a key ${what} of ${bits} bits, which is too weak`, `${weakest} bits are the least for RSA`);
  }
}

const name = (key: PublicKey | Subkey) => {
  const { algorithm, curve } = key.getAlgorithmInfo();
  return curve ?? algorithm;
};

/** OpenPGP.js's own words, in one line. */
const reason = (cause: unknown) => (cause instanceof Error ? cause.message.split('\n')[0]!.replace(/^Could not find valid (encryption|signing) key packet in key [0-9a-f]+:? ?/, '').replace(/\.$/, '').toLowerCase() : '') || 'it has none';
