import { decryptKey, generateKey, readKey, readPrivateKeys, type PrivateKey, type PublicKey } from 'openpgp';
import { BaluchonError } from '../errors.ts';
import { fit } from './fit.ts';
import { lenient, rfc4880, type Sealing } from './openpgp.ts';

/** An OpenPGP certificate (public key), and one with its secret part in the clear. */
export type Certificate = PublicKey;
export type SecretKey = PrivateKey;

/** One message whatever went wrong: it must not help who guesses. */
export function wrongKey(): BaluchonError {
  return new BaluchonError('key', 'wrong passphrase or key');
}

/** A new key pair: Ed25519 to sign, X25519 to be sealed to, both in the version 4 form that gpg 2.2 reads. Never expires. */
export async function generateIdentity(userId: string, date = new Date()): Promise<SecretKey> {
  const { privateKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: userId }], date, format: 'object', config: rfc4880 });
  return privateKey;
}

/** Reads an armored certificate and asks nothing of it. Throws what OpenPGP.js throws. */
export async function parseCertificate(armored: string): Promise<Certificate> {
  return (await readKey({ armoredKey: armored, config: lenient })).toPublic();
}

/**
 * Reads an armored certificate that something is to be sealed to, and for a writer one that signs.
 * @throws usage when it is none, when it has expired or was revoked, or when what the profile's readers know can't use it.
 */
export async function readCertificate(armored: string, options: { sealing?: Sealing; signs?: boolean; now?: Date } = {}): Promise<Certificate> {
  let certificate: Certificate;
  try {
    certificate = await parseCertificate(armored);
  } catch (cause) {
    throw new BaluchonError('usage', 'not an armored openpgp certificate', { cause, hint: 'export it with: gpg --armor --export KEY' });
  }
  await fit(certificate, options);
  return certificate;
}

/**
 * Reads an armored secret key, opening it with its passphrase when it has one.
 * @throws key when the passphrase is wrong or missing, or it is no secret key.
 */
export async function readIdentity(armored: string, passphrase?: string): Promise<SecretKey> {
  try {
    const [key] = await readPrivateKeys({ armoredKeys: armored, config: lenient });
    if (key!.isDecrypted()) return key!;
    return await decryptKey({ privateKey: key!, passphrase: passphrase ?? '', config: lenient });
  } catch {
    throw wrongKey();
  }
}

/** Whether it can sign now: an expired or revoked key makes signatures that nobody takes. */
export async function canSign(key: SecretKey | Certificate): Promise<boolean> {
  return key.getSigningKey(undefined, new Date(), undefined, lenient).then(
    () => true,
    () => false,
  );
}

/** Upper-case hex, as gpg writes it. */
export function fingerprint(key: Certificate | SecretKey): string {
  return key.getFingerprint().toUpperCase();
}
