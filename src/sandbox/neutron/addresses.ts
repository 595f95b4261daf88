import { isIP, isIPv4 } from 'node:net';
import { randomInt } from 'node:crypto';

/** IP addresses as numbers, both families. */
export function toNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = '', tail] = address.split('::') as [string, string | undefined];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array.from<string>({ length: 8 - left.length - right.length }).fill('0');
  return [...left, ...middle, ...right].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n);
}

export function toAddress(number: bigint, version: number): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const parts = Array.from({ length: 8 }, (_, at) => ((number >> BigInt((7 - at) * 16)) & 0xffffn).toString(16));
  const runs = [...parts.join(':').matchAll(/(?:^|:)0(?::0)+(?:$|:)/g)].sort((a, b) => b[0].length - a[0].length);
  const text = parts.join(':');
  const run = runs[0];
  if (!run) return text;
  return `${text.slice(0, run.index)}::${text.slice(run.index + run[0].length)}`;
}

export interface Range {
  version: number;
  prefix: number;
  first: bigint;
  last: bigint;
  /** Normalised: `10.1.0.0/16` for `10.1.2.3/16`. */
  text: string;
}

export function parseCidr(text: string): Range | undefined {
  const [address = '', length, more] = text.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (version === 0 || more !== undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > bits || length === '') return undefined;
  const size = 1n << BigInt(bits - prefix);
  const number = toNumber(address);
  const first = number - (number % size);
  return { version, prefix, first, last: first + size - 1n, text: `${toAddress(first, version)}/${prefix}` };
}

export interface Pool {
  start: string;
  end: string;
}

/** Neutron's own pools: all of the subnet but network, broadcast and gateway. */
export function defaultPools(range: Range, gateway: string | null): Pool[] {
  const first = range.version === 4 ? range.first + 1n : range.first + 1n;
  const last = range.version === 4 ? range.last - 1n : range.last;
  const show = (start: bigint, end: bigint): Pool[] => (start > end ? [] : [{ start: toAddress(start, range.version), end: toAddress(end, range.version) }]);
  if (gateway === null) return show(first, last);
  const number = toNumber(gateway);
  if (number < first || number > last) return show(first, last);
  return [...show(first, number - 1n), ...show(number + 1n, last)];
}

/** The first free address of the pools, or any free one. */
export function freeAddress(pools: Pool[], version: number, taken: Set<string>, choose: 'first' | 'any'): string | undefined {
  for (const { start, end } of pools) {
    const from = toNumber(start);
    const size = toNumber(end) - from + 1n;
    const window = Number(size > 1000n ? 1000n : size);
    const shift = choose === 'any' && window > 1 ? randomInt(window) : 0;
    for (let step = 0; step < window; step += 1) {
      const address = toAddress(from + BigInt((step + shift) % window), version);
      if (!taken.has(address)) return address;
    }
  }
  return undefined;
}

export function contains(cidr: string, address: string): boolean {
  const range = parseCidr(cidr)!;
  if (isIP(address) !== range.version) return false;
  const number = toNumber(address);
  return number >= range.first && number <= range.last;
}
