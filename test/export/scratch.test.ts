import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cloud } from '../../src/cloud/cloud.ts';
import { downloadImage } from '../../src/export/download.ts';
import { openScratch } from '../../src/export/scratch.ts';
import { gate, slots } from '../../src/export/slots.ts';

let parent: string;
beforeAll(async () => void (parent = await mkdtemp(join(tmpdir(), 'scratch-'))));
afterAll(() => rm(parent, { recursive: true }));

describe('the scratch folder', () => {
  test('is for its owner alone, and goes with all that is in it', async () => {
    const scratch = await openScratch(parent);
    await writeFile(join(scratch.path, 'disk'), 'x');
    expect((await import('node:fs')).statSync(scratch.path).mode & 0o777).toBe(0o700);
    await scratch.remove();
    expect(await readdir(parent)).toEqual([]);
  });

  test('of a process that was killed is swept by the next; one of the living, of another machine, or of anybody else stays', async () => {
    const living = await openScratch(parent);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const [killed, elsewhere] = [living.path.replace(String(process.pid), String(dead)), join(parent, `baluchon-scratch-${dead}-00000000-abc`)];
    for (const path of [killed, elsewhere, join(parent, 'baluchon-scratch-mine')]) await mkdir(path);
    await writeFile(join(killed, 'disk'), 'half of it');
    const next = await openScratch(parent);
    const left = (await readdir(parent)).map((name) => join(parent, name));
    expect(left.toSorted()).toEqual([living.path, elsewhere, join(parent, 'baluchon-scratch-mine'), next.path].toSorted());
    for (const path of left) await rm(path, { recursive: true });
  });

  test('that can\'t be made is a mistake that is told', async () => {
    await expect(openScratch(join(parent, 'nowhere'))).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('ENOENT'), hint: expect.stringContaining('--scratch') });
  });
});

describe('a downloaded image', () => {
  const bytes = Buffer.from('the bytes of an image');
  const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
  const glance = (about: object, body: () => AsyncIterable<Uint8Array> = async function* () {
    yield bytes.subarray(0, 5);
    yield bytes.subarray(5);
  }) => ({ service: async () => ({ get: async () => ({ disk_format: 'qcow2', size: bytes.length, checksum: null, ...about }), download: async () => ({ body: body() }) }) }) as unknown as Cloud;
  let path: string;
  let count = 0;
  beforeEach(() => void (path = join(parent, `image-${count++}`)));
  const gone = async () => expect(await readdir(parent)).not.toContain(path.split('/').pop());

  test.each<[string, object]>([
    ['of SHA-512', { os_hash_algo: 'sha512', os_hash_value: hash('sha512') }],
    ['of MD5 where there is no other', { checksum: hash('md5') }],
    ['of MD5 where the other is none we know', { os_hash_algo: 'whirlpool-9', os_hash_value: 'x', checksum: hash('md5') }],
    ['that the cloud does not tell', {}],
  ])('is whole when its digest is right: %s', async (_, about) => {
    expect(await downloadImage(glance(about), 'i', path, {})).toBe('qcow2');
    expect(await readFile(path)).toEqual(bytes);
  });

  test.each<[string, object, RegExp]>([
    ['another digest', { os_hash_algo: 'sha512', os_hash_value: hash('md5') }, /did not arrive as the cloud stores it \(sha512 differs\)/],
    ['another length', { size: 5 }, /21 bytes came where the cloud tells of 5/],
  ])('with %s is an error, and nothing of it is left', async (_, about, message) => {
    await expect(downloadImage(glance(about), 'i', path, {})).rejects.toMatchObject({ code: 'cloud', message: expect.stringMatching(message) });
    await gone();
  });

  test('gives the memory of its parts back, where it is theirs alone', async () => {
    const [own, shared] = [new Uint8Array(bytes.length - 5), Buffer.allocUnsafeSlow(10)];
    own.set(bytes.subarray(5));
    shared.set(bytes.subarray(0, 5));
    await downloadImage(glance({}, async function* () {
      yield shared.subarray(0, 5);
      yield own;
    }), 'i', path, {});
    expect([own.buffer.byteLength, shared.buffer.byteLength]).toEqual([0, 10]);
    expect(await readFile(path)).toEqual(bytes);
  });

  test('for which there is no room says where, and nothing of it is left', async () => {
    const full = glance({}, async function* () {
      yield bytes;
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    });
    await expect(downloadImage(full, 'i', path, {})).rejects.toMatchObject({ code: 'store', message: `the scratch folder is full: ${path}`, hint: expect.stringContaining('--scratch') });
    await gone();
  });
});

describe('slots', () => {
  test('let so many in at once, the others in order, also after one that fails', async () => {
    const run = slots(2);
    let [inside, most] = [0, 0];
    const order: number[] = [];
    const ended = await Promise.allSettled(Array.from({ length: 6 }, (_, at) => run(async () => {
      order.push(at);
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 2));
      inside -= 1;
      if (at % 2 === 0) throw new Error('no');
    })));
    expect([most, order]).toEqual([2, [0, 1, 2, 3, 4, 5]]);
    expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(3);
  });

  test('count one that leaves twice once', async () => {
    const enter = gate(1);
    const leave = await enter();
    leave();
    leave();
    await enter();
    const third = enter();
    expect(await Promise.race([third.then(() => 'in'), new Promise((done) => setTimeout(() => done('waits'), 10))])).toBe('waits');
  });
});
