import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BaluchonError } from '../../errors.ts';
import { plain, type Look } from '../../report/look.ts';
import { safe } from '../../report/safe.ts';
import { duration } from '../../report/units.ts';
import type { Context, Run } from '../context.ts';

interface Options {
  keep?: string;
}

interface Step {
  says: string;
  /** As it would be typed, after `baluchon `. */
  types: string;
  load(): Promise<{ run: Run }>;
  args: string[];
  options?: object;
  /** Where its output goes to, as with `> file`. */
  into?: string;
}

const PARIS = { osCloud: 'paris' };
const NEW_YORK = { osCloud: 'new-york' };

const STEPS: Step[] = [
  { says: 'A vault: whoever has the passphrase can read it, nobody else.', types: 'init ./vault', load: () => import('./init.ts'), args: ['./vault'] },
  { says: 'The project is packed: topology and disks, enciphered before they leave.', types: 'export ./vault --os-cloud paris', load: () => import('./export.ts'), args: ['./vault'], options: PARIS },
  { says: 'What is in the bundle.', types: 'show ./vault', load: () => import('./show.ts'), args: ['./vault'] },
  { says: 'The other cloud calls things differently: the best guesses, for a person to edit.', types: 'map ./vault --os-cloud new-york > map.yaml', load: () => import('./map.ts'), args: ['./vault'], options: NEW_YORK, into: 'map.yaml' },
  { says: 'What an import would do. Nothing is touched yet.', types: 'plan ./vault --os-cloud new-york --map map.yaml', load: () => import('./plan.ts'), args: ['./vault'], options: { ...NEW_YORK, map: 'map.yaml' } },
  { says: 'The project is unpacked.', types: 'import ./vault --os-cloud new-york --map map.yaml --yes --quiet', load: () => import('./import.ts'), args: ['./vault'], options: { ...NEW_YORK, map: 'map.yaml', yes: true } },
  { says: 'What differs between the bundle and what runs over there now.', types: 'diff ./vault cloud:new-york', load: () => import('./diff.ts'), args: ['./vault', 'cloud:new-york'] },
];

export async function run(context: Context, _: string[], options: Options): Promise<number> {
  const begun = performance.now();
  const { seedTalk, startSandbox } = await import('../../sandbox/index.ts');
  const folder = await workFolder(context, options.keep);
  const sandboxes = [];
  try {
    context.emit({ type: 'start', id: 'demo', what: 'starting two simulated clouds' });
    const paris = await startSandbox({ name: 'paris', region: 'eu-paris-1' });
    sandboxes.push(paris);
    const newYork = await startSandbox({
      name: 'new-york',
      region: 'us-east-2',
      projectName: 'miop-next',
      externalNetwork: { name: 'public', cidr: '203.0.113.0/24' },
      volumeTypes: ['standard'],
      publicImage: { name: 'Tiny Web 1.0' },
      flavors: [
        { name: 'b2.xs', vcpus: 1, ram: 128, disk: 1 },
        { name: 'b2.s', vcpus: 1, ram: 256, disk: 2 },
        { name: 'b2.m', vcpus: 2, ram: 512, disk: 4 },
      ],
    });
    sandboxes.push(newYork);
    await seedTalk(paris);
    context.emit({ type: 'end', id: 'demo', what: 'two simulated clouds', outcome: 'done' });
    const clouds = Object.assign({}, ...sandboxes.map((sandbox) => sandbox.clouds())) as object;
    await writeFile(join(folder, 'clouds.yaml'), JSON.stringify({ clouds }, null, 2));
    await writeFile(join(folder, 'pw'), `${randomBytes(12).toString('base64url')}\n`, { mode: 0o600 });

    context.view.aside((look) => introduction(look));
    const results: { command: string; result: object }[] = [];
    const env = { ...withoutClouds(context.env), OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), BALUCHON_PASSPHRASE_FILE: 'pw' };
    let failed = false;
    // The journal of the import is state of the user's; that of a demo is not.
    process.env['XDG_STATE_HOME'] = folder;
    for (const step of STEPS) {
      context.signal.throwIfAborted();
      context.view.aside((look) => `\n${look.tone('faint', `# ${step.says}`)}\n${look.tone('title', `$ baluchon ${step.types}`)}\n`);
      let file: string | undefined;
      const result = (data: object, text: (look: Look) => string): void => {
        results.push({ command: `baluchon ${step.types}`, result: data });
        context.view.aside(text);
        if (step.into !== undefined) file = text(plain);
      };
      // The plan that import shows before its question has just been seen.
      const view = { ...context.view, result, aside: () => {} };
      const exit = await (await step.load()).run({ ...context, env, cwd: folder, view }, step.args, step.options ?? {});
      if (step.into !== undefined && file !== undefined) await writeFile(join(folder, step.into), file);
      if (exit !== undefined && exit !== 0 && !step.types.startsWith('diff')) failed = true;
    }
    const seconds = (performance.now() - begun) / 1000;
    context.view.result({ format: 'baluchon-demo/1', seconds, steps: results }, (look) => conclusion(seconds, failed, options.keep, look));
    return failed ? 1 : 0;
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function introduction(look: Look): string {
  return [
    `${look.tone('title', 'Two simulated clouds')} run in this process: ${look.tone('link', 'paris')} with a project in it (two MySQL servers, a web`,
    `server, a load balancer with a floating address) and ${look.tone('link', 'new-york')}, empty, where flavors, networks`,
    'and images have other names. The commands are the ones to type for real clouds.',
    '',
  ].join('\n');
}

function conclusion(seconds: number, failed: boolean, keep: string | undefined, look: Look): string {
  const kept = keep === undefined ? 'Nothing of it is left behind; --keep DIR keeps the vault.' : `The vault and its passphrase are in ${safe(keep)}.`;
  const end = failed ? look.tone('bad', 'Not all of it worked') : look.tone('good', 'The project lives on the other cloud');
  return `\n${end}, ${duration(seconds)} after the start.\n${kept}\n`;
}

/** The folder the demo works in: the one to keep, which must be empty, or a temporary one. */
async function workFolder(context: Context, keep: string | undefined): Promise<string> {
  if (keep === undefined) return mkdtemp(join(tmpdir(), 'baluchon-demo-'));
  const folder = resolve(context.cwd, keep);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new BaluchonError('usage', `${keep} is not empty`, { hint: 'name a folder that is empty, or does not exist yet' });
  return folder;
}

/** The environment without what names the user's own clouds and keys: the demo must not touch them. */
function withoutClouds(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OS_') && !name.startsWith('BALUCHON_')));
}
