import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { openStore } from '../../src/store/index.ts';
import type { Store } from '../../src/store/store.ts';
import { writeTarFile } from '../../src/store/write-tarfile.ts';
import { tarHeader } from '../../src/vault/tar.ts';

const root = mkdtempSync(join(tmpdir(), 'bal-tar-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const long = `keys/epoch-1/owner-${'A'.repeat(40)}.${'0'.repeat(64)}.pgp`;
const files = new Map<string, Buffer>([
  ['baluchon.yaml', Buffer.from('format: baluchon/1\n')],
  [long, Buffer.from('a name that fits no ustar header')],
  ['empty', Buffer.alloc(0)],
  ['packs/aa/1.tar.pgp', randomBytes(100_000)],
  ['packs/ab/2.tar.pgp', randomBytes(512)],
]);
async function* all(): AsyncGenerator<{ name: string; body: Buffer }> {
  for (const [name, body] of files) yield { name, body };
}
const whole = join(root, 'whole.baluchon');
beforeAll(() => writeTarFile(whole, all()));

const names = async (store: Store, prefix = ''): Promise<string[]> => {
  const found = [];
  for await (const { name } of store.list(prefix)) found.push(name);
  return found;
};

describe('a .baluchon file as a store', () => {
  test('a file in it that is larger than any of ours is refused before it is read', async () => {
    const path = join(root, 'large.baluchon');
    writeFileSync(path, tarHeader('packs/aa/1', 3 * 2 ** 30));
    truncateSync(path, 3 * 2 ** 30 + 2048);
    const store = await openStore(path);
    await expect(store.get('packs/aa/1')).rejects.toMatchObject({ code: 'vault', message: `${path}: file larger than it can be: packs/aa/1` });
    expect(await store.get('packs/aa/1', { offset: 2 ** 31, length: 2 })).toHaveLength(2);
    await store.close();
  });

  test('gives back every file, whole and in ranges, in the order they were written', async () => {
    const store = await openStore(whole);
    expect(await names(store)).toEqual([...files.keys()]);
    expect(await names(store, 'packs/')).toEqual(['packs/aa/1.tar.pgp', 'packs/ab/2.tar.pgp']);
    for (const [name, body] of files) {
      expect(Buffer.from(await store.get(name)).equals(body), name).toBe(true);
      expect(await store.stat(name)).toMatchObject({ size: body.length });
    }
    const part = await store.get('packs/aa/1.tar.pgp', { offset: 70_000, length: 30_000 });
    expect(Buffer.from(part).equals(files.get('packs/aa/1.tar.pgp')!.subarray(70_000))).toBe(true);
    await expect(store.get('packs/aa/1.tar.pgp', { offset: 70_000, length: 30_001 })).rejects.toMatchObject({ code: 'vault' });
    await expect(store.get('nope')).rejects.toMatchObject({ code: 'vault', message: `${whole}: file missing: nope` });
    expect(await store.stat('nope')).toBeUndefined();
    await store.close();
  });

  test('is never written to', async () => {
    const store = await openStore(whole);
    const before = readFileSync(whole);
    expect(store.readOnly).toBe(true);
    await expect(store.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'store', hint: expect.stringContaining('unpack') });
    await expect(store.remove('baluchon.yaml')).rejects.toMatchObject({ code: 'store' });
    expect(readFileSync(whole).equals(before)).toBe(true);
    await store.close();
  });

  test.each([['gnu'], ['ustar'], ['pax']])('made by tar itself, with folders and ./ before the names: %s', async (format) => {
    const tree = join(root, `tree-${format}`);
    const made = join(root, `${format}.baluchon`);
    expect(spawnSync('sh', ['-c', 'mkdir "$1" && tar -xf "$0" -C "$1" && rm "$1"/keys/epoch-1/* && tar --format="$2" -C "$1" -cf "$3" .', whole, tree, format, made]).status).toBe(0);
    const store = await openStore(made);
    expect((await names(store)).sort()).toEqual([...files.keys()].filter((name) => name !== long).sort());
    expect(Buffer.from(await store.get('packs/aa/1.tar.pgp')).equals(files.get('packs/aa/1.tar.pgp')!)).toBe(true);
    await store.close();
  });

  test('long names as GNU tar writes them', async () => {
    const made = join(root, 'long.baluchon');
    expect(spawnSync('sh', ['-c', 'mkdir "$1" && tar -xf "$0" -C "$1" && tar --format=gnu -C "$1" -cf "$2" keys', whole, join(root, 'long'), made]).status).toBe(0);
    const store = await openStore(made);
    expect(await names(store)).toEqual([long]);
    await store.close();
  });

  test('of many GiB: what lies far behind is read where it lies', async () => {
    const big = join(root, 'big.baluchon');
    const size = 7 * 2 ** 30 + 5;
    const body = randomBytes(1000);
    const handle = await open(big, 'w');
    await handle.write(tarHeader('packs/aa/hole', size), 0, 512, 0);
    const at = 512 + Math.ceil(size / 512) * 512;
    await handle.write(tarHeader('packs/ab/far', body.length), 0, 512, at);
    await handle.write(body, 0, body.length, at + 512);
    await handle.truncate(at + 512 + 1024 + 1024);
    await handle.close();
    const store = await openStore(big);
    expect(await names(store)).toEqual(['packs/aa/hole', 'packs/ab/far']);
    expect(Buffer.from(await store.get('packs/ab/far')).equals(body)).toBe(true);
    expect(await store.stat('packs/aa/hole')).toMatchObject({ size });
    expect(await store.get('packs/aa/hole', { offset: size - 10, length: 10 })).toEqual(Buffer.alloc(10));
    await store.close();
  });

  test('cut anywhere, what lies before the cut is there and what lies behind is missing', async () => {
    const bytes = readFileSync(whole);
    const cut = join(root, 'cut.baluchon');
    for (const length of [1024, 1500, 5000, 80_000, bytes.length - 2000]) {
      writeFileSync(cut, bytes);
      truncateSync(cut, length);
      const store = await openStore(cut);
      const there = await names(store);
      expect(there).toEqual([...files.keys()].slice(0, there.length));
      expect(there.length).toBeLessThan(files.size);
      for (const name of there) expect(Buffer.from(await store.get(name)).equals(files.get(name)!), name).toBe(true);
      await expect(store.get('packs/ab/2.tar.pgp')).rejects.toMatchObject({ code: 'vault', message: expect.stringContaining('packs/ab/2.tar.pgp') });
      await store.close();
    }
  });

  test('a damaged header costs its own file and no other', async () => {
    const bytes = readFileSync(whole);
    const at = bytes.indexOf('packs/aa/1.tar.pgp');
    bytes[at + 6]! ^= 1;
    const damaged = join(root, 'damaged.baluchon');
    writeFileSync(damaged, bytes);
    const store = await openStore(damaged);
    expect(await names(store)).toEqual([...files.keys()].filter((name) => name !== 'packs/aa/1.tar.pgp'));
    await store.close();
  });

  test('what is no such file is refused', async () => {
    const text = join(root, 'notes.txt');
    writeFileSync(text, 'nothing of the kind');
    await expect(openStore(text)).rejects.toMatchObject({ code: 'vault', message: `${text} is neither a folder nor a .baluchon file` });
  });
});

describe('writing one', () => {
  test('gives the same bytes for the same files', async () => {
    const again = join(root, 'again.baluchon');
    expect(await writeTarFile(again, all())).toEqual({ files: files.size, bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0) });
    expect(readFileSync(again).equals(readFileSync(whole))).toBe(true);
  });

  test('bodies are given back once they are written, each once, and may be used again at once', async () => {
    const again = join(root, 'given-back');
    const given: string[] = [];
    async function* lent(): AsyncGenerator<{ name: string; body: Buffer; giveBack(): void }> {
      for await (const { name, body } of all()) {
        const own = Buffer.allocUnsafeSlow(body.length);
        own.set(body);
        yield { name, body: own, giveBack: () => void (given.push(name), own.fill(0xee)) };
      }
    }
    await writeTarFile(again, lent());
    expect(readFileSync(again).equals(readFileSync(whole))).toBe(true);
    expect(given).toEqual([...files.keys()]);
  });

  test('what fails on the way leaves nothing, and is told as it was', async () => {
    const folder = mkdtempSync(join(root, 'f'));
    async function* broken(): AsyncGenerator<{ name: string; body: Buffer }> {
      yield { name: 'a', body: randomBytes(200_000) };
      throw new BaluchonError('vault', 'damaged: b');
    }
    await expect(writeTarFile(join(folder, 'x'), broken())).rejects.toMatchObject({ code: 'vault', message: 'damaged: b' });
    await expect(writeTarFile(join(folder, 'no/x'), all())).rejects.toMatchObject({ code: 'store', message: expect.stringContaining('no such folder') });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a place that takes no more bytes: a store error that says so, and nothing half-written', () => {
    const folder = mkdtempSync(join(root, 'f'));
    const program = `
      import { writeTarFile } from ${JSON.stringify(new URL('../../src/store/write-tarfile.ts', import.meta.url).href)};
      async function* files() { for (let at = 0; at < 50; at++) yield { name: 'packs/' + at, body: Buffer.alloc(300_000) }; }
      await writeTarFile(${JSON.stringify(join(folder, 'x'))}, files()).catch((error) => console.log(error.code, error.message));`;
    const limited = spawnSync('sh', ['-c', `trap '' XFSZ; ulimit -f 1024; exec "$0" --input-type=module -e "$1"`, process.execPath, program]);
    expect(String(limited.stdout)).toBe(`store can't write ${join(folder, 'x')}: too large for this file system\n`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('interrupted: nothing is left', async () => {
    const folder = mkdtempSync(join(root, 'f'));
    const controller = new AbortController();
    async function* slow(): AsyncGenerator<{ name: string; body: Buffer }> {
      for (let at = 0; ; at++) {
        if (at === 3) controller.abort();
        yield { name: `packs/${at}`, body: Buffer.alloc(100_000) };
      }
    }
    await expect(writeTarFile(join(folder, 'x'), slow(), controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('interrupted while it waits for a file: it waits no longer than for that', async () => {
    const folder = mkdtempSync(join(root, 'f'));
    const controller = new AbortController();
    const asked: string[] = [];
    async function* slow(): AsyncGenerator<{ name: string; body: Buffer }> {
      for (const name of ['a', 'b', 'c']) {
        asked.push(name);
        if (name === 'b') setTimeout(() => controller.abort(), 20);
        if (name !== 'a') await new Promise((resolve) => setTimeout(resolve, 200));
        yield { name, body: Buffer.alloc(100_000) };
      }
    }
    await expect(writeTarFile(join(folder, 'x'), slow(), controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(asked).toEqual(['a', 'b']);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a name that is taken is refused, and the file stays', async () => {
    const before = readFileSync(whole);
    await expect(writeTarFile(whole, all())).rejects.toMatchObject({ code: 'usage' });
    expect(readFileSync(whole).equals(before)).toBe(true);
  });
});
