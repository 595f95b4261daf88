import { decryptKey, generateKey, readKey, readPrivateKey, type PrivateKey, type PublicKey } from 'openpgp';
import { BaluchonError } from '../errors.ts';
import { anyTime, lenient, rfc4880 } from './openpgp.ts';

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

/**
 * Reads an armored certificate that something is to be sealed to.
 * @throws usage when it is none, or has no key to encrypt to.
 */
export async function readCertificate(armored: string): Promise<Certificate> {
  let certificate: Certificate;
  try {
    certificate = (await readKey({ armoredKey: armored, config: lenient })).toPublic();
  } catch (cause) {
    throw new BaluchonError('usage', 'not an armored openpgp certificate', { cause, hint: 'export it with: gpg --armor --export KEY' });
  }
  try {
    await certificate.getEncryptionKey(undefined, anyTime, undefined, lenient);
  } catch (cause) {
    throw new BaluchonError('usage', `openpgp key ${fingerprint(certificate)} has no valid subkey to encrypt to`, { cause });
  }
  return certificate;
}

/**
 * Reads an armored secret key, opening it with its passphrase when it has one.
 * @throws key when the passphrase is wrong or missing, or it is no secret key.
 */
export async function readIdentity(armored: string, passphrase?: string): Promise<SecretKey> {
  try {
    const key = await readPrivateKey({ armoredKey: armored, config: lenient });
    if (key.isDecrypted()) return key;
    return await decryptKey({ privateKey: key, passphrase: passphrase ?? '', config: lenient });
  } catch {
    throw wrongKey();
  }
}

/** Upper-case hex, as gpg writes it. */
export function fingerprint(key: Certificate | SecretKey): string {
  return key.getFingerprint().toUpperCase();
}
