import { randomBytes } from 'node:crypto';
import { createMessage, decrypt, decryptSessionKeys, encryptSessionKey, readMessage, readSignature, sign, verify } from 'openpgp';
import { decipher, encipher, splitMessage, type SessionKey } from './envelope.ts';
import { fingerprint, type Certificate, type SecretKey } from './identity.ts';
import { anyTime, lenient, rfc4880, rfc9580, type Sealing } from './openpgp.ts';
import { hasArgon, lockSessionKey, lockSessionKeyAead, stretch, unlockSessionKeys } from './passphrase.ts';
import { openSigned } from './signed.ts';
import { unwrapSessionKeys } from './unwrap.ts';

/** Whom a message is for: certificates, a person's passphrase, or a secret of 32 random bytes in hex. */
export type Recipient = { certificates: Certificate[] } | { passphrase: string } | { secret: string };
/** What opens a message. */
export type Opener = { keys: SecretKey[] } | { passphrase: string } | { secret: string };

/** The packets that carry a session key to its recipients. */
export async function sealSessionKey(key: SessionKey, to: Recipient, sealing: Sealing = 'rfc4880'): Promise<Uint8Array> {
  const message = { data: key, algorithm: 'aes256', date: anyTime, format: 'binary' } as const;
  if (sealing === 'rfc9580') {
    if ('certificates' in to) return encryptSessionKey({ ...message, aeadAlgorithm: 'gcm', encryptionKeys: to.certificates, config: rfc9580 });
    if ('secret' in to) return lockSessionKeyAead(key, to.secret, false);
    return hasArgon ? lockSessionKeyAead(key, to.passphrase, true) : encryptSessionKey({ ...message, aeadAlgorithm: 'gcm', passwords: to.passphrase, config: rfc9580 });
  }
  if ('passphrase' in to) return lockSessionKey(key, to.passphrase, stretch.most);
  if ('secret' in to) return lockSessionKey(key, to.secret, stretch.none);
  return encryptSessionKey({ ...message, encryptionKeys: to.certificates, config: rfc4880 });
}

/** The session keys that an opener gets out of a message's first packets, whatever its profile. */
export async function openSessionKeys(keyPackets: Uint8Array, with_: Opener): Promise<SessionKey[]> {
  const phrase = 'passphrase' in with_ ? with_.passphrase : 'secret' in with_ ? with_.secret : undefined;
  if (phrase !== undefined) {
    const found = unlockSessionKeys(keyPackets, phrase);
    if (found) return found;
  }
  const own = 'keys' in with_ && unwrapSessionKeys(keyPackets, with_.keys);
  if (own) return own;
  try {
    const message = await readMessage({ binaryMessage: keyPackets, config: lenient });
    const keys = await decryptSessionKeys({ message, ...('keys' in with_ ? { decryptionKeys: with_.keys } : { passwords: phrase! }), date: anyTime, config: lenient });
    return keys.filter((key) => key.data.length === 32).map((key) => key.data);
  } catch {
    return [];
  }
}

/** One OpenPGP message: signed when there is a signer, then enciphered. */
export async function seal(plaintext: Uint8Array, to: Recipient, signer?: SecretKey, sealing: Sealing = 'rfc4880'): Promise<Buffer> {
  const key = randomBytes(32);
  const keyPackets = await sealSessionKey(key, to, sealing);
  if (!signer) return encipher(key, [plaintext], { keyPackets, sealing });
  const message = await createMessage({ binary: plaintext, format: 'binary' });
  const signed = await sign({ message, signingKeys: signer, format: 'binary', config: rfc4880 });
  return encipher(key, [signed], { packets: true, keyPackets, sealing });
}

/** Opens a message; undefined when the key does not fit or a byte of it was changed. */
export async function unseal(message: Uint8Array, with_: Opener): Promise<Buffer | undefined> {
  const parts = splitMessage(message);
  if (!parts) return unsealForeign(message, with_);
  for (const key of await openSessionKeys(parts.keyPackets, with_)) {
    const opened = decipher(key, parts.body);
    if (opened) return opened.literal ?? opened.packets;
  }
  return undefined;
}

/** A small message in another program's form (partial lengths, compressed, armored): an owner's file made by hand. */
async function unsealForeign(message: Uint8Array, with_: Opener): Promise<Buffer | undefined> {
  if (message.length > 1 << 20) return undefined;
  try {
    const armored = message[0] === 0x2d;
    const read = armored ? await readMessage({ armoredMessage: Buffer.from(message).toString('latin1'), config: lenient }) : await readMessage({ binaryMessage: message, config: lenient });
    const how = 'keys' in with_ ? { decryptionKeys: with_.keys } : { passwords: 'passphrase' in with_ ? with_.passphrase : with_.secret };
    const { data } = await decrypt({ message: read, ...how, date: anyTime, format: 'binary', config: lenient });
    return Buffer.from(data as Uint8Array);
  } catch {
    return undefined;
  }
}

export interface Unsealed {
  data: Uint8Array;
  /** Fingerprint of the certificate whose good signature it bears, undefined when none of them. */
  signer: string | undefined;
  /** Key ids that its signatures name, good or not. */
  claimed: string[];
}

/** Opens a signed message; undefined when the key does not fit or a byte of it was changed. */
export async function unsealSigned(message: Uint8Array, with_: Opener, signers: Certificate[]): Promise<Unsealed | undefined> {
  const packets = await unseal(message, with_);
  if (!packets) return undefined;
  const own = await openSigned(packets, signers);
  if (own) return own;
  try {
    const signed = await readMessage({ binaryMessage: packets, config: lenient });
    const result = await verify({ message: signed, verificationKeys: signers, date: anyTime, format: 'binary', config: lenient });
    const claimed = result.signatures.map((signature) => signature.keyID.toHex().toUpperCase());
    for (const signature of result.signatures) {
      const good = await signature.verified.catch(() => false);
      const by = good && signers.find((signer) => signer.getKeys(signature.keyID).length > 0);
      if (by) return { data: result.data, signer: fingerprint(by), claimed };
    }
    return { data: result.data, signer: undefined, claimed };
  } catch {
    return undefined;
  }
}

/** A detached signature, binary. */
export async function signDetached(data: Uint8Array, signer: SecretKey): Promise<Uint8Array> {
  return sign({ message: await createMessage({ binary: data, format: 'binary' }), signingKeys: signer, detached: true, format: 'binary', config: rfc4880 });
}

/** Whether a detached signature is this certificate's, over these bytes. */
export async function verifyDetached(data: Uint8Array, signature: Uint8Array, signer: Certificate): Promise<boolean> {
  try {
    const message = await createMessage({ binary: data, format: 'binary' });
    const result = await verify({ message, signature: await readSignature({ binarySignature: signature, config: lenient }), verificationKeys: signer, date: anyTime, format: 'binary', config: lenient });
    return result.signatures.length > 0 && (await Promise.all(result.signatures.map(({ verified }) => verified))).every(Boolean);
  } catch {
    return false;
  }
}
