// The whole policy of what is written where:
// - results go to stdout, all else (questions, progress, warnings, errors) to stderr;
// - an error is one line, `baluchon: what, where`, lower case, no final period; what to do about it follows on a second
//   line. No stack trace without --verbose. Unknown commands and options are errors like any other;
// - progress is drawn only when stderr is a terminal; --progress ndjson makes every line on stderr one JSON object;
// - --json gives exactly one JSON document on stdout, also when the command fails; without it stdout is for people;
// - colours only on a terminal, and not with NO_COLOR or TERM=dumb; long lines are folded only on a terminal;
// - nothing is asked without a terminal: what would be asked is a usage error that names the option to give;
// - text from clouds, bundles and files is shown with control and invisible characters written out;
// - a reader or terminal that goes away (EPIPE, EIO) ends the printing, not the work; the exit codes are in docs/scripting.md.
import { readFileSync } from 'node:fs';
import { BaluchonError } from '../errors.ts';
import { known } from './exit.ts';
import { openProgress, type Progress } from './progress.ts';
import { buildProgram, DECLARATIONS, type Declaration } from './program.ts';
import { watchSignals } from './signals.ts';
import { openTerminal } from './terminal.ts';
import { humanView, jsonView, openOutput, type View } from './view.ts';

interface Globals {
  json?: boolean;
  progress?: string;
  quiet?: boolean;
  verbose?: boolean;
}

const { env, stdin, stdout, stderr } = process;

/** Runs one command line; gives the exit code. */
async function main(args: string[]): Promise<number> {
  let exit = 0;
  const program = buildProgram(version(), async (declaration, names, options) => {
    exit = await run(declaration, names, options);
  });
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    const usage = usageError(error, args);
    return usage === undefined ? 0 : openView(guessGlobals(args)).view.error(usage);
  }
}

async function run(declaration: Declaration, names: string[], options: Globals): Promise<number> {
  const { view, progress } = openView(options);
  // Node's own warnings are for those who develop.
  process.removeAllListeners('warning').on('warning', (warning) => progress.emit({ type: 'debug', message: `${warning.name}: ${warning.message}` }));
  process.on('uncaughtException', (error) => process.exit(view.error(error)));
  let temporary = '';
  const watch = watchSignals(() => progress.emit({ type: 'warning', message: `stopping${temporary === '' ? '' : `, removing ${temporary}`}; once more to stop at once` }));
  const terminal = openTerminal(stdin, stderr, watch.signal, progress.clear);
  const context = { env, cwd: process.cwd(), view, emit: progress.emit, signal: watch.signal, terminal, cleansUp: (what: string) => void (temporary = what) };
  try {
    return (await (await declaration.load()).run(context, names, options)) ?? 0;
  } catch (error) {
    return view.error(watch.signal.aborted ? interrupted(error) : error);
  } finally {
    progress.clear();
    watch.stop();
  }
}

/** What a command died of after Ctrl-C: the interruption, unless cleaning up failed, which people have to know. */
function interrupted(error: unknown): unknown {
  const reason = known(error);
  if (reason === undefined || reason.code === 'interrupted') return reason ?? error;
  return new BaluchonError('interrupted', `interrupted; then: ${reason.message}`, { ...(reason.hint !== undefined && { hint: reason.hint }), cause: error });
}

function openView(globals: Globals): { view: View; progress: Progress } {
  const { json = false, quiet = false, verbose = false } = globals;
  const err = openOutput(stderr, env);
  const mode = globals.progress === 'ndjson' ? 'ndjson' : stderr.isTTY && !quiet && env['TERM'] !== 'dumb' ? 'live' : 'none';
  const progress = openProgress(err, { mode, quiet, verbose });
  const outputs = { out: openOutput(stdout, env), err, progress, quiet, verbose };
  return { view: json ? jsonView(outputs) : humanView(outputs), progress };
}

/** The globals of a command line that is wrong somewhere else. */
function guessGlobals(args: readonly string[]): Globals {
  return { json: args.includes('--json'), verbose: args.includes('--verbose') || args.includes('-v'), ...(/--progress[= ]ndjson/.test(args.join(' ')) && { progress: 'ndjson' }) };
}

/** Commander's complaint in our form; undefined when it only printed help or the version. */
function usageError(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof Error) || !('exitCode' in error)) return error;
  if (error.exitCode === 0) return undefined;
  const command = args.find((arg) => DECLARATIONS.some(({ usage }) => usage.split(' ')[0] === arg));
  const said = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ').replace(/\.$/, '').replace('(Did', '(did').replace(/\. ([A-Z])/, (_, letter: string) => `: ${letter.toLowerCase()}`);
  return new BaluchonError('usage', said === '(outputHelp)' ? 'no command given' : said, { hint: `see: baluchon ${command === undefined ? '' : `${command} `}--help` });
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // EIO: the terminal is gone. What is under way has to be cleaned up all the same.
    if (!['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) throw error;
  });
}
const code = await main(process.argv.slice(2));
// Pooled connections or an abandoned call must not keep the program from ending; what is written is written first.
await Promise.all([stdout, stderr].map((stream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))));
process.exit(code);
