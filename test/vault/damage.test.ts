import { beforeAll, describe, expect, test } from 'vitest';
import { BaluchonError } from '../../src/errors.ts';
import { generateIdentity } from '../../src/keys/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { about, chunk, contents, disk, documents, noise, prose, source } from './kit.ts';

type Files = Map<string, Uint8Array>;
let whole: Files;
/** A key of its own opens much faster than a passphrase. */
let owner: { identity: string };
const first = Buffer.concat([prose(chunk * 2, 1), Buffer.alloc(chunk), noise(1000, 2)]);
const second = Buffer.concat([prose(chunk, 3), first.subarray(chunk)]);

beforeAll(async () => {
  const store = memoryStore('vault');
  const key = await generateIdentity('owner');
  owner = { identity: key.armor() };
  await createVault(store, { passphrases: ['pw', 'spare'], owners: [key.toPublic().armor()] });
  const vault = await openVault(store, owner);
  for (const bytes of [first, second]) {
    const writer = await vault.begin();
    await writer.addDisk(disk(bytes), about('volume-1', bytes.length));
    await writer.commit({ source, documents: documents(3) });
  }
  whole = new Map(store.files);
});

function damaged(change: (files: Files) => void): ReturnType<typeof memoryStore> {
  const store = memoryStore('vault');
  for (const [name, body] of whole) store.files.set(name, Uint8Array.from(body));
  change(store.files);
  return store;
}

/** What opening and verifying say: problems, or the error that kept the vault shut. */
async function look(store: ReturnType<typeof memoryStore>, readData = false): Promise<string[]> {
  try {
    return (await (await openVault(store, owner)).verify({ readData })).problems;
  } catch (error) {
    expect(error).toBeInstanceOf(BaluchonError);
    expect((error as BaluchonError).code).toMatch(/^(vault|key)$/);
    return [(error as BaluchonError).message];
  }
}

