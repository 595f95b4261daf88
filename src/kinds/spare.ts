/** A range of addresses, both ends included, as Neutron has allocation pools. */
export interface Pool {
  start: string;
  end: string;
}

/** So many DHCP agents find an address. */
const SIZE = 8n;

/**
 * The last few IPv6 addresses of the last pool that has room for them beside those that are wanted; undefined where none
 * has. Of a pool that is smaller, all that is in it.
 */
export function sparePool(pools: readonly Pool[], wanted: readonly string[]): Pool | undefined {
  const taken = wanted.map(toNumber).sort((a, b) => (a > b ? -1 : 1));
  for (const { start, end } of pools.toReversed()) {
    const first = toNumber(start);
    let last = toNumber(end);
    const size = last - first + 1n < SIZE ? last - first + 1n : SIZE;
    for (const address of taken) if (address <= last && address > last - size) last = address - 1n;
    if (last - size + 1n >= first) return { start: toAddress(last - size + 1n), end: toAddress(last) };
  }
  return undefined;
}

function toNumber(address: string): bigint {
  // The parser of URLs knows all the ways to write one.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`);
}

function toAddress(number: bigint): string {
  const groups = number.toString(16).padStart(32, '0').match(/.{4}/g) as string[];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
