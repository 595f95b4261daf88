import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Cloud } from '../../src/cloud/index.ts';
import type { Disk } from '../../src/disk/disk.ts';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';
import type { DiskDocument, Document } from '../../src/tenant/document.ts';
import type { BundleWriter, Source, Vault } from '../../src/vault/types.ts';

/** A vault that keeps digests of what it is given. `addDisk` replaces how it takes a disk. */
export function notedVault(addDisk: (disk: Disk, about: DiskDocument) => Promise<void> = async () => {}) {
  const noted = { disks: new Map<string, DiskDocument & { sha256: string }>(), committed: [] as { source: Source; documents: Document[]; notes?: object }[], aborted: 0, working: 0, workingAtAbort: 0 };
  const writer: BundleWriter = {
    async addDisk(disk, about) {
      noted.working += 1;
      try {
        await addDisk(disk, about);
        noted.disks.set(about.id, { ...about, sha256: await digestOf(disk) });
        return { size: disk.size, data: 0, new_bytes: 0, stored_bytes: 0 };
      } finally {
        noted.working -= 1;
      }
    },
    async commit(contents) {
      noted.committed.push(contents);
      return { id: 'abcd', created: '2026-11-21T12:00:00Z', source: contents.source, counts: {}, disk_bytes: 0, added_bytes: 0 };
    },
    async abort() {
      noted.aborted += 1;
      noted.workingAtAbort = noted.working;
    },
  };
  return { noted, vault: { begin: async () => writer } as unknown as Vault };
}

/** SHA-256 of what is not zero, with its places: equal for equal disks, and quick on sparse ones. */
export async function digestOf(disk: Pick<Disk, 'size' | 'extents' | 'read'>): Promise<string> {
  const digest = createHash('sha256').update(String(disk.size));
  const [block, zeros] = [Buffer.alloc(65_536), Buffer.alloc(65_536)];
  for await (const { offset, length } of disk.extents()) {
    for (let at = Math.floor(offset / block.length) * block.length; at < offset + length; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, disk.size - at));
      await disk.read(at, part);
      if (!part.equals(zeros.subarray(0, part.length))) digest.update(`${at} `).update(part);
    }
  }
  return digest.digest('hex');
}

/** A simulated cloud in a hurry, a session on it and a scratch folder; all go at the end. */
export async function withCloud(options: SandboxOptions, work: (place: { sandbox: Sandbox; cloud: Cloud; scratch: string }) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ pace: 0.2, ...options });
  const scratch = await mkdtemp(join(tmpdir(), 'scratch-test-'));
  const cloud = await connect({ env: sandbox.env(), patience: { base: 10, most: 50 } });
  try {
    await work({ sandbox, cloud, scratch });
  } finally {
    await cloud.close();
    await sandbox.close();
    await rm(scratch, { recursive: true });
  }
}

/** What must be so after every export, however it ended. */
export async function residue({ sandbox, scratch }: { sandbox: Sandbox; scratch: string }): Promise<string[]> {
  return [...sandbox.leftovers('baluchon-tmp-'), ...sandbox.leftovers('snapshot for baluchon-tmp-'), ...(await readdir(scratch))];
}
