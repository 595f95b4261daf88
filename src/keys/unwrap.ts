import { createDecipheriv, createPrivateKey, diffieHellman, type KeyObject } from 'node:crypto';
import { buffer, kdfOf, kekOf, mpi, once, onCurve, pointHead, publicKey, wrapIv, x25519, type Kdf } from './curve25519.ts';
import type { SessionKey } from './envelope.ts';
import type { SecretKey } from './identity.ts';
import { packetsIn, tag } from './packets.ts';

/** What stands before a raw secret key in DER. */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

interface Decryption {
  key: KeyObject;
  fingerprint: Buffer;
  kdf: Kdf;
}

/** A secret key's subkeys on Curve25519, those in the clear, by key id. */
const decryptions = once((secret: SecretKey): Map<string, Decryption> => {
  const found = new Map<string, Decryption>();
  for (const subkey of secret.subkeys) {
    const { point, rest } = onCurve(subkey.keyPacket.write(), x25519) ?? {};
    const id = Buffer.from(subkey.getFingerprint(), 'hex');
    const kdf = rest && kdfOf(rest, id);
    // 00: in the clear; the scalar.
    if (!point || !kdf || rest[4] !== 0) continue;
    const scalar = mpi(rest.subarray(5), 32)?.value.toReversed();
    if (!scalar) continue;
    found.set(id.toString('hex', id.length - 8), { key: createPrivateKey({ key: Buffer.concat([pkcs8, scalar]), format: 'der', type: 'pkcs8' }), fingerprint: id, kdf });
  }
  return found;
});

/** AES-256 keys that are sealed to one of these keys in packets of version 3 or 6; undefined where none is. */
export function unwrapSessionKeys(keyPackets: Uint8Array, keys: SecretKey[]): SessionKey[] | undefined {
  const found: SessionKey[] = [];
  for (const packet of packetsIn(keyPackets)) {
    if (packet.tag !== tag.pkesk) continue;
    const body = buffer(keyPackets.subarray(packet.body, packet.end));
    // Version 6 names a version 4 key by its fingerprint, and says nothing of the cipher.
    const start = body[0] === 3 ? 1 : body[0] === 6 && body[1] === 21 && body[2] === 4 ? 15 : undefined;
    if (start === undefined || body[start + 8] !== x25519.algorithm || !body.subarray(start + 9, start + 12).equals(pointHead)) continue;
    const id = body.toString('hex', start, start + 8);
    const to = keys.map((key) => decryptions(key).get(id)).find((one) => one !== undefined);
    const [point, wrapped] = [body.subarray(start + 12, start + 44), body.subarray(start + 45)];
    if (!to || body[start + 44] !== wrapped.length || (body[0] === 6 && !body.subarray(3, 23).equals(to.fingerprint))) continue;
    const key = unwrap(to, point, wrapped, body[0] === 3 ? 1 : 0);
    if (key) found.push(key);
  }
  return found.length > 0 ? found : undefined;
}

/** `lead` bytes before the key say for which cipher it is; behind it are the sum of its bytes and PKCS #5's padding. */
function unwrap({ key, kdf }: Decryption, point: Buffer, wrapped: Buffer, lead: 0 | 1): SessionKey | undefined {
  try {
    const shared = diffieHellman({ privateKey: key, publicKey: publicKey(x25519, point) });
    const decipher = createDecipheriv(`id-aes${kdf.size * 8}-wrap`, kekOf(kdf, shared), wrapIv);
    const plain = Buffer.concat([decipher.update(wrapped), decipher.final()]);
    const session = plain.subarray(lead, lead + 32);
    const sum = session.reduce((total, byte) => total + byte, 0) & 0xffff;
    const padding = plain.subarray(lead + 34);
    const whole = session.length === 32 && (lead === 0 || plain[0] === 9) && plain.readUInt16BE(lead + 32) === sum && padding.length > 0 && padding.every((byte) => byte === padding.length);
    return whole ? session : undefined;
  } catch {
    return undefined;
  }
}
