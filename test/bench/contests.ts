import { join } from 'node:path';
import { have } from './measure.ts';

export interface Step {
  /** Steps of one name are compared with each other. */
  name: string;
  argv: string[];
  env?: Record<string, string>;
  /** After it: a folder whose size is noted, or a file that must equal another. */
  size?: string;
  equal?: [string, string];
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
  contestants: Contestant[];
}

export interface Places {
  /** An empty folder for each contestant's run. */
  work: string;
  v1: string;
  v2: string;
  /** v1 as qcow2, plain and compressed. */
  qcow2: string;
  compressed: string;
}

const task = new URL('task.ts', import.meta.url).pathname;

function ours(name: string, ...args: string[]): string[] {
  return [process.execPath, task, name, ...args];
}

function needs(tool: string, name = tool): string | undefined {
  return have(tool) ? undefined : name;
}

export function contests({ work, v1, v2, qcow2, compressed }: Places): Contest[] {
  const out = join(work, 'out');
  const repo = join(work, 'repo');
  const qemu = needs('qemu-img', 'qemu-utils');
  const convert = (name: string, from: string, format: string): Step => ({ name, argv: ['qemu-img', 'convert', '-O', format, from, out] });
  const restic = { RESTIC_PASSWORD: 'bench', RESTIC_REPOSITORY: repo, RESTIC_CACHE_DIR: join(work, 'cache') };
  const borg = { BORG_PASSPHRASE: 'bench', BORG_REPO: repo, BORG_BASE_DIR: join(work, 'cache') };
  const chunker = ['--chunker-params', 'fixed,4194304'];
  // Borg and restic restore under the name the file had.
  const borgOut = `mkdir -p ${out}.d && cd ${out}.d && borg extract --sparse ::v2`;
  return [
    {
      title: 'Disk images',
      contestants: [
        {
          name: 'baluchon',
          missing: qemu,
          prepare: [],
          steps: [
            { name: 'raw, scanned for data', argv: ours('scan', v1) },
            { name: 'qcow2 to raw', argv: ours('raw', qcow2, out), equal: [out, v1] },
            { name: 'compressed qcow2 to raw', argv: ours('raw', compressed, out), equal: [out, v1] },
            { name: 'raw to qcow2', argv: ours('qcow2', v1, out) },
          ],
        },
        { name: 'cat', prepare: [], steps: [{ name: 'raw, scanned for data', argv: ['sh', '-c', `cat ${v1} | wc -c`] }] },
        {
          name: 'qemu-img convert',
          missing: qemu,
          prepare: [],
          steps: [convert('qcow2 to raw', qcow2, 'raw'), convert('compressed qcow2 to raw', compressed, 'raw'), convert('raw to qcow2', v1, 'qcow2')],
        },
      ],
    },
    {
      title: 'Vault',
      contestants: [
        {
          name: 'baluchon',
          prepare: [{ name: 'init', argv: ours('init', repo) }],
          steps: [
            { name: 'first backup', argv: ours('backup', repo, v1), size: repo },
            { name: 'second backup', argv: ours('backup', repo, v2), size: repo },
            { name: 'restore', argv: ours('restore', repo, out), equal: [out, v2] },
          ],
        },
        {
          name: 'restic',
          missing: needs('restic'),
          prepare: [{ name: 'init', argv: ['restic', 'init'], env: restic }],
          steps: [
            { name: 'first backup', argv: ['sh', '-c', `restic backup --stdin --stdin-filename disk < ${v1}`], env: restic, size: repo },
            { name: 'second backup', argv: ['sh', '-c', `restic backup --stdin --stdin-filename disk < ${v2}`], env: restic, size: repo },
            { name: 'restore', argv: ['restic', 'restore', 'latest', '--target', `${out}.d`], env: restic, equal: [join(`${out}.d`, 'disk'), v2] },
          ],
        },
        {
          name: 'borg',
          missing: needs('borg', 'borgbackup'),
          prepare: [{ name: 'init', argv: ['borg', 'init', '-e', 'repokey'], env: borg }],
          steps: [
            { name: 'first backup', argv: ['sh', '-c', `borg create -C zstd,3 ${chunker.join(' ')} --stdin-name disk ::v1 - < ${v1}`], env: borg, size: repo },
            { name: 'second backup', argv: ['sh', '-c', `borg create -C zstd,3 ${chunker.join(' ')} --stdin-name disk ::v2 - < ${v2}`], env: borg, size: repo },
            { name: 'restore', argv: ['sh', '-c', borgOut], env: borg, equal: [join(`${out}.d`, 'disk'), v2] },
          ],
        },
      ],
    },
  ];
}
