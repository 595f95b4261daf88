import { fingerprint, readCertificate } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import type { Store } from '../store/store.ts';
import { checkNamed, clearNames, digestInName, each, readClear, task, wholeList, type ClearBundle, type ClearVault } from './keyless.ts';
import { readHeader } from './header.ts';
import { layout, patterns } from './layout.ts';
import { together } from './manifest-files.ts';
import { ordered, settled } from './queue.ts';
import { withFile } from './rooms.ts';
import type { VerifyResult } from './types.ts';

/**
 * Checks all that can be checked without a key: every file against the digest in its name, that all which bundles and their
 * chain name is there, and the certificate against the root. What only a key can tell: signatures, the texts in clear, and
 * whether the newest bundles are gone.
 * @throws store, network, interrupted: what keeps it from looking; vault where there is no vault; never for what it finds.
 */
export async function verifyWithoutKeys(store: Store, options: { emit?: Emit; signal?: AbortSignal } = {}): Promise<VerifyResult> {
  const clear = await readClear(store);
  const result: VerifyResult = { files: 0, bytes: 0, problems: [] };
  const attempt = async <T>(check: () => Promise<T>): Promise<T | undefined> => {
    if (options.signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
    try {
      return await check();
    } catch (error) {
      if (!isError(error, 'vault')) throw error;
      const message = error.message.startsWith(`${store.name}: `) ? error.message.slice(store.name.length + 2) : error.message;
      if (!result.problems.includes(message)) result.problems.push(message);
      return undefined;
    }
  };
  const problem = (message: string) => attempt(() => Promise.reject(new BaluchonError('vault', message)));
  const total = [...clear.files.values()].reduce((sum, { size }) => sum + size, 0);

  const needed = new Set<string>();
  const read = async (bundle: ClearBundle) => ({ bundle, wanted: bundle.list ? await settled(() => wholeList(store, clear.header.vault, bundle)) : undefined });
  for await (const { bundle, wanted } of ordered(clear.bundles, together, read)) {
    if (!wanted) {
      if (bundle.manifest) await problem(`file missing: ${bundle.stem}.packs`);
      continue;
    }
    const list = await attempt(wanted);
    // A list without its manifest is what an export leaves that was cut short: nobody needs what it names.
    if (!list || !bundle.manifest) continue;
    for (const pack of list.packs) needed.add(layout.pack(pack));
    // A file of one bundle is whole without those before it.
    for (const previous of store.readOnly ? [] : list.previous) {
      if (!clear.files.has(previous) && !clear.files.has(previous.replace(/pgp$/, 'forgotten'))) await problem(`missing: ${previous}: ${bundle.stem}.pgp was written after it`);
    }
  }
  for (const name of needed) if (!clear.files.has(name)) await problem(`file missing: ${name}`);
  await verifyKeyFiles(store, clear, problem, attempt);

  await task(options.emit ?? silent, { what: 'verifying', total, unit: 'bytes' }, (done) =>
    each(clear.files, 3, async ([name, { size }]) => {
      const digest = digestInName(name);
      await attempt(async () => {
        if (digest === undefined && !clearNames.includes(name) && !name.startsWith('keys/') && !patterns.packs.test(name)) return;
        await withFile(store, name, (bytes) => {
          result.files += 1;
          result.bytes += bytes.length;
          checkNamed(name, bytes);
        });
      });
      done(size);
    }),
  );
  return result;
}

/** That key files are there which must be, and the first certificate is the root's. */
async function verifyKeyFiles(store: Store, { header, files }: ClearVault, problem: (message: string) => Promise<unknown>, attempt: <T>(check: () => Promise<T>) => Promise<T | undefined>): Promise<void> {
  for (const name of clearNames) if (!files.has(name)) await problem(`file missing: ${name}`);
  await attempt(() => readHeader(store));
  const serials = new Set<number>();
  const epochs = new Set([1]);
  const owners = new Set<number>();
  for (const name of files.keys()) {
    const roster = patterns.roster.exec(name);
    if (roster) serials.add(Number(roster[1]));
    const epoch = /^keys\/epoch-([1-9][0-9]*)[./]/.exec(name);
    if (epoch) epochs.add(Number(epoch[1]));
    const owner = patterns.owner.exec(name);
    if (owner) owners.add(Number(owner[1]));
  }
  const newest = Math.max(1, ...serials);
  for (let serial = 1; serial <= newest; serial++) if (!serials.has(serial)) await problem(`missing: keys/roster-${String(serial).padStart(6, '0')}.*.pgp`);
  for (let epoch = 1; epoch <= Math.max(...epochs); epoch++) {
    const name = layout.certificate(epoch);
    if (!files.has(name)) await problem(`file missing: ${name}`);
    else {
      await attempt(async () => {
        const armored = Buffer.from(await store.get(name)).toString('latin1');
        const certificate = await readCertificate(armored).catch((cause: unknown) => Promise.reject(new BaluchonError('vault', `damaged: ${name}`, { cause })));
        if (epoch === 1 && fingerprint(certificate) !== header.root) throw new BaluchonError('vault', `${name}: not the vault's root, ${header.root}`);
      });
    }
  }
  if (!owners.has(Math.max(...epochs))) await problem(`missing: keys/epoch-${Math.max(...epochs)}/owner-*.pgp`);
}
