import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { openRaw } from '../../src/disk/raw.ts';
import { findTemporaries, readTenant } from '../../src/export/index.ts';
import type { ExportReport } from '../../src/export/types.ts';
import { isForeign } from '../../src/kinds/index.ts';
import type { ImportReport, Plan } from '../../src/import/types.ts';
import type { Difference } from '../../src/tenant/diff.ts';
import { needs } from '../tools.ts';
import { baluchon } from './command.ts';

export interface Journey {
  /** Names in the clouds.yaml that `config` leads to. */
  source: string;
  target: string;
  config(): string;
  /** What must be so before and after; both see the folder with the vault. */
  before?(): Promise<void>;
  /** The proof that the project lives on the target. */
  alive?(context: { addresses: ImportReport['addresses'] }): void;
}

const run = promisify(execFile);

/** MiB that a command may take, however large the disks are. */
const mostMemory = 256;

/** Whether two sparse files read the same: whatever either holds is compared, holes common to both are not read. */
async function sameBytes(left: string, right: string): Promise<boolean> {
  const [a, b] = [await openRaw(left), await openRaw(right)];
  try {
    if (a.size !== b.size) return false;
    const [mine, theirs] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)];
    for (const disk of [a, b]) {
      for await (const { offset, length } of disk.extents()) {
        for (let at = offset; at < offset + length; at += mine.length) {
          const part = Math.min(mine.length, offset + length - at);
          await Promise.all([a.read(at, mine.subarray(0, part)), b.read(at, theirs.subarray(0, part))]);
          if (!mine.subarray(0, part).equals(theirs.subarray(0, part))) return false;
        }
      }
    }
    return true;
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** The tenant `miop` taken out of one cloud and made on another with the commands a user types; the same on every pair of clouds. */
export function journey(name: string, { source, target, config, before, alive }: Journey): void {
  describe(name, () => {
    let folder = '';
    const env = () => ({ OS_CLIENT_CONFIG_FILE: config(), BALUCHON_PASSPHRASE_FILE: join(folder, 'pw'), XDG_STATE_HOME: join(folder, 'state') });
    const type = (...args: string[]) => baluchon(args, { cwd: folder, env: env() });
    const asJson = async <T>(...args: string[]): Promise<T & { code: number; peak: number }> => {
      const { code, stdout, stderr, peak } = await type(...args, '--json');
      expect(stdout, stderr).toMatch(/^[[{]/);
      const result = JSON.parse(stdout) as T & { error?: unknown };
      expect(result.error, args.join(' ')).toBeUndefined();
      return { ...result, code, peak };
    };
    const open = async (cloud: string) => connect({ cloud, env: { ...process.env, ...env() } });
    const tenant = async (cloud: string) => {
      const session = await open(cloud);
      try {
        const { documents } = await readTenant(session);
        return { documents: documents.filter((document) => !isForeign(document)), temporaries: await findTemporaries(session) };
      } finally {
        await session.close();
      }
    };
    let exported: ExportReport & { code: number; peak: number };
    let imported: ImportReport & { code: number; peak: number };
    const context = { addresses: [] as ImportReport['addresses'] };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'baluchon-journey-'));
      await writeFile(join(folder, 'pw'), 'a passphrase of the journey\n');
      await before?.();
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('init makes a vault, and never a second one in its place', async () => {
      expect(await type('init', './vault')).toMatchObject({ code: 0 });
      const again = await type('init', './vault');
      expect(again).toMatchObject({ code: 2, stdout: '' });
      expect(again.stderr).toMatch(/^baluchon: .*vault/);
    });

    it('export packs the whole project, every disk of it, and leaves nothing on the cloud', async () => {
      exported = await asJson<ExportReport>('export', './vault', '--os-cloud', source);
      expect(exported.notes.filter(({ verdict }) => verdict === 'lost')).toEqual([]);
      expect(exported.code).toBe(0);
      expect(exported.peak).toBeLessThan(mostMemory);
      expect(exported.disks.map(({ name }) => name).sort()).toEqual(['haproxy', 'mysql-primary', 'mysql-standby', 'mysql-storage', 'php-1', 'php-snapshot', 'wiki-root']);
      expect(exported.disks.every(({ size, data }) => size > 0 && data > 0 && data < size)).toBe(true);
      expect((await tenant(source)).temporaries).toEqual([]);
    });

    it('an unchanged project costs kilobytes the second time, but for what its guests wrote', async () => {
      const again = await asJson<ExportReport>('export', './vault', '--os-cloud', source, '--only', 'image');
      expect(again.code).toBe(0);
      expect(again.disks.every(({ new_bytes }) => new_bytes === 0)).toBe(true);
      expect(again.bundle.added_bytes).toBeLessThan(64 << 10);
    });

    it('nothing of the project can be read in the vault', async () => {
      const clear = ['mysql', 'haproxy', 'miop-net', '10.1.0.', 'demo', source];
      for (const entry of await readdir(join(folder, 'vault'), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const bytes = await readFile(join(entry.parentPath, entry.name), 'latin1');
        // Chance alone writes four given letters somewhere into 17 MiB of ciphertext once in 250 times.
        const words = entry.name.endsWith('.pgp') ? clear.filter(({ length }) => length > 4) : clear;
        for (const word of words) expect(`${entry.name} ${bytes}`.includes(word) ? `${entry.name} tells ${word}` : '').toBe('');
      }
    });

    it('show draws the topology as a tree', async () => {
      const { code, stdout } = await type('show', `./vault@${exported.bundle.id}`);
      expect(code).toBe(0);
      for (const word of ['miop-net', 'mysql-storage', '10.1.0.11', 'db-spread', 'tcp 3306 from web']) expect(stdout).toContain(word);
    });

    it('a wrong passphrase is told as that, and nothing more', async () => {
      await writeFile(join(folder, 'wrong'), 'not it\n');
      expect(await type('show', './vault', '--passphrase-file', 'wrong')).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(/^baluchon: wrong passphrase or key\n/) });
    });

    it('map guesses what stands for what', async () => {
      const { code, stdout } = await type('map', `./vault@${exported.bundle.id}`, '--os-cloud', target);
      expect(code).toBe(0);
      expect(stdout).toMatch(/m1\.nano: b2\.xs/);
      expect(stdout).toMatch(/ext-net: public/);
      await writeFile(join(folder, 'map.yaml'), stdout);
    });

    it('a mapping that names what does not exist is refused line by line before anything is made', async () => {
      await writeFile(join(folder, 'bad.yaml'), 'flavors: {m1.nano: huge, m9: b2.xs}\nnetworks: {ext-net: nowhere}\nvolume_types: {classic: golden}\n');
      const refused = await type('import', `./vault@${exported.bundle.id}`, '--os-cloud', target, '--map', 'bad.yaml', '--yes');
      expect(refused.code).toBe(2);
      for (const word of ['"huge"', '"m9"', '"nowhere"', '"golden"']) expect(refused.stderr).toContain(word);
      expect((await tenant(target)).documents.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['security-group default']);
    });

    it('plan touches nothing and tells what an import will do', async () => {
      const plan = await asJson<Plan>('plan', `./vault@${exported.bundle.id}`, '--os-cloud', target, '--map', 'map.yaml');
      expect(plan.code).toBe(0);
      expect(plan.actions.filter(({ action }) => action === 'conflict')).toEqual([]);
      expect(plan.quota.every(({ fits }) => fits)).toBe(true);
      expect((await tenant(target)).documents.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['security-group default']);
    });

    it('import makes the project on the other cloud and leaves nothing temporary', async () => {
      imported = await asJson<ImportReport>('import', `./vault@${exported.bundle.id}`, '--os-cloud', target, '--map', 'map.yaml', '--yes');
      expect([...imported.failed, ...imported.blocked]).toEqual([]);
      expect(imported.peak).toBeLessThan(mostMemory);
      // The one described snapshot is lost, as the plan foretold; nothing else is.
      expect(imported.fidelity.filter(({ verdict }) => verdict === 'lost' || verdict === 'degraded').map(({ kind, attribute }) => [kind, attribute])).toEqual([['volume-snapshot', undefined]]);
      expect(imported.addresses).toEqual([{ from: expect.stringMatching(/^198\.51\.100\./), to: expect.stringMatching(/^203\.0\.113\./), server: 'haproxy' }]);
      context.addresses = imported.addresses;
      expect((await tenant(target)).temporaries).toEqual([]);
    });

    it('addresses inside are kept, MACs too', async () => {
      const ports = async (cloud: string) =>
        (await tenant(cloud)).documents
          .filter(({ kind }) => kind === 'port')
          .map(({ params }) => `${(params.fixed_ips as { ip_address: string }[])[0]?.ip_address} ${params.mac_address}`)
          .sort();
      expect(await ports(target)).toEqual(await ports(source));
    });

    it('the same import again makes nothing', async () => {
      const again = await asJson<ImportReport>('import', `./vault@${exported.bundle.id}`, '--os-cloud', target, '--map', 'map.yaml', '--yes');
      expect(again.created).toEqual([]);
      expect(again.plan.actions.filter(({ action }) => action === 'create' || action === 'update')).toEqual([]);
    });

    const mappedOnly = (differences: Difference[]) =>
      differences.map(({ kind, attribute, left, right }) => `${kind} ${attribute ?? (right === undefined ? 'only here' : left === undefined ? 'only there' : '')}`);
    const expected = new Set(['floating-ip /floating_network_id', 'router /gateway/network_id', 'server /flavor', 'volume /volume_type', 'volume-snapshot only here']);

    it('diff tells nothing but what the mapping changed', async () => {
      const { differences, code } = await asJson<{ differences: Difference[] }>('diff', `./vault@${exported.bundle.id}`, `cloud:${target}`);
      expect(code).toBe(1);
      expect(mappedOnly(differences).filter((line) => !expected.has(line))).toEqual([]);
      expect(new Set(mappedOnly(differences))).toEqual(expected);
    });

    alive?.(context);

    it('the project packed again from there equals the first bundle but for the mapping', async () => {
      const again = await asJson<ExportReport>('export', './vault', '--os-cloud', target);
      expect(again.code).toBe(0);
      const { differences } = await asJson<{ differences: Difference[] }>('diff', `./vault@${exported.bundle.id}`, `./vault@${again.bundle.id}`);
      expect(mappedOnly(differences).filter((line) => !expected.has(line) && !line.endsWith(' disk'))).toEqual([]);
      expect((await tenant(target)).temporaries).toEqual([]);
    });

    describe('recover.sh', () => {
      needs('gpg', 'tar', 'zstd', 'awk');

      it('gives back the same bytes as extract, without this program', async () => {
        expect(await type('extract', `./vault@${exported.bundle.id}`, '-o', './extracted', '--disk-format', 'raw')).toMatchObject({ code: 0 });
        await run('sh', ['recover.sh', '--passphrase-file', join(folder, 'pw'), '--bundle', exported.bundle.id, join(folder, 'recovered')], { cwd: join(folder, 'vault') });
        await run('diff', ['-r', join(folder, 'extracted', 'documents'), join(folder, 'recovered', 'documents')]);
        const disks = await readdir(join(folder, 'recovered', 'disks'));
        expect(disks.sort()).toEqual(exported.disks.map(({ id }) => `${id}.raw`).sort());
        for (const name of disks) expect(await sameBytes(join(folder, 'extracted', 'disks', name), join(folder, 'recovered', 'disks', name)), name).toBe(true);
      }, 300_000);
    });

    it('verify finds every byte as it was written', async () => {
      expect(await type('verify', './vault', '--read-data')).toMatchObject({ code: 0 });
    });
  });
}
