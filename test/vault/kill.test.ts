import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateIdentity } from '../../src/keys/index.ts';
import { openStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { about, contents, disk, folder, noise, source } from './kit.ts';

const seedSize = 3_000_000;

/** Makes bundle after bundle, each with some old and some new data, and says the id of each that is committed. */
const program = (root: string, identity: string, src: string) => `
  import { openStore } from ${JSON.stringify(`${src}/store/index.ts`)};
  import { openVault } from ${JSON.stringify(`${src}/vault/index.ts`)};
  import { createHash } from 'node:crypto';
  const vault = await openVault(await openStore(${JSON.stringify(root)}), { identity: ${JSON.stringify(identity)} });
  const noise = (length, seed) => Buffer.concat(Array.from({ length: Math.ceil(length / 64) }, (_, count) => createHash('sha512').update(seed + ' ' + count).digest())).subarray(0, length);
  console.log('ready');
  for (;;) {
    const seed = String(Math.random());
    const bytes = noise(${seedSize}, seed);
    const writer = await vault.begin();
    await writer.addDisk({ size: bytes.length, async *extents() { yield { offset: 0, length: bytes.length }; }, async read(offset, into) { bytes.copy(into, 0, offset); }, async close() {} }, ${JSON.stringify(about('volume-1', seedSize))});
    const { id } = await writer.commit({ source: ${JSON.stringify(source)}, documents: [], notes: { seed } });
    console.log('committed ' + id);
  }
`;

test('a writer killed at any moment loses nothing that was committed, and the vault goes on', async () => {
  const root = join(folder(), 'vault');
  const store = await openStore(root);
  const key = await generateIdentity('owner');
  await createVault(store, { owners: [key.toPublic().armor()] });
  const src = new URL('../../src', import.meta.url).href;
  const committed: string[] = [];
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program(root, key.armor(), src)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data));
    while (!said.includes('committed')) await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(([code]) => expect(code).toBe('alive'))]);
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 250));
    child.kill('SIGKILL');
    await once(child, 'close');
    committed.push(...[...said.matchAll(/committed (\w+)/g)].map((match) => match[1]!));
  }
  const vault = await openVault(store, { identity: key.armor() });
  const { problems } = await vault.verify({ readData: true });
  expect(problems).toEqual([]);
  const there = (await vault.list()).map(({ id }) => id);
  expect(there).toEqual(expect.arrayContaining(committed));
  for (const id of there) {
    const bundle = await vault.open(id);
    expect((await contents(await bundle.disk('volume-1'))).equals(noise(seedSize, bundle.notes['seed'] as string))).toBe(true);
  }
  // Half-written files have names of their own, and nothing looks at them.
  const writer = await vault.begin();
  await writer.addDisk(disk(noise(1000, 1)), about('volume-1', 1000));
  await writer.commit({ source, documents: [] });
  expect(await vault.list()).toHaveLength(there.length + 1);
  expect(readdirSync(root, { recursive: true }).length).toBeGreaterThan(there.length);
});
