import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { parsePaperKey, unseal } from '../../src/keys/index.ts';
import { memoryStore, openStore } from '../../src/store/index.ts';
import { openVault } from '../../src/vault/index.ts';
import { parseSlot } from '../../src/vault/secrets.ts';
import { verifyWithoutKeys } from '../../src/vault/verify-keyless.ts';

vi.setConfig({ testTimeout: 90_000 });

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const whole = new Map<string, Uint8Array>();
/** The key behind the paper, opened once. */
let owner: { identity: string };

beforeAll(async () => {
  const store = await openStore(fixture('vault-2'));
  for await (const { name } of store.list('')) whole.set(name, await store.get(name));
  const passphrase = parsePaperKey(readFileSync(fixture('vault-2.paper.txt'), 'utf8'));
  for (const [name, body] of whole) {
    const text = name.startsWith('keys/pass-') ? await unseal(body, { passphrase }) : undefined;
    if (text) owner = { identity: (await parseSlot(text, name)).key.armor() };
  }
});

async function problems(change: (files: Map<string, Uint8Array>) => void): Promise<string> {
  const store = memoryStore('vault');
  for (const [name, body] of whole) store.files.set(name, Uint8Array.from(body));
  change(store.files);
  const keyed = await openVault(store, owner).then(
    async (vault) => (await vault.verify({})).problems,
    (error: BaluchonError) => [error.message],
  );
  const keyless = await verifyWithoutKeys(store).then(({ problems: all }) => all, (error: BaluchonError) => [error.message]);
  // One of its bundles is by a writer who was removed: that is told of the whole one too.
  const said = [...keyed, ...keyless];
  return said.filter((line) => !line.includes('who was removed as a writer')).join('\n');
}
const kindOf = (name: string) => name.replace(/[0-9a-f]{32,}/g, '#').replace(/[0-9A-F]{40}/g, '@').replace(/packs\/..\//, 'packs/').replace(/[0-9]{8}T[0-9]{6}Z/, 'T').replace(/(pass|roster|epoch)-[0-9]+/, '$1-N');
/** A file by its name, or by what is known of a name that holds a digest. */
const named = (name: string) => name.replace(/\.[0-9a-f]{64}\.pgp$/, '.');

test('a whole vault with two epochs, writers, a paper key and three rosters has no problems but the bundle of a writer who was removed', async () => {
  expect(await problems(() => {})).toBe('');
  expect(new Set([...whole.keys()].map(kindOf)).size).toBeGreaterThan(11);
});

test.each<[string, (body: Uint8Array) => Uint8Array]>([
  ['a bit flipped in its middle', (body) => body.map((byte, at) => (at === body.length >> 1 ? byte ^ 1 : byte))],
  ['its end cut off', (body) => body.subarray(0, body.length - 3)],
])('every file of it with %s is named', async (_what, change) => {
  for (const [name, body] of whole) expect(await problems((files) => files.set(name, change(body))), name).toContain(named(name));
});

test('any two neighbours of a kind swapped: one of them is named', async () => {
  const kinds = Map.groupBy(whole.keys(), kindOf);
  let swapped = 0;
  for (const names of kinds.values()) {
    for (let at = 1; at < names.length; at++) {
      const [one, other] = [names[at - 1]!, names[at]!];
      const said = await problems((files) => files.set(one, whole.get(other)!).set(other, whole.get(one)!));
      expect(said.includes(named(one)) || said.includes(named(other)), `${one} <-> ${other}: ${said}`).toBe(true);
      swapped += 1;
    }
  }
  expect(swapped).toBeGreaterThan(10);
});
