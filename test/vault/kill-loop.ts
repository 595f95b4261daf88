import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { generateIdentity } from '../../src/keys/index.ts';
import { openStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';
import { about, contents, noise, source } from './kit.ts';

export const diskSize = 1_200_000;

/**
 * What dies: exports, forgets, prunes, repacks and copies, one after the other, chosen at random, told line by line: what was
 * committed once it was, what is forgotten before it is.
 */
const program = (root: string, copy: string, identity: string, src: string) => `
  import { openStore } from ${JSON.stringify(`${src}/store/index.ts`)};
  import { copyVault, openVault, pruneVault } from ${JSON.stringify(`${src}/vault/index.ts`)};
  import { createHash } from 'node:crypto';
  import { writeSync } from 'node:fs';
  const say = (line) => writeSync(1, line + '\\n');
  const store = await openStore(${JSON.stringify(root)});
  const copy = await openStore(${JSON.stringify(copy)});
  const vault = await openVault(store, { identity: ${JSON.stringify(identity)} });
  const noise = (length, seed) => Buffer.concat(Array.from({ length: Math.ceil(length / 64) }, (_, count) => createHash('sha512').update(seed + ' ' + count).digest())).subarray(0, length);
  say('ready');
  for (;;) {
    const dice = Math.random();
    if (dice < 0.45) {
      const seed = String(Math.floor(Math.random() * 40));
      const bytes = noise(${diskSize}, seed);
      const writer = await vault.begin();
      await writer.addDisk({ size: bytes.length, async *extents() { yield { offset: 0, length: bytes.length }; }, async read(offset, into) { bytes.copy(into, 0, offset); }, async close() {} }, ${JSON.stringify(about('volume-1', diskSize))});
      const { id } = await writer.commit({ source: ${JSON.stringify(source)}, documents: [], notes: { seed } });
      say('committed ' + seed);
    } else if (dice < 0.6) {
      const all = await vault.list();
      if (all.length < 3) continue;
      const { id } = all[Math.floor(Math.random() * all.length)];
      say('forgetting ' + (await vault.open(id)).notes.seed);
      await vault.forget([id]);
    } else if (dice < 0.8) await pruneVault(store, { grace: 0 });
    else if (dice < 0.85) await vault.repack();
    else await copyVault(store, copy);
    say('done');
  }
`;

/**
 * Kills it so many times and checks after each that both vaults are whole, what was committed and not forgotten is there, and reads as it
 * was written. Gives how often it was killed, and how many bundles were committed.
 */
export async function killLoop(root: string, copy: string, times: number, tell: (result: { killed: number; committed: number; problems: string[] }) => void = () => {}): Promise<{ killed: number; committed: number; problems: string[] }> {
  const key = await generateIdentity('owner');
  const owner = { identity: key.armor() };
  const store = await openStore(root);
  await createVault(store, { owners: [key.toPublic().armor()] });
  const script = `${root}.mjs`;
  writeFileSync(script, program(root, copy, key.armor(), new URL('../../src', import.meta.url).href));
  /** How many bundles with each contents there must be: a repack gives them other ids. */
  const alive = new Map<string, number>();
  const result = { killed: 0, committed: 0, problems: [] as string[] };
  for (let round = 0; round < times; round++) {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let complaint = '';
    child.stdout.on('data', (data: Buffer) => (said += data));
    child.stderr.on('data', (data: Buffer) => (complaint += data));
    const ended = once(child, 'close');
    while (!said.includes('ready') && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), ended]);
    // Some die while they open the vault, most in the middle of something.
    const late = round % 5 > 0 ? 'done' : 'ready';
    while (!said.includes(late) && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), ended]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 700));
    child.kill('SIGKILL');
    await ended;
    if (child.signalCode !== 'SIGKILL') result.problems.push(`round ${round}: it ended by itself: ${complaint}`);
    result.killed += 1;
    for (const [, what, seed] of said.matchAll(/^(committed|forgetting) (\w+)$/gm)) {
      alive.set(seed!, Math.max(0, (alive.get(seed!) ?? 0) + (what === 'committed' ? 1 : -1)));
      if (what === 'committed') result.committed += 1;
    }
    const vault = await openVault(store, owner);
    const full = round % 10 === 9 || round === times - 1;
    const checks = [...(await vault.verify({ readData: full })).problems, ...(await verifyWithoutKeys(store)).problems];
    const target = await openStore(copy);
    if (await target.stat('baluchon.yaml')) checks.push(...(await verifyWithoutKeys(target)).problems.map((problem) => `copy: ${problem}`));
    if (full) {
      const there = new Map<string, number>();
      for (const { id } of await vault.list()) {
        const bundle = await vault.open(id);
        const seed = bundle.notes['seed'] as string;
        there.set(seed, (there.get(seed) ?? 0) + 1);
        if (!(await contents(await bundle.disk('volume-1'))).equals(noise(diskSize, seed))) checks.push(`bundle ${id} reads otherwise`);
      }
      for (const [seed, count] of alive) if ((there.get(seed) ?? 0) < count) checks.push(`${count} bundles ${seed} were committed, ${there.get(seed) ?? 0} are there`);
    }
    result.problems.push(...checks.map((problem) => `round ${round}: ${problem} (${said.trim().split('\n').at(-1)})`));
    tell(result);
  }
  return result;
}
