import { createDecipheriv, hkdfSync } from 'node:crypto';
import type { SessionKey } from './envelope.ts';
import { packetAt, tag } from './packets.ts';

/** Our literal packet's header: five-octet length, binary, no name, no date. */
const literal = 12;

/** As splitMessage in envelope.ts, of a message that may be cut short or changed anywhere after its key packets. */
export function splitRemains(message: Uint8Array): { keyPackets: Uint8Array; body: Uint8Array } {
  let at = 0;
  for (let packet = packetAt(message, 0); packet && (packet.tag === tag.pkesk || packet.tag === tag.skesk); packet = packetAt(message, at)) at = packet.end;
  return { keyPackets: message.subarray(0, at), body: message.subarray(at + 6) };
}

/**
 * What can be deciphered of a damaged message's literal data: NOTHING of it is authenticated, and each changed byte makes up to two
 * blocks of nonsense. Only for contents that prove themselves, as chunks do by their ids.
 */
export function decipherRemains(key: SessionKey, body: Uint8Array): Buffer {
  if (body[0] === 2) return aead(key, body).subarray(literal);
  return createDecipheriv('aes-256-cfb', key, Buffer.alloc(16)).update(body.subarray(1)).subarray(18 + literal);
}

function aead(key: Uint8Array, body: Uint8Array): Buffer {
  const head = body.subarray(0, 4);
  const size = 2 ** (Math.min(head[3] ?? 0, 16) + 6);
  const derived = Buffer.from(hkdfSync('sha256', key, body.subarray(4, 36), Buffer.concat([Buffer.from([0xc0 | tag.seipd]), head]), 36));
  const sealed = body.subarray(36);
  const plain: Buffer[] = [];
  for (let chunk = 0; chunk * (size + 16) < sealed.length; chunk++) {
    const nonce = Buffer.alloc(12);
    derived.copy(nonce, 0, 32);
    nonce.writeBigUInt64BE(BigInt(chunk), 4);
    plain.push(createDecipheriv('aes-256-gcm', derived.subarray(0, 32), nonce).update(sealed.subarray(chunk * (size + 16), chunk * (size + 16) + size)));
  }
  return Buffer.concat(plain);
}
