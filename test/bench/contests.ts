import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { documentId } from '../../src/tenant/identity.ts';
import { flags } from '../flags.ts';
import { have } from './measure.ts';

export interface Step {
  /** Steps of one name are compared with each other. */
  name: string;
  argv: string[];
  env?: Record<string, string>;
  /** A shell's command that comes before it, and is not measured. */
  before?: string;
  /** After it: a folder whose size is noted, or pairs of files that must be equal. */
  size?: string;
  equal?: [string, string][];
}

export interface Contestant {
  name: string;
  /** The Debian package to install, where it is missing. */
  missing?: string | undefined;
  /** Not measured. */
  prepare: Step[];
  steps: Step[];
}

/** Contestants that do the same work; ratios are those of the first one (ours) to each other. */
export interface Contest {
  title: string;
  about: string;
  /** What we set out to reach: our figure at most so many times that of `than`. */
  goals?: { step: string; than: string; wall?: number; cpu?: number; growth?: number }[];
  contestants: Contestant[];
}

export interface Images {
  /** Folders with images of one set: the first version, and the second where there is one. */
  debian: [string, string];
  random: string;
  sparse: string;
  /** A raw image, the same as qcow2, plain and compressed. */
  raw: string;
  qcow2: string;
  compressed: string;
}

const root = new URL('../..', import.meta.url).pathname;
/** The program as it is installed: run.ts builds it. */
export const program = join(root, '.scratch/bench/program');
const baluchon = [process.execPath, ...flags, join(program, 'src/cli/start.mjs')];
/** What one restores was seldom written a minute ago. */
const cold = 'restore, nothing of the vault in the page cache';
const task = [process.execPath, join(root, 'test/bench/task.ts')];

function needs(tool: string, name = tool): string | undefined {
  return have(tool) ? undefined : name;
}

/** `work` is an empty folder for each contestant's run. */
export function contests(work: string, images: Images): Contest[] {
  const [v1, v2] = images.debian;
  const than = 'restic';
  return [
    vaults(work, 'Two Debian systems, then 2 % of their blocks changed', 'Two disks of 64 % data with much in common; the second backup takes them with 2 % of their blocks changed, scattered.', [v1, v2], [
      { step: 'first backup', than, wall: 0.6, cpu: 0.5 },
      { step: 'second backup', than, wall: 0.3, cpu: 0.3, growth: 0.36 },
      { step: 'restore', than, wall: 0.7 },
      { step: cold, than, wall: 0.7 },
      { step: 'verify all data', than, wall: 1 },
    ]),
    vaults(work, 'Data that does not compress', 'One image of random bytes.', [images.random]),
    vaults(work, 'A sparse disk', 'One image with a sixteenth of data in scattered runs.', [images.sparse]),
    formats(work, images),
  ];
}

