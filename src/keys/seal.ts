import { randomBytes } from 'node:crypto';
import { createMessage, decryptSessionKeys, encryptSessionKey, readMessage, sign, verify } from 'openpgp';
import { decipher, encipher, splitMessage, type SessionKey } from './envelope.ts';
import { fingerprint, type Certificate, type SecretKey } from './identity.ts';
import { anyTime, lenient, rfc4880 } from './openpgp.ts';
import { lockSessionKey, stretch, unlockSessionKeys } from './passphrase.ts';

/** Whom a message is for: certificates, a person's passphrase, or a secret of 32 random bytes in hex. */
export type Recipient = { certificates: Certificate[] } | { passphrase: string } | { secret: string };
/** What opens a message. */
export type Opener = { keys: SecretKey[] } | { passphrase: string } | { secret: string };

/** The packets that carry a session key to its recipients. */
export async function sealSessionKey(key: SessionKey, to: Recipient): Promise<Uint8Array> {
  if ('passphrase' in to) return lockSessionKey(key, to.passphrase, stretch.most);
  if ('secret' in to) return lockSessionKey(key, to.secret, stretch.none);
  return encryptSessionKey({ data: key, algorithm: 'aes256', encryptionKeys: to.certificates, date: anyTime, format: 'binary', config: rfc4880 });
}

/** The session keys that an opener gets out of a message's first packets. */
export async function openSessionKeys(keyPackets: Uint8Array, with_: Opener): Promise<SessionKey[]> {
  if ('passphrase' in with_) return unlockSessionKeys(keyPackets, with_.passphrase);
  if ('secret' in with_) return unlockSessionKeys(keyPackets, with_.secret);
  try {
    const message = await readMessage({ binaryMessage: keyPackets, config: lenient });
    const keys = await decryptSessionKeys({ message, decryptionKeys: with_.keys, date: anyTime, config: lenient });
    return keys.filter((key) => key.data.length === 32).map((key) => key.data);
  } catch {
    return [];
  }
}

/** One OpenPGP message: signed when there is a signer, then enciphered. */
export async function seal(plaintext: Uint8Array, to: Recipient, signer?: SecretKey): Promise<Buffer> {
  const key = randomBytes(32);
  const keyPackets = await sealSessionKey(key, to);
  if (!signer) return encipher(key, [plaintext], { keyPackets });
  const message = await createMessage({ binary: plaintext, format: 'binary' });
  const signed = await sign({ message, signingKeys: signer, format: 'binary', config: rfc4880 });
  return encipher(key, [signed], { packets: true, keyPackets });
}

/** Opens a message; undefined when the key does not fit or a byte of it was changed. */
export async function unseal(message: Uint8Array, with_: Opener): Promise<Buffer | undefined> {
  const parts = splitMessage(message);
  if (!parts) return undefined;
  for (const key of await openSessionKeys(parts.keyPackets, with_)) {
    const opened = decipher(key, parts.body);
    if (opened) return opened.literal ?? opened.packets;
  }
  return undefined;
}

/** Opens a signed message. `signer` is the fingerprint of the certificate whose good signature it bears, undefined when none of them. */
export async function unsealSigned(message: Uint8Array, with_: Opener, signers: Certificate[]): Promise<{ data: Uint8Array; signer: string | undefined } | undefined> {
  const packets = await unseal(message, with_);
  if (!packets) return undefined;
  try {
    const signed = await readMessage({ binaryMessage: packets, config: lenient });
    const result = await verify({ message: signed, verificationKeys: signers, date: anyTime, format: 'binary', config: lenient });
    for (const signature of result.signatures) {
      const good = await signature.verified.catch(() => false);
      const by = good && signers.find((signer) => signer.getKeys(signature.keyID).length > 0);
      if (by) return { data: result.data, signer: fingerprint(by) };
    }
    return { data: result.data, signer: undefined };
  } catch {
    return undefined;
  }
}

/** A detached signature, binary. */
export async function signDetached(data: Uint8Array, signer: SecretKey): Promise<Uint8Array> {
  return sign({ message: await createMessage({ binary: data, format: 'binary' }), signingKeys: signer, detached: true, format: 'binary', config: rfc4880 });
}
