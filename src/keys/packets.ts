/** OpenPGP packet framing (RFC 4880, 4.2), new format, definite lengths only: all that this project writes. */

export const tag = { pkesk: 1, signature: 2, skesk: 3, onePass: 4, literal: 11, seipd: 18, mdc: 19 } as const;

/** The header of a packet whose body has `length` bytes; the five-octet form, so that its size is known beforehand. */
export function packetHeader(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(6);
  header[0] = 0xc0 | type;
  header[1] = 0xff;
  header.writeUInt32BE(length, 2);
  return header;
}

/** Bytes of the header below. */
export const literalLead = 12;

/** A literal data packet's header: binary, no name, no date; its body follows. */
export function literalHeader(length: number): Buffer {
  return Buffer.concat([packetHeader(tag.literal, length + 6), Buffer.from([0x62, 0, 0, 0, 0, 0])]);
}

/** Memory for `size` bytes: the beginning of `into` where that is large enough. */
export function room(size: number, into: Uint8Array | undefined): Buffer {
  return into && into.length >= size ? Buffer.from(into.buffer, into.byteOffset, size) : Buffer.allocUnsafeSlow(size);
}

export interface Packet {
  tag: number;
  /** Offset of the packet's header and of its body in the message. */
  start: number;
  body: number;
  end: number;
}

/** The packet at `start`, or undefined where the bytes are no whole packet in the form above. */
export function packetAt(message: Uint8Array, start: number): Packet | undefined {
  const first = message[start];
  const octet = message[start + 1];
  if (first === undefined || octet === undefined || (first & 0xc0) !== 0xc0) return undefined;
  let length: number;
  let body: number;
  if (octet < 192) {
    length = octet;
    body = start + 2;
  } else if (octet < 224) {
    length = ((octet - 192) << 8) + (message[start + 2] ?? Number.NaN) + 192;
    body = start + 3;
  } else if (octet === 255 && start + 6 <= message.length) {
    length = new DataView(message.buffer, message.byteOffset).getUint32(start + 2);
    body = start + 6;
  } else return undefined;
  const end = body + length;
  return end <= message.length ? { tag: first & 0x3f, start, body, end } : undefined;
}

/** The packets from the beginning on, as far as they are whole and of the form above. */
export function* packetsIn(message: Uint8Array): Generator<Packet> {
  for (let packet = packetAt(message, 0); packet; packet = packetAt(message, packet.end)) yield packet;
}

/** Where the data of a literal packet begin: behind its format, name and date. */
export function literalData(message: Uint8Array, { body }: Packet): number {
  return body + 6 + (message[body + 1] ?? 0);
}
