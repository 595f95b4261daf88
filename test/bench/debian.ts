import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { change } from './images.ts';

const MiB = 1 << 20;
const names = ['a', 'b'] as const;

interface Found {
  path: string;
  size: number;
}

/**
 * Disks of two Debian systems, 64 % full, that have three fifths of their files in common at the same place: ext4 made by
 * mke2fs of files under /usr, taken in the order of their names' digests; `v2` are the same with 2 % of their blocks changed,
 * scattered. What is random in a file system is fixed: only the time of the files' last change of state differs from one making
 * to the next. Two folders with `a.raw` and `b.raw`, kept from run to run.
 */
export async function debianSystems(folder: string, mebibytes: number): Promise<{ v1: string; v2: string }> {
  const place = join(folder, `debian-${mebibytes}`);
  const path = (name: string, version: string) => join(place, version, `${name}.raw`);
  for (const version of ['v1', 'v2']) await mkdir(join(place, version), { recursive: true });
  if (!existsSync(path('b', 'v1'))) await make(place, (name) => join(place, name === 'base' ? 'base.raw' : `v1/${name}.raw`), mebibytes);
  for (const name of names) {
    if (existsSync(path(name, 'v2'))) continue;
    await copyFile(path(name, 'v1'), `${path(name, 'v2')}.partial`, constants.COPYFILE_FICLONE);
    const file = await open(`${path(name, 'v2')}.partial`, 'r+');
    await change(file, mebibytes * MiB, name).finally(() => file.close());
    await rename(`${path(name, 'v2')}.partial`, path(name, 'v2'));
  }
  return { v1: join(place, 'v1'), v2: join(place, 'v2') };
}

async function make(place: string, path: (name: string) => string, mebibytes: number): Promise<void> {
  const files = await filesUnder('/usr');
  const take = (bytes: number): Found[] => {
    const taken: Found[] = [];
    for (let sum = 0; sum < bytes; ) {
      const next = files.pop();
      if (!next) throw new Error(`the files under /usr do not suffice for disks of ${mebibytes} MiB: give a smaller --size`);
      taken.push(next);
      sum += Math.ceil(next.size / 4096) * 4096;
    }
    return taken;
  };
  const full = mebibytes * MiB * 0.58;
  const tree = join(place, 'tree');
  await rm(tree, { recursive: true, force: true });
  await plant(tree, take(full * 0.6));
  const base = path('base');
  run('truncate', ['-s', `${mebibytes}M`, base]);
  run('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-U', '00000000-0000-4000-8000-000000000001', '-E', 'hash_seed=00000000-0000-4000-8000-000000000002,lazy_itable_init=0', '-d', tree, base]);
  await rm(tree, { recursive: true });
  for (const name of names) {
    run('cp', ['--sparse=always', base, `${path(name)}.partial`]);
    const script = join(place, 'debugfs');
    const commands = take(full * 0.4).map(({ path: from }, at) => `${at % 500 === 0 ? `mkdir /own-${at}\ncd /own-${at}\n` : ''}write ${from} f${at}\n`);
    await writeFile(script, commands.join(''));
    run('debugfs', ['-w', '-f', script, `${path(name)}.partial`]);
    await rm(script);
    await rename(`${path(name)}.partial`, path(name));
  }
  await rm(base);
}

async function filesUnder(root: string): Promise<Found[]> {
  const found: (Found & { digest: string })[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith('/usr/local/') || !/^[\w./+@:~-]+$/.test(path)) continue;
    const { size } = await stat(path);
    if (size > 0 && size < 64 * MiB) found.push({ path, size, digest: createHash('sha256').update(path).digest('hex') });
  }
  return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Links where the file system allows, copies elsewhere. */
async function plant(tree: string, files: Found[]): Promise<void> {
  for (const { path } of files) {
    const to = join(tree, path);
    await mkdir(join(to, '..'), { recursive: true });
    await link(path, to).catch(() => copyFile(path, to));
  }
}

function run(command: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, E2FSPROGS_FAKE_TIME: '1000000000', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
}
