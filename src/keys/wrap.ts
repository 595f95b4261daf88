import { createCipheriv, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { kdfOf, kekOf, once, onCurve, pointHead, publicKey, wrapIv, x25519, type Kdf } from './curve25519.ts';
import type { SessionKey } from './envelope.ts';
import type { Certificate } from './identity.ts';
import { anyTime, lenient } from './openpgp.ts';
import { tag } from './packets.ts';

interface Encryption {
  /** The subkey's. */
  id: Buffer;
  key: KeyObject;
  kdf: Kdf;
}

/** The key of a certificate that messages are for, which is OpenPGP.js's to say; undefined where it is none on Curve25519. */
const encryption = once(async (certificate: Certificate): Promise<Encryption | undefined> => {
  const chosen = await certificate.getEncryptionKey(undefined, anyTime, undefined, lenient).catch(() => undefined);
  const { point, rest } = (chosen && onCurve(chosen.keyPacket.write(), x25519)) ?? {};
  const fingerprint = Buffer.from(chosen?.getFingerprint() ?? '', 'hex');
  const kdf = rest && kdfOf(rest, fingerprint);
  return point && kdf ? { id: fingerprint.subarray(-8), key: publicKey(x25519, point), kdf } : undefined;
});

/** Packets of version 3 that carry an AES-256 key to each of these certificates; undefined where one needs OpenPGP.js for that. */
export async function wrapSessionKey(session: SessionKey, to: readonly Certificate[]): Promise<Uint8Array | undefined> {
  const found = await Promise.all(to.map(encryption));
  if (found.length === 0 || !found.every((one) => one !== undefined)) return undefined;
  return Buffer.concat(found.map((one) => wrap(one, session)));
}

/** One packet: an ephemeral point, and under what it shares with the recipient's the cipher's number, the key, the sum of its bytes, and PKCS #5's padding. */
function wrap({ id, key, kdf }: Encryption, session: SessionKey): Buffer {
  const ephemeral = generateKeyPairSync('x25519');
  const kek = kekOf(kdf, diffieHellman({ privateKey: ephemeral.privateKey, publicKey: key }));
  const sum = session.reduce((total, byte) => total + byte, 0) & 0xffff;
  const cipher = createCipheriv(`id-aes${kdf.size * 8}-wrap`, kek, wrapIv);
  const wrapped = Buffer.concat([cipher.update(Buffer.from([9, ...session, sum >> 8, sum & 0xff, 5, 5, 5, 5, 5])), cipher.final()]);
  const point = ephemeral.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const body = Buffer.concat([Buffer.from([3]), id, Buffer.from([x25519.algorithm]), pointHead, point, Buffer.from([wrapped.length]), wrapped]);
  return Buffer.concat([Buffer.from([0xc0 | tag.pkesk, body.length]), body]);
}
