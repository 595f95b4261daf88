import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { seedMiop, startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { journey } from './journey.ts';

let folder = '';
const sandboxes: Sandbox[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baluchon-clouds-'));
  const alpha = await startSandbox({ name: 'alpha', region: 'RegionAlpha' });
  sandboxes.push(alpha);
  sandboxes.push(
    await startSandbox({
      name: 'beta',
      region: 'beta-west-1',
      projectName: 'miop-next',
      externalNetwork: { name: 'public', cidr: '203.0.113.0/24' },
      volumeTypes: ['standard'],
      publicImage: { name: 'Tiny Web 1.0' },
      flavors: [
        { name: 'b2.xs', vcpus: 1, ram: 96, disk: 1 },
        { name: 'b2.s', vcpus: 1, ram: 128, disk: 2 },
        { name: 'b2.l', vcpus: 2, ram: 512, disk: 5 },
      ],
    }),
  );
  await seedMiop(alpha);
  await writeFile(join(folder, 'clouds.yaml'), JSON.stringify({ clouds: Object.assign({}, ...sandboxes.map((sandbox) => sandbox.clouds())) }));
});

afterAll(async () => {
  for (const sandbox of sandboxes) await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

journey('from one simulated cloud to another', { source: 'alpha', target: 'beta', config: () => join(folder, 'clouds.yaml') });
