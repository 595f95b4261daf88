import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { release } from '../memory.ts';
import { literalHeader, literalLead, packetHeader, room, tag } from './packets.ts';

/** SEIPD version 2 (RFC 9580, 5.13.2), AES-256 in GCM, in chunks of 2^(12 + 6) bytes. */
const aes256 = 9;
const gcm = 3;
const chunkOctet = 12;
const chunkBytes = 2 ** (chunkOctet + 6);
const tagLength = 16;
/** The packet's version, cipher, mode and size of chunks, and the salt. */
const headLength = 4 + 32;
/** Small enough for the caches of a processor. */
const pieceBytes = 1 << 16;

/** The message's key and the first 4 bytes of every chunk's nonce. */
function derive(key: Uint8Array, salt: Uint8Array, associated: Uint8Array): { key: KeyObject; nonce(chunk: number): Buffer } {
  const derived = Buffer.from(hkdfSync('sha256', key, salt, associated, 32 + 4));
  const iv = derived.subarray(32);
  return {
    // Of a key as bytes Node asks first, at 30 microseconds, whether it be something else.
    key: createSecretKey(derived.subarray(0, 32)),
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

/** Bytes of a message of `length` bytes of literal data between the session key packets and where these must lie to be sealed in place: tags come to lie between them. */
export function aeadLead(length: number): number {
  return 6 + headLength + literalLead + Math.ceil((literalLead + length) / chunkBytes) * tagLength;
}

/** As `encipher` in envelope.ts, authenticated chunk by chunk. */
export function encipherAead(key: Uint8Array, parts: Uint8Array[], options: { packets?: boolean; keyPackets?: Uint8Array; into?: Uint8Array | undefined } = {}): Buffer {
  const plain = options.packets ? parts : [literalHeader(parts.reduce((sum, part) => sum + part.length, 0)), ...parts];
  const length = plain.reduce((sum, part) => sum + part.length, 0);
  const chunks = Math.ceil(length / chunkBytes);
  const head = Buffer.from([2, aes256, gcm, chunkOctet]);
  const salt = randomBytes(32);
  const keyPackets = options.keyPackets ?? Buffer.alloc(0);
  const body = headLength + length + (chunks + 1) * tagLength;
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
    for (let left = Math.min(chunkBytes, length - chunk * chunkBytes); left > 0; ) {
      while (part.length === 0) part = rest.next().value!;
      const piece = part.subarray(0, Math.min(left, pieceBytes));
      const sealed = cipher.update(piece);
      write(sealed);
      release(sealed);
      part = part.subarray(piece.length);
      left -= piece.length;
    }
    cipher.final();
    write(cipher.getAuthTag());
  }
  const last = createCipheriv('aes-256-gcm', derived.key, derived.nonce(chunks)).setAAD(Buffer.concat([associated, count(length)]));
  last.final();
  write(last.getAuthTag());
  return out;
}

/**
 * The packets inside, whatever the size of the writer's chunks; undefined when the key does not fit or a byte was changed. With
 * `inPlace` they take the place of the ciphertext, whatever comes of it.
 */
export function decipherAead(key: Uint8Array, body: Uint8Array, inPlace = false): Buffer | undefined {
  const head = body.subarray(0, 4);
  if (head[0] !== 2 || head[1] !== aes256 || head[2] !== gcm || head[3]! > 16 || body.length < headLength + tagLength) return undefined;
  const size = 2 ** (head[3]! + 6);
  const sealed = body.subarray(headLength, body.length - tagLength);
  const chunks = Math.ceil(sealed.length / (size + tagLength));
  const length = sealed.length - chunks * tagLength;
  if (length < 0) return undefined;
  const associated = Buffer.concat([Buffer.from([0xc0 | tag.seipd]), head]);
  const derived = derive(key, body.subarray(4, headLength), associated);
  const plain = inPlace ? Buffer.from(sealed.buffer, sealed.byteOffset, length) : Buffer.allocUnsafeSlow(length);
  let at = 0;
  try {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const whole = sealed.subarray(chunk * (size + tagLength), (chunk + 1) * (size + tagLength));
      const ciphertext = whole.subarray(0, -tagLength);
      const decipher = createDecipheriv('aes-256-gcm', derived.key, derived.nonce(chunk)).setAAD(associated).setAuthTag(whole.subarray(-tagLength));
      for (let from = 0; from < ciphertext.length; from += pieceBytes) {
        const opened = decipher.update(ciphertext.subarray(from, from + pieceBytes));
        plain.set(opened, at);
        at += opened.length;
        release(opened);
      }
      decipher.final();
    }
    const last = createDecipheriv('aes-256-gcm', derived.key, derived.nonce(chunks)).setAAD(Buffer.concat([associated, count(length)])).setAuthTag(body.subarray(-tagLength));
    last.final();
  } catch {
    return undefined;
  }
  return plain;
}
