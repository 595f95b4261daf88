import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK, Bytes } from '../../src/sandbox/disk/bytes.ts';
import { isQcow2, readQcow2, virtualSize, writeQcow2 } from '../../src/sandbox/disk/qcow2.ts';

const SIZE = 40 * BLOCK;
const writes = fc.array(fc.record({ offset: fc.nat(SIZE - 5000), data: fc.uint8Array({ minLength: 1, maxLength: 5000 }) }), { maxLength: 12 });

function all(disk: Bytes): Buffer {
  return Buffer.concat([...disk.stream()]);
}

describe('a simulated disk', () => {
  it('holds what was written and zeros everywhere else', () => {
    fc.assert(
      fc.property(writes, (list) => {
        const disk = new Bytes(SIZE);
        const plain = Buffer.alloc(SIZE);
        for (const { offset, data } of list) {
          disk.write(offset, data);
          plain.set(data, offset);
        }
        expect(all(disk).equals(plain)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
  it('is not changed by what is written to its copy, nor the other way round', () => {
    const disk = new Bytes(SIZE);
    disk.write(100, Buffer.from('first'));
    const copy = disk.copy();
    copy.write(100, Buffer.from('COPY!'));
    disk.write(100, Buffer.from('DISK!'));
    expect(copy.slice(100, 5).toString()).toBe('COPY!');
    expect(disk.slice(100, 5).toString()).toBe('DISK!');
  });
  it('of a terabyte costs no memory while it is empty', () => {
    const disk = new Bytes(2 ** 40);
    disk.write(2 ** 40 - 4, Buffer.from('last'));
    disk.write(5, Buffer.alloc(1_000_000));
    expect(disk.stored).toBe(BLOCK);
    expect(disk.slice(2 ** 40 - 5, 5).toString()).toBe('\0last');
  });
  it('names as extents what holds something', async () => {
    const disk = new Bytes(10 * BLOCK - 7);
    disk.write(BLOCK + 1, Buffer.from('x'));
    disk.write(9 * BLOCK, Buffer.from('x'));
    const extents = [];
    for await (const extent of disk.extents()) extents.push(extent);
    expect(extents).toEqual([{ offset: BLOCK, length: BLOCK }, { offset: 9 * BLOCK, length: BLOCK - 7 }]);
  });
});

describe('the qcow2 files of the simulated cloud', () => {
  it('give the disk back that was written into them', () => {
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 600 }), (list, less) => {
        const disk = new Bytes(SIZE - less);
        for (const { offset, data } of list) disk.write(offset % (SIZE - less - data.length), data);
        const file = writeQcow2(disk);
        expect(isQcow2(file)).toBe(true);
        expect(virtualSize(file)).toBe(SIZE - less);
        expect(all(readQcow2(file)).equals(all(disk))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
  it('are read with compressed clusters, of version 2 and with other cluster sizes too', () => {
    const cluster = 4096;
    const content = Buffer.alloc(cluster, 'compressed ');
    const packed = deflateRawSync(content);
    const file = new Bytes(8 * cluster);
    const header = Buffer.alloc(72);
    header.writeUInt32BE(0x514649fb, 0);
    header.writeUInt32BE(2, 4);
    header.writeUInt32BE(12, 20);
    header.writeBigUInt64BE(BigInt(100 * cluster), 24);
    header.writeUInt32BE(1, 36);
    header.writeBigUInt64BE(BigInt(cluster), 40);
    file.write(0, header);
    const word = (at: number, value: bigint): void => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(value);
      file.write(at, bytes);
    };
    word(cluster, BigInt(2 * cluster));
    const at = 3 * cluster + 100;
    const sectors = Math.ceil((packed.length + (at % 512)) / 512) - 1;
    word(2 * cluster + 8 * 7, (1n << 62n) | (BigInt(sectors) << BigInt(62 - (12 - 8))) | BigInt(at));
    word(2 * cluster + 8 * 9, BigInt(5 * cluster) | (1n << 63n));
    file.write(at, packed);
    file.write(5 * cluster, Buffer.from('plain'));
    const disk = readQcow2(file);
    expect(disk.size).toBe(100 * cluster);
    expect(disk.slice(7 * cluster, cluster).equals(content)).toBe(true);
    expect(disk.slice(9 * cluster, 5).toString()).toBe('plain');
    expect(disk.slice(0, cluster).equals(Buffer.alloc(cluster))).toBe(true);
  });
  it('are refused when they are none, or need another file', () => {
    const none = new Bytes(BLOCK);
    expect(() => readQcow2(none)).toThrow('not a qcow2 file');
    const backed = writeQcow2(new Bytes(BLOCK));
    backed.write(8, Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]));
    expect(() => readQcow2(backed)).toThrow('backing files are not allowed');
  });
});
