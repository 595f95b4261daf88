import { readFileSync } from 'node:fs';

const folder = new URL('../../../fixtures/qcow2/', import.meta.url).pathname;

/** Images that QEMU made (fixtures/qcow2/make.sh), with the SHA-256 of their raw views as QEMU reads them. */
export const golden = readFileSync(`${folder}SHA256SUMS`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [sha256 = '', name = ''] = line.split('  ');
    return { name, path: folder + name, sha256 };
  });