const kindOf = (name: string) => name.replace(/[0-9a-f]{32,}/g, '#').replace(/[0-9A-F]{40}/g, '@').replace(/packs\/..\//, 'packs/').replace(/[0-9]{8}T[0-9]{6}Z/, 'T').replace(/pass-[0-9]/, 'pass-N');
/** How a problem may name the file: by its name, or by what is known of a name that holds a digest. */
const naming = (name: string) => [name, name.replace(/\.[0-9a-f]{64}\.pgp$/, '.'), ...(name.startsWith('keys/roster') ? ['file missing: keys/roster-'] : [])];
const says = (problems: string[], name: string) => problems.some((problem) => naming(name).some((part) => problem.includes(part)));

const changes: [string, (body: Uint8Array) => Uint8Array][] = [
  ...[0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999999].map((place): [string, (body: Uint8Array) => Uint8Array] => [
    `one bit flipped at ${place * 100} %`,
    (body) => {
      const copy = Uint8Array.from(body);
      copy[Math.floor(place * body.length)]! ^= 1;
      return copy;
    },
  ]),
  ['its last byte gone', (body) => body.subarray(0, body.length - 1)],
  ['half of it gone', (body) => body.subarray(0, body.length >> 1)],
  ['empty', () => new Uint8Array()],
  ['a byte added', (body) => Uint8Array.from([...body.subarray(0, 1000), 10, ...body.subarray(1000)])],
];

describe('a damaged vault', () => {
  test('the whole one has no problems, with and without reading data', async () => {
    expect(new Set([...whole.keys()].map(kindOf))).toEqual(
      new Set(['baluchon.yaml', 'HOWTO-RECOVER.md', 'recover.sh', 'keys/epoch-1.pub.asc', 'keys/roster-000001.#.pgp', 'keys/pass-N.#.pgp', 'keys/epoch-1/owner-@.#.pgp', 'packs/#.tar.pgp', 'index/#.pgp', 'bundles/T-#.pgp', 'bundles/T-#.packs']),
    );
    const vault = await openVault(damaged(() => {}), owner);
    for (const readData of [false, true]) {
      const result = await vault.verify({ readData });
      expect(result.problems).toEqual([]);
      expect(result.files).toBeGreaterThanOrEqual(whole.size);
      expect(result.bytes).toBeGreaterThan(100_000);
    }
  });

  test.each(changes)('every file with %s: detected and named', async (_what, change) => {
    for (const [name, body] of whole) {
      const problems = await look(damaged((files) => files.set(name, change(body))));
      expect(says(problems, name), `${name}: ${JSON.stringify(problems)}`).toBe(true);
    }
  });

  test('every file gone: detected and named', async () => {
    const newest = [...whole.keys()].filter((name) => /^bundles.*pgp$/.test(name)).sort().at(-1)!;
    for (const name of whole.keys()) {
      // That the newest bundle is gone only somebody can know who remembers it.
      if (name === newest) continue;
      const problems = await look(damaged((files) => files.delete(name)));
      // The only key that could open the vault being gone looks like a wrong one; a lost index shows in the packs it named.
      if (name.startsWith('index/')) expect(problems.join()).toContain('in no index: packs/');
      else if (problems.length === 1 && problems[0] === 'wrong passphrase or key') expect(name).toMatch(/^keys\/epoch-1\/owner-/);
      else expect(says(problems, name), `${name}: ${JSON.stringify(problems)}`).toBe(true);
    }
  });

  test('any two files of a kind swapped: both named', async () => {
    const names = [...whole.keys()];
    let pairs = 0;
    for (const one of names) {
      for (const other of names.slice(names.indexOf(one) + 1)) {
        if (kindOf(one) !== kindOf(other)) continue;
        pairs += 1;
        const problems = await look(damaged((files) => files.set(one, whole.get(other)!).set(other, whole.get(one)!)));
        expect(says(problems, one) || says(problems, other), `${one} <-> ${other}: ${JSON.stringify(problems)}`).toBe(true);
      }
    }
    expect(pairs).toBeGreaterThan(8);
  });

  test('a list of packs made anew without a line: detected against the manifest', async () => {
    const name = [...whole.keys()].find((file) => file.endsWith('.packs'))!;
    const { packsText, parsePacks } = await import('../../src/vault/packs-list.ts');
    const { previous, packs } = parsePacks(whole.get(name)!, name);
    const vaultId = /packs\/1 (\w+)/.exec(Buffer.from(whole.get(name)!).toString())![1]!;
    expect(packs.length).toBeGreaterThan(1);
    const problems = await look(damaged((files) => files.set(name, packsText(vaultId, previous, packs.slice(1)).text)));
    expect(problems).toEqual([expect.stringContaining(name)]);
  });

  test('a bundle of another vault does not pass', async () => {
    const other = memoryStore('other');
    await createVault(other, { passphrases: ['pw'] });
    await (await (await openVault(other, { passphrase: 'pw' })).begin()).commit({ source, documents: [] });
    const [name, body] = [...other.files].find(([file]) => /^bundles.*pgp$/.test(file))!;
    expect(await look(damaged((files) => files.set(name, body)))).toContainEqual(expect.stringContaining(name));
  });

  test('a bundle renamed to another time is noticed', async () => {
    const name = [...whole.keys()].find((file) => /^bundles.*pgp$/.test(file))!;
    const renamed = name.replace(/[0-9]{8}T/, '20991231T');
    const problems = await look(damaged((files) => void (files.set(renamed, files.get(name)!), files.delete(name))));
    expect(problems.join('\n')).toContain(`${renamed}: renamed`);
  });
});

describe('what can be read stays readable', () => {
  const read = async (store: ReturnType<typeof memoryStore>, which: number) => {
    const vault = await openVault(store, owner);
    const id = [...whole.keys()].filter((name) => /^bundles.*pgp$/.test(name)).map((name) => /-([0-9a-f]+)\.pgp/.exec(name)![1]!);
    const found = [];
    for (const one of id) {
      const bundle = await vault.open(one).catch(() => undefined);
      if (bundle) found.push(await contents(await bundle.disk('volume-1')).catch(() => undefined));
      else found.push(undefined);
    }
    return found[which];
  };

  test('one manifest damaged: the other bundle opens', async () => {
    const manifests = [...whole.keys()].filter((name) => /^bundles.*pgp$/.test(name));
    const outcomes = [];
    for (const name of manifests) {
      const store = damaged((files) => files.set(name, new Uint8Array(100)));
      outcomes.push((await Promise.all([read(store, 0), read(store, 1)])).filter(Boolean).length);
    }
    expect(outcomes).toEqual([1, 1]);
  });

  test('no index, no lists of packs, no roster, no clear texts: everything is read all the same where packs are listed', async () => {
    const gone = damaged((files) => {
      for (const name of files.keys()) if (/^(index|HOWTO|recover|keys\/roster|keys\/epoch-1.pub)/.test(name)) files.delete(name);
    });
    const found = [await read(gone, 0), await read(gone, 1)].map((bytes) => bytes?.toString('base64').length);
    expect(found).toEqual([first, second].map((bytes) => bytes.toString('base64').length));
  });

  test('one pack damaged: the error names it, ranges in other packs are read', async () => {
    const store = damaged((files) => {
      for (const [name, body] of files) if (name.startsWith('packs/') && body.length < 200_000) body[body.length - 1]! ^= 1;
    });
    const vault = await openVault(store, owner);
    const messages: string[] = [];
    for (const { id } of await vault.list()) {
      const of = await (await vault.open(id)).disk('volume-1');
      await of.read(0, Buffer.alloc(10)).catch((error: BaluchonError) => messages.push(error.message));
    }
    expect(messages).toHaveLength(2);
    for (const message of messages) expect(message).toMatch(/^damaged: packs\/..\/[0-9a-f]{64}\.tar\.pgp$/);
  });

  test('with data read, verify counts what each disk lost', async () => {
    const largest = [...whole].filter(([name]) => name.startsWith('packs/')).sort(([, a], [, b]) => b.length - a.length)[0]![0];
    const problems = await look(damaged((files) => files.delete(largest)), true);
    expect(problems).toContainEqual(expect.stringContaining(`file missing: ${largest}`));
    expect(problems).toContainEqual(expect.stringMatching(/bundles\/.*: disk volume-1: (1 chunk|[0-9]+ chunks) lost/));
  });
});
