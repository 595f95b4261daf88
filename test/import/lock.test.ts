import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { journalPath, openJournal, readJournal } from '../../src/import/journal.ts';
import { lockImport } from '../../src/import/lock.ts';

const of = { bundle: 'b', project: 'p' };
const before = process.env['XDG_STATE_HOME'];
let state: string;
let journal: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'lock-'));
  process.env['XDG_STATE_HOME'] = state;
  journal = journalPath(of);
});
afterEach(async () => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  await rm(state, { recursive: true });
});

/** What another run wrote when it began. */
async function begun(by: { pid?: unknown; host?: string; at?: string }): Promise<void> {
  await mkdir(dirname(journal), { recursive: true });
  await appendFile(journal, `${JSON.stringify({ step: 'begin', run: 'other', pid: gone(), host: hostname(), at: new Date().toISOString(), ...by })}\n`);
}

const gone = (): number => spawnSync('true').pid;

describe('one import at a time of one bundle into one project', () => {
  test('a second one is told who is at it and what to do; after the first it may', async () => {
    const release = await lockImport(of);
    const { run } = JSON.parse(await readFile(journal, 'utf8')) as { run: string };
    const hint = `wait for it, or end it; where there is no such import any more, remove the line with ${run} from ${journal}`;
    for (let time = 0; time < 2; time++) await expect(lockImport(of)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(`by process ${process.pid} on ${hostname()} since 2`), hint });
    for (const other of [{ ...of, rename: '{name}-2' }, { ...of, bundle: 'c' }]) await (await lockImport(other))();
    await release();
    await (await lockImport(of))();
  });

  test('the journal tells the same with it as without', async () => {
    const release = await lockImport(of);
    const lines = await openJournal(journal);
    await lines.write('creating', 'x');
    await lines.write('completed', 'x', '1');
    await lines.close();
    await release();
    expect(await readJournal(journal)).toEqual({ x: { target: '1', complete: true } });
  });

  test('a run that ended without saying so is no hindrance: its process is gone, is from before the machine or this process began', async () => {
    await begun({});
    await begun({ pid: process.ppid, at: '2020-01-01T00:00:00.000Z' });
    await begun({ pid: process.pid, at: new Date(Date.now() - process.uptime() * 1000 - 5000).toISOString() });
    await appendFile(journal, '{"step":"begin","run":"cut o');
    await (await lockImport(of))();
  });

  test('lines that are none are left out', async () => {
    await begun({ pid: 'x', host: 'elsewhere' });
    await appendFile(journal, 'null\n{"step":"begin","run":5}\n');
    await (await lockImport(of))();
  });

  test('of another machine nobody can tell: it is left to a person to judge', async () => {
    await begun({ host: 'elsewhere' });
    await expect(lockImport(of)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('on elsewhere since') });
    await writeFile(journal, (await readFile(journal, 'utf8')).split('\n').filter((line) => !line.includes('"other"')).join('\n'));
    await (await lockImport(of))();
  });

  test('where it can\'t be written, that is told with its place', async () => {
    await mkdir(journal, { recursive: true });
    await expect(lockImport(of)).rejects.toMatchObject({ code: 'store', message: expect.stringContaining(`${journal}: EISDIR`) });
  });

  test('of many processes that come at once, after one that died, one gets it', async () => {
    await begun({});
    const script = `const { lockImport } = await import(${JSON.stringify(new URL('../../src/import/lock.ts', import.meta.url).href)});
      const told = () => new Promise((go) => process.stdin.once('data', go));
      process.stdout.write('.');
      await told();
      await lockImport(${JSON.stringify(of)}).then(() => process.stdout.write('got'), (error) => process.stdout.write(error.code));
      await told();`;
    const said = Array.from({ length: 6 }, () => ({ child: spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }), text: '' }));
    const heard = (letters: number) =>
      Promise.all(said.map(async (one) => {
        while (one.text.length < letters) one.text += String((await once(one.child.stdout, 'data'))[0]);
      }));
    await heard(1);
    for (const { child } of said) child.stdin.write('go\n');
    await heard(2);
    expect(said.filter(({ text }) => text === '.got').length).toBe(1);
    for (const { text } of said) expect(['.got', '.conflict']).toContain(text);
    for (const { child } of said) child.stdin.end('go\n');
    await Promise.all(said.map(({ child }) => once(child, 'close')));
    await (await lockImport(of))();
  });
});
