import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { literalHeader, packetHeader, room, tag } from './packets.ts';

/** SEIPD version 2 (RFC 9580, 5.13.2), AES-256 in GCM, in chunks of 2^(12+6) bytes. */
const aes256 = 9;
const gcm = 3;
const chunkOctet = 12;
const tagLength = 16;

/** The message's key and the first 4 bytes of every chunk's nonce. */
function derive(key: Uint8Array, salt: Uint8Array, associated: Uint8Array): { key: Buffer; nonce(chunk: number): Buffer } {
  const derived = Buffer.from(hkdfSync('sha256', key, salt, associated, 32 + 4));
  const iv = derived.subarray(32);
  return {
    key: derived.subarray(0, 32),
    nonce(chunk) {
      const nonce = Buffer.alloc(12);
      iv.copy(nonce);
      nonce.writeBigUInt64BE(BigInt(chunk), 4);
      return nonce;
    },
  };
}

const count = (length: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
};

/** As `encipher` in envelope.ts, authenticated chunk by chunk. */
export function encipherAead(key: Uint8Array, parts: Uint8Array[], options: { packets?: boolean; keyPackets?: Uint8Array; into?: Uint8Array | undefined } = {}): Buffer {
  const plain = options.packets ? parts : [literalHeader(parts.reduce((sum, part) => sum + part.length, 0)), ...parts];
  const length = plain.reduce((sum, part) => sum + part.length, 0);
  const size = 1 << (chunkOctet + 6);
  const chunks = Math.ceil(length / size);
  const head = Buffer.from([2, aes256, gcm, chunkOctet]);
  const salt = randomBytes(32);
  const keyPackets = options.keyPackets ?? Buffer.alloc(0);
  const body = head.length + salt.length + length + (chunks + 1) * tagLength;
  const out = room(keyPackets.length + 6 + body, options.into);
  let at = 0;
  const write = (bytes: Uint8Array) => {
    out.set(bytes, at);
    at += bytes.length;
  };
  for (const bytes of [keyPackets, packetHeader(tag.seipd, body), head, salt]) write(bytes);
  const associated = Buffer.concat([Buffer.from([0xc0 | tag.seipd]), head]);
  const derived = derive(key, salt, associated);
  const rest = plain.values();
  let part: Uint8Array = new Uint8Array();
  for (let chunk = 0; chunk < chunks; chunk++) {
    const cipher = createCipheriv('aes-256-gcm', derived.key, derived.nonce(chunk)).setAAD(associated);
    for (let room = Math.min(size, length - chunk * size); room > 0; ) {
      while (part.length === 0) part = rest.next().value!;
      const piece = part.subarray(0, room);
      write(cipher.update(piece));
      part = part.subarray(piece.length);
      room -= piece.length;
    }
    cipher.final();
    write(cipher.getAuthTag());
  }
  const last = createCipheriv('aes-256-gcm', derived.key, derived.nonce(chunks)).setAAD(Buffer.concat([associated, count(length)]));
  last.final();
  write(last.getAuthTag());
  return out;
}

/** The packets inside, whatever the size of the writer's chunks; undefined when the key does not fit or a byte was changed. */
export function decipherAead(key: Uint8Array, body: Uint8Array): Buffer | undefined {
  const head = body.subarray(0, 4);
  if (head[0] !== 2 || head[1] !== aes256 || head[2] !== gcm || head[3]! > 16 || body.length < 36 + tagLength) return undefined;
  const size = 2 ** (head[3]! + 6);
  const sealed = body.subarray(36, body.length - tagLength);
  const chunks = Math.ceil(sealed.length / (size + tagLength));
  const length = sealed.length - chunks * tagLength;
  if (length < 0) return undefined;
  const associated = Buffer.concat([Buffer.from([0xc0 | tag.seipd]), head]);
  const derived = derive(key, body.subarray(4, 36), associated);
  const plain = Buffer.allocUnsafeSlow(length);
  try {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const whole = sealed.subarray(chunk * (size + tagLength), (chunk + 1) * (size + tagLength));
      const decipher = createDecipheriv('aes-256-gcm', derived.key, derived.nonce(chunk)).setAAD(associated).setAuthTag(whole.subarray(-tagLength));
      plain.set(decipher.update(whole.subarray(0, -tagLength)), chunk * size);
      decipher.final();
    }
    const last = createDecipheriv('aes-256-gcm', derived.key, derived.nonce(chunks)).setAAD(Buffer.concat([associated, count(length)])).setAuthTag(body.subarray(-tagLength));
    last.final();
  } catch {
    return undefined;
  }
  return plain;
}
