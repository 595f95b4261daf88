import { fingerprint, parseCertificate, verifyDetached, type Certificate } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { layout } from './layout.ts';

/**
 * The vault's certificates of epochs `newest` to 1, out of the files in clear: the first is the root, each other is signed by
 * the one before it. For those who have no keys of the vault.
 * @throws vault, naming the file.
 */
export async function readEpochs(store: Store, root: string, newest: number): Promise<Certificate[]> {
  const certificates: Certificate[] = [];
  for (let epoch = 1; epoch <= newest; epoch++) {
    const name = layout.certificate(epoch);
    const bytes = await store.get(name);
    const certificate = await parseCertificate(Buffer.from(bytes).toString('latin1')).catch((cause: unknown) => {
      throw new BaluchonError('vault', `damaged: ${name}`, { cause });
    });
    const before = certificates[0];
    const good = before ? await verifyDetached(bytes, await store.get(layout.certificateSignature(epoch)), before) : fingerprint(certificate) === root;
    if (!good) throw new BaluchonError('vault', `${name}: ${before ? 'not signed by the vault\'s key of the epoch before' : 'not the root that baluchon.yaml names'}`);
    certificates.unshift(certificate);
  }
  return certificates;
}
