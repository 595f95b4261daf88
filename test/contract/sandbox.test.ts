import { afterAll } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { cloudContract } from './cloud.ts';

let sandbox: Sandbox | undefined;
cloudContract('sandbox', async () => {
  sandbox = await startSandbox({ pace: 0.3 });
  return connect({ env: sandbox.env() });
});
afterAll(() => sandbox?.close());
