/**
 * `npm run bench -- [--size MiB] [--runs N] [--write] [WORD-OF-A-TITLE...]`: figures of whole processes, ours beside those of others
 * on the same machine in the same minutes: medians, and ratios to the others. `--write` puts them into docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { contests, program, type Contest, type Contestant } from './contests.ts';
import { debianSystems } from './debian.ts';
import { debianLike, otherImages } from './images.ts';
import { measure, median, type Figure } from './measure.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '2048' }, runs: { type: 'string', default: '5' }, write: { type: 'boolean', default: false } },
});
const mebibytes = Number(values.size);
const runs = Number(values.runs);
const root = new URL('../..', import.meta.url).pathname;
const folder = join(root, '.scratch', 'bench');
const work = join(folder, 'work');

interface Row {
  figures: Figure[];
  sizes: number[];
}

/** Step -> contestant -> what was measured. */
type Table = Map<string, Map<string, Row>>;

function shell(argv: string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

async function compete(contestant: Contestant, table: Table): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  for (const { argv, env } of contestant.prepare) shell(argv, env);
  for (const { name, argv, env, before, size, equal } of contestant.steps) {
    if (before) shell(['sh', '-c', before]);
    const figure = await measure(argv, env);
    for (const pair of equal ?? []) shell(['cmp', ...pair]);
    const rows = table.get(name) ?? new Map<string, Row>();
    table.set(name, rows);
    const row = rows.get(contestant.name) ?? { figures: [], sizes: [] };
    rows.set(contestant.name, row);
    row.figures.push(figure);
    if (size) row.sizes.push(Number(shell(['du', '-sb', size]).split('\t')[0]));
  }
}

/** The program as npm would install it. */
function build(): void {
  shell(['npm', '--prefix', root, 'run', '-s', 'build']);
  rmSync(program, { recursive: true, force: true });
  cpSync(join(root, 'dist'), program, { recursive: true });
}

/** Interleaved, so that a slow minute of the machine is everybody's. */
async function hold({ title, about, goals = [], contestants }: Contest): Promise<string> {
  const table: Table = new Map();
  const missing = contestants.filter((contestant) => contestant.missing);
  for (const { name, missing: tool } of missing) console.error(`not measured: ${name}, as ${tool} is not installed (apt-get install ${tool})`);
  const there = contestants.filter((contestant) => !contestant.missing);
  for (let run = 1; run <= runs; run++) {
    // Whoever comes after a contestant that left much memory behind is slower on a virtual machine, which has to ask its host for it again: all in turn.
    for (const contestant of [...there.slice((run - 1) % there.length), ...there.slice(0, (run - 1) % there.length)]) {
      console.error(`${title}: run ${run} of ${runs}, ${contestant.name}`);
      await compete(contestant, table);
    }
  }
  const reached = goals.flatMap(({ step, than, ...goal }) => {
    const [our, their] = [table.get(step)?.get('baluchon'), table.get(step)?.get(than)];
    if (!our || !their) return [];
    return (['wall', 'cpu', 'growth'] as const).flatMap((key) => {
      const limit = goal[key];
      if (limit === undefined) return [];
      const ratio = key === 'growth' ? growth(table, 'baluchon') / growth(table, than) : of(our, key) / of(their, key);
      return [`| ${step}: ${key} / ${than}'s | ${limit} | ${ratio.toFixed(2)} | ${ratio <= limit ? 'yes' : '**no**'} |`];
    });
  });
  return [
    `### ${title}`,
    '',
    about,
    '',
    '| | | wall s | CPU s | peak memory MiB | stored MiB | ours / theirs: wall | CPU |',
    '|---|---|--:|--:|--:|--:|--:|--:|',
    ...[...table].flatMap(([step, rows]) => [...rows].map(([name, row], nth) => line(nth === 0 ? step : '', name, row, nth === 0 ? undefined : [...rows.values()][0]))),
    ...missing.map(({ name }) => `\nNot measured: ${name} (not installed).`),
    ...(reached.length > 0 ? ['', '| goal | at most | measured | reached |', '|---|--:|--:|---|', ...reached] : []),
    '',
  ].join('\n');
}

function of(row: Row, key: keyof Figure): number {
  return median(row.figures.map((figure) => figure[key]));
}

function growth(table: Table, name: string): number {
  const size = (step: string) => median(table.get(step)?.get(name)?.sizes ?? []);
  return size('second backup') - size('first backup');
}

function line(step: string, name: string, row: Row, reference: Row | undefined): string {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  const ratio = (key: keyof Figure) => (reference ? (of(reference, key) / of(row, key)).toFixed(2) : '');
  const cells = [step, name, of(row, 'wall').toFixed(2), of(row, 'cpu').toFixed(2), mib(of(row, 'memory')), row.sizes.length > 0 ? mib(median(row.sizes)) : '', ratio('wall'), ratio('cpu')];
  return `| ${cells.join(' | ')} |`;
}

async function write(text: string): Promise<void> {
  const path = join(root, 'docs', 'benchmarks.md');
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->'];
  const old = existsSync(path) ? await readFile(path, 'utf8') : `# Benchmarks\n\n${begin}\n${end}\n`;
  const from = old.indexOf(begin);
  const to = old.indexOf(end);
  const block = `${begin}\n${text}${end}`;
  await writeFile(path, from >= 0 && to > from ? old.slice(0, from) + block + old.slice(to + end.length) : `${old.trimEnd()}\n\n${block}\n`);
}

build();
const debian = await debianSystems(folder, mebibytes);
const { random, sparse } = await otherImages(folder, { random: mebibytes / 2, sparse: mebibytes * 8 });
const raw = await debianLike(folder, mebibytes / 4);
const qcow2 = raw.replace(/raw$/, 'qcow2');
const compressed = raw.replace(/\.raw$/, '-c.qcow2');
for (const [path, ...flags] of [[qcow2], [compressed, '-c']] as [string, ...string[]][]) {
  if (!existsSync(path) && spawnSync('qemu-img', ['--version']).status === 0) shell(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', ...flags, raw, path]);
}
const chosen = contests(work, { debian: [debian.v1, debian.v2], random, sparse, raw, qcow2, compressed }).filter(({ title }) => positionals.length === 0 || positionals.some((word) => title.toLowerCase().includes(word.toLowerCase())));
const sections: string[] = [];
for (const contest of chosen) sections.push(await hold(contest));
await rm(work, { recursive: true, force: true });

const machine = `${cpus().length} processors (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Node ${process.versions.node}, ${process.platform}`;
const text = `## Measured

\`npm run bench -- --size ${mebibytes} --runs ${runs}\`, ${new Date().toISOString().slice(0, 10)}, on ${machine}. Medians of ${runs} interleaved runs of whole
processes, start included; every restored disk was compared with the original. Memory is the highest sum over all processes of a step, looked at every 20 ms.

${sections.join('\n')}`;
console.log(text);
if (values.write) await write(text);
