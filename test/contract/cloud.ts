import { afterAll, beforeAll, describe } from 'vitest';
import type { Cloud } from '../../src/cloud/index.ts';
import { computeContract } from './compute.ts';
import { identityContract } from './identity.ts';
import { imageContract } from './image.ts';
import { networkContract } from './network.ts';
import { volumeContract } from './volume.ts';

/**
 * What an OpenStack cloud does, as far as we rely on it. The same sentences are true of the simulated cloud and of real
 * ones, so that the double cannot drift. Everything that it makes is called `contract-` something, and removed.
 */
export function cloudContract(name: string, connect: () => Promise<Cloud>): void {
  describe(`the cloud ${name}`, () => {
    let cloud: Cloud;
    beforeAll(async () => {
      cloud = await connect();
    });
    afterAll(() => cloud?.close());
    const get = (): Cloud => cloud;
    identityContract(get);
    imageContract(get);
    networkContract(get);
    volumeContract(get);
    computeContract(get);
  });
}
