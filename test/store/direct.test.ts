import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { beginsPage, page, release, roomFor } from '../../src/memory.ts';
import { readDirect, writeDirect } from '../../src/store/direct.ts';
import { openStore } from '../../src/store/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'bal-direct-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, body: Uint8Array | string = '') => {
  const path = join(folder, name);
  writeFileSync(path, body);
  return path;
};
const filled = (bytes: number) => randomFillSync(roomFor(bytes));
const mebibyte = 1 << 20;

/** Whether this file system knows of it, asked in another way than the program does. */
const known = constants.O_DIRECT !== undefined && spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'asked')}`, 'bs=1M', 'count=1', 'oflag=direct']).status === 0;
const passes = (bytes: number, done: number) => expect(done).toBe(known ? bytes - (bytes % page) : 0);

describe('past the page cache', () => {
  const sizes = [mebibyte, mebibyte + 1, 3 * mebibyte + page - 1, 17 * mebibyte + 5 * page];

  test.each(sizes)('%i bytes: whole pages of them are written, and nothing behind', async (bytes) => {
    // What is left from an earlier use lies behind them.
    const body = filled(bytes + page).subarray(0, bytes);
    const path = file('written');
    const done = await writeDirect(path, body);
    passes(bytes, done);
    expect(readFileSync(path).equals(body.subarray(0, done))).toBe(true);
  });

  test.each(sizes)('%i bytes are read', async (bytes) => {
    const body = filled(bytes);
    const path = file('read', body);
    const into = roomFor(bytes);
    const done = await readDirect(path, into, 0);
    passes(bytes, done);
    expect(into.subarray(0, done).equals(body.subarray(0, done))).toBe(true);
  });

  test('a file that ends before what was asked for is read to its end', async () => {
    const body = filled(2 * mebibyte + 100);
    const into = roomFor(4 * mebibyte);
    const done = await readDirect(file('short', body), into, 0);
    expect(done).toBe(known ? body.length : 0);
    expect(into.subarray(0, done).equals(body.subarray(0, done))).toBe(true);
  });

  test('small files, places and memory that are not whole pages, and files that are not there are left to the ordinary way', async () => {
    const path = file('plain', filled(4 * mebibyte));
    expect(await readDirect(path, roomFor(mebibyte - 1), 0)).toBe(0);
    expect(await readDirect(path, roomFor(mebibyte), 512)).toBe(0);
    expect(await readDirect(path, Buffer.alloc(2 * mebibyte), 0)).toBe(0);
    expect(await readDirect(path, roomFor(3 * mebibyte).subarray(16), 0)).toBe(0);
    expect(await readDirect(join(folder, 'none'), roomFor(mebibyte), 0)).toBe(0);
    expect(await writeDirect(join(folder, 'none'), filled(mebibyte))).toBe(0);
  });

  test.each([...sizes, page, 5])('a folder gives back %i bytes, whole or in parts, whatever way they went', async (bytes) => {
    const store = await openStore(join(folder, 'store'));
    const body = filled(bytes);
    for (const [name, put] of [['packs/aa/paged', body], ['packs/aa/other', Buffer.from(body)]] as const) {
      await store.put(name, put);
      expect(await store.stat(name)).toMatchObject({ size: bytes });
      expect(body.equals(await store.get(name))).toBe(true);
      expect(body.equals(await store.get(name, undefined, (length) => Buffer.alloc(length)))).toBe(true);
      const [offset, length] = [Math.floor(bytes / 3), Math.ceil(bytes / 2)];
      expect(body.subarray(offset, offset + length).equals(await store.get(name, { offset, length }))).toBe(true);
    }
    await expect(store.get('packs/aa/paged', { offset: 0, length: bytes + page * 512 })).rejects.toMatchObject({ code: 'vault' });
  });
});

describe('memory', () => {
  test('large rooms begin with a page, and give back what they have', () => {
    const room = roomFor(mebibyte + 5);
    expect(room.length).toBe(mebibyte + 5);
    expect(beginsPage(room)).toBe(true);
    expect(beginsPage(room.subarray(page))).toBe(true);
    expect(beginsPage(room.subarray(16))).toBe(false);
    expect(beginsPage(Buffer.allocUnsafeSlow(mebibyte))).toBe(false);
    const { buffer } = room;
    release(Buffer.from(buffer));
    expect(buffer.byteLength).toBe(0);
  });
});
