import { BaluchonError } from '../errors.ts';

/** Plain ustar, regular files only: one time, owner and mode for all, so that the same contents give the same bytes. */
const time = 1_000_000_000;
const blank = Buffer.alloc(512);
const template = Buffer.alloc(512);
template.write(['0000644', '0000000', '0000000', ''].join('\0'), 100, 'latin1');
template.write(`${time.toString(8).padStart(11, '0')}\0`, 136, 'latin1');
template.write('0', 156, 'latin1');
template.write(['ustar', '00'].join('\0'), 257, 'latin1');

export const tarEnd = Buffer.alloc(1024);

/** The header of an entry; `name` is ASCII, at most 100 bytes; `size` under 8 GiB. */
export function tarHeader(name: string, size: number): Buffer {
  if (name.length > 100 || !/^[\x21-\x7e]+$/.test(name)) throw new BaluchonError('vault', `name does not fit a tar header: ${JSON.stringify(name)}`);
  const header = Buffer.from(template);
  header.write(name, 0, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('        ', 148, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** The zeros that follow an entry of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return blank.subarray(0, (512 - (size % 512)) % 512);
}

/** A whole tar of small entries. */
export function tar(entries: Iterable<[name: string, body: Uint8Array]>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, body] of entries) parts.push(tarHeader(name, body.length), body, tarPadding(body.length));
  parts.push(tarEnd);
  return Buffer.concat(parts);
}

/** The entries of a tar as written above; bodies share its memory. @throws vault where it is none. */
export function* untar(bytes: Buffer): Generator<{ name: string; body: Buffer }> {
  let at = 0;
  for (;;) {
    const header = bytes.subarray(at, at + 512);
    if (header.length === 512 && header.equals(blank)) return;
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    const end = header.indexOf(0);
    if (header.length < 512 || header.toString('latin1', 257, 262) !== 'ustar' || !(size >= 0) || at + 512 + size > bytes.length) {
      throw new BaluchonError('vault', 'damaged: not a tar');
    }
    yield { name: header.toString('latin1', 0, Math.min(end === -1 ? 100 : end, 100)), body: bytes.subarray(at + 512, at + 512 + size) };
    at += 512 + size + ((512 - (size % 512)) % 512);
  }
}