function vaults(work: string, title: string, about: string, versions: string[], goals: Contest['goals'] = []): Contest {
  const out = join(work, 'out');
  const repo = join(work, 'repo');
  const passphrase = join(work, 'passphrase');
  const last = versions.at(-1)!;
  const files = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.raw')).sort();
  const inside = (folder: string, command: string) => ['sh', '-c', `cd ${folder} && ${command}`];
  const ordinals = ['first', 'second'];
  const restored = (path: (name: string) => string) => files(last).map((name): [string, string] => [path(name), join(last, name)]);
  const key = ['--passphrase-file', passphrase];
  // All find the images in the page cache, whoever was there before.
  const warm: Step = { name: 'warm', argv: ['sh', '-c', `cat ${versions.flatMap((folder) => files(folder).map((name) => join(folder, name))).join(' ')} > /dev/null`] };
  const exported = (folder: string) => [...baluchon, 'export', repo, ...key, ...files(folder).flatMap((name) => ['--disk', `${name.slice(0, -4)}=${join(folder, name)}`])];
  const restic = { RESTIC_PASSWORD: 'bench', RESTIC_REPOSITORY: repo, RESTIC_CACHE_DIR: join(work, 'cache') };
  const borg = { BORG_PASSPHRASE: 'bench', BORG_REPO: repo, BORG_BASE_DIR: join(work, 'cache') };
  const evicted = `rm -rf ${out} && sync && find ${repo} -type f -exec dd if={} iflag=nocache count=0 status=none ';'`;
  /** The same again, from the disk. */
  const restores = (step: Omit<Step, 'name'>): Step[] => [{ name: 'restore', ...step }, { name: cold, before: evicted, ...step }];
  // Ours and restic's compression is zstd's default; blocks of one size are what borg recommends for disks.
  const flags = '-C zstd,3 --chunker-params fixed,4194304 --sparse';
  return {
    title,
    about,
    goals,
    contestants: [
      {
        name: 'baluchon',
        prepare: [
          { name: 'passphrase', argv: ['sh', '-c', `echo bench > ${passphrase}`] },
          { name: 'init', argv: [...baluchon, 'init', repo, ...key] },
          warm,
        ],
        steps: [
          ...versions.map((folder, nth): Step => ({ name: `${ordinals[nth]} backup`, argv: exported(folder), size: repo })),
          { name: 'backup of the same again', argv: exported(last), size: repo },
          { name: 'list', argv: [...baluchon, 'list', repo, ...key] },
          ...restores({ argv: [...baluchon, 'extract', repo, '-o', out, ...key], equal: restored((name) => join(out, 'disks', `${documentId('volume', `file\0${name.slice(0, -4)}`)}.raw`)) }),
          { name: 'verify all data', argv: [...baluchon, 'verify', repo, '--read-data', ...key] },
        ],
      },
      {
        name: 'restic',
        missing: needs('restic'),
        prepare: [{ name: 'init', argv: ['restic', 'init'], env: restic }, warm],
        steps: [
          ...versions.map((folder, nth): Step => ({ name: `${ordinals[nth]} backup`, argv: inside(folder, 'restic backup .'), env: restic, size: repo })),
          { name: 'backup of the same again', argv: inside(last, 'restic backup --force .'), env: restic, size: repo },
          { name: 'list', argv: ['restic', 'snapshots'], env: restic },
          ...restores({ argv: ['restic', 'restore', 'latest', '--target', out], env: restic, equal: restored((name) => join(out, name)) }),
          { name: 'verify all data', argv: ['restic', 'check', '--read-data'], env: restic },
        ],
      },
      {
        name: 'borg',
        missing: needs('borg', 'borgbackup'),
        prepare: [{ name: 'init', argv: ['borg', 'init', '-e', 'repokey'], env: borg }, warm],
        steps: [
          ...versions.map((folder, nth): Step => ({ name: `${ordinals[nth]} backup`, argv: inside(folder, `borg create ${flags} ::v${nth} .`), env: borg, size: repo })),
          { name: 'backup of the same again', argv: inside(last, `borg create ${flags} --files-cache disabled ::again .`), env: borg, size: repo },
          { name: 'list', argv: ['borg', 'list'], env: borg },
          ...restores({ argv: ['sh', '-c', `mkdir -p ${out} && cd ${out} && borg extract --sparse ::again`], env: borg, equal: restored((name) => join(out, name)) }),
          { name: 'verify all data', argv: ['borg', 'check', '--verify-data'], env: borg },
        ],
      },
    ],
  };
}

function formats(work: string, { raw, qcow2, compressed }: Images): Contest {
  const out = join(work, 'out');
  const qemu = needs('qemu-img', 'qemu-utils');
  const convert = (name: string, from: string, format: string): Step => ({ name, argv: ['qemu-img', 'convert', '-O', format, from, out] });
  return {
    title: 'Image formats',
    about: 'One disk as raw and qcow2 files, without a vault.',
    contestants: [
      {
        name: 'baluchon',
        missing: qemu,
        prepare: [],
        steps: [
          { name: 'raw, scanned for data', argv: [...task, 'scan', raw] },
          { name: 'qcow2 to raw', argv: [...task, 'raw', qcow2, out], equal: [[out, raw]] },
          { name: 'compressed qcow2 to raw', argv: [...task, 'raw', compressed, out], equal: [[out, raw]] },
          { name: 'raw to qcow2', argv: [...task, 'qcow2', raw, out] },
        ],
      },
      { name: 'cat', prepare: [], steps: [{ name: 'raw, scanned for data', argv: ['sh', '-c', `cat ${raw} | wc -c`] }] },
      {
        name: 'qemu-img convert',
        missing: qemu,
        prepare: [],
        steps: [convert('qcow2 to raw', qcow2, 'raw'), convert('compressed qcow2 to raw', compressed, 'raw'), convert('raw to qcow2', raw, 'qcow2')],
      },
    ],
  };
}
