import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';

/** What every store must do. `make` gives an empty one. */
export function storeContract(name: string, make: () => Promise<Store>): void {
  describe(`${name} is a store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    const list = (prefix: string) => Array.fromAsync(store.list(prefix));
    const names = async (prefix: string) => {
      const found = (await Array.fromAsync(store.names(prefix))).sort();
      expect((await list(prefix)).map(({ name }) => name).sort()).toEqual(found);
      return found;
    };

    test('gives back what was put, whole and in ranges', async () => {
      const body = randomBytes(100_000);
      await store.put('packs/ab/x.tar.pgp', body);
      expect(Buffer.from(await store.get('packs/ab/x.tar.pgp')).equals(body)).toBe(true);
      expect(Buffer.from(await store.get('packs/ab/x.tar.pgp', { offset: 10, length: 70_000 })).equals(body.subarray(10, 70_010))).toBe(true);
      expect(await store.get('packs/ab/x.tar.pgp', { offset: 5, length: 0 })).toHaveLength(0);
      expect(await store.stat('packs/ab/x.tar.pgp')).toMatchObject({ size: 100_000 });
    });

    test('gives what was put in memory that is given for it, which may be larger', async () => {
      const body = randomBytes(300_000);
      await store.put('packs/ab/x.tar.pgp', body);
      for (const range of [undefined, { offset: 10, length: 200_000 }]) {
        const rooms: Buffer[] = [];
        const got = await store.get('packs/ab/x.tar.pgp', range, (bytes) => {
          rooms.push(Buffer.alloc(bytes + 5_000, 1));
          return rooms.at(-1)!;
        });
        expect(Buffer.from(got).equals(range ? body.subarray(10, 200_010) : body)).toBe(true);
        // What comes over a network is nowhere else besides.
        if (store.name.includes('://')) expect(rooms.map(({ buffer }) => buffer)).toContain(got.buffer);
      }
    });

    test('takes empty files', async () => {
      await store.put('empty', new Uint8Array());
      expect(await store.get('empty')).toHaveLength(0);
      expect(await store.stat('empty')).toMatchObject({ size: 0 });
    });

    test('putting again replaces, and putting the same again is harmless', async () => {
      await store.put('a', Buffer.from('one, and longer'));
      await store.put('a', Buffer.from('two'));
      await store.put('a', Buffer.from('two'));
      expect(String(Buffer.from(await store.get('a')))).toBe('two');
      expect(await names('')).toEqual(['a']);
    });

    test('keeps no hold on the bytes it was given, nor on those it gave', async () => {
      const body = Buffer.from('steady');
      await store.put('a', body);
      body.fill(0);
      (await store.get('a')).fill(1);
      expect(String(Buffer.from(await store.get('a')))).toBe('steady');
    });

    test('lists by prefix, with sizes and times', async () => {
      for (const name of ['packs/aa/1', 'packs/ab/22', 'packs.txt', 'keys/epoch-1.pub.asc', 'keys/epoch-1/owner']) await store.put(name, Buffer.from(name));
      expect(await names('packs/')).toEqual(['packs/aa/1', 'packs/ab/22']);
      expect(await names('packs/ab/2')).toEqual(['packs/ab/22']);
      expect(await names('keys/epoch-1')).toEqual(['keys/epoch-1.pub.asc', 'keys/epoch-1/owner']);
      expect(await names('nothing/')).toEqual([]);
      expect(await names('')).toHaveLength(5);
      const [file] = await list('packs.txt');
      expect(file).toMatchObject({ name: 'packs.txt', size: 9 });
      expect(Math.abs(file!.modified.getTime() - Date.now())).toBeLessThan(3_600_000);
    });

    test('a file that is not there: get says so, naming it; stat gives nothing; remove does nothing', async () => {
      await expect(store.get('packs/no')).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('packs/no') });
      await expect(store.get('packs/no', { offset: 0, length: 1 })).rejects.toMatchObject({ code: 'vault' });
      expect(await store.stat('packs/no')).toBeUndefined();
      await store.remove('packs/no');
    });

    test('a range beyond the end is an error, not fewer bytes', async () => {
      await store.put('a', Buffer.from('12345'));
      await expect(store.get('a', { offset: 3, length: 3 })).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('a') });
    });

    test('removes', async () => {
      await store.put('a/b', Buffer.from('1'));
      await store.remove('a/b');
      expect(await store.stat('a/b')).toBeUndefined();
      expect(await names('')).toEqual([]);
    });

    test('many puts at once', async () => {
      await Promise.all(Array.from({ length: 30 }, (_, at) => store.put(`packs/${at % 3}/${at}`, Buffer.from(String(at)))));
      expect(await names('packs/')).toHaveLength(30);
      expect(String(Buffer.from(await store.get('packs/2/29')))).toBe('29');
    });

    test.each(['../a', '/etc/passwd', 'a/../../b', 'a//b', '', 'a/', '.hidden', 'a\0b', 'a b'])('refuses the name %j', async (bad) => {
      await expect(store.put(bad, Buffer.from('x'))).rejects.toMatchObject({ code: 'vault' });
      await expect(store.get(bad)).rejects.toMatchObject({ code: 'vault' });
    });
  });
}
