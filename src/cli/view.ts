import { styleText } from 'node:util';
import { BaluchonError } from '../errors.ts';
import { plain, type Look, type Tone } from '../report/look.ts';
import { safe } from '../report/safe.ts';
import { exitCode, FAULT, known } from './exit.ts';
import type { Progress } from './progress.ts';

/** Everything a command shows goes through here: as text for a person, or as one JSON document. */
export interface View {
  /** The command's result, once. */
  result(data: object, text: (look: Look) => string): void;
  /** What a person should see on the way (the plan before the question); the JSON document has it anyway. */
  aside(text: (look: Look) => string): void;
  /** Bytes as they are, for a pipe or a file; false where nobody reads them any more. @throws usage on a terminal, and with --json. */
  bytes(part: Uint8Array): Promise<boolean>;
  /** Anything thrown, as `baluchon: what, where` and a hint. Gives the exit code. */
  error(error: unknown): number;
}

export interface Output {
  write(text: string): void;
  /** Resolves when there is room for more. */
  bytes(part: Uint8Array): Promise<boolean>;
  readonly look: Look;
  readonly terminal: boolean;
}

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write' | 'once' | 'off' | 'destroyed'>;

const STYLES: Record<Tone, Parameters<typeof styleText>[0]> = { title: 'bold', faint: 'dim', good: 'green', warn: 'yellow', bad: 'red', link: 'cyan' };

/** A stream as reports see it: its width, and colours where it is a terminal and NO_COLOR does not forbid them. */
export function openOutput(stream: Stream, env: NodeJS.ProcessEnv): Output {
  const terminal = stream.isTTY === true;
  const colours = terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const look: Look = {
    width: terminal ? Math.max(40, stream.columns || 80) : Infinity,
    tone: colours ? (tone, text) => styleText(STYLES[tone], text, { validateStream: false }) : plain.tone,
  };
  const bytes = (part: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      if (stream.destroyed) return resolve(false);
      if (stream.write(part)) return resolve(true);
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) stream.off(event, done);
        resolve(!stream.destroyed);
      };
      for (const event of ['drain', 'close', 'error']) stream.once(event, done);
    });
  return { look, terminal, write: (text) => void stream.write(text), bytes };
}

interface Outputs {
  out: Output;
  err: Output;
  progress: Progress;
  quiet: boolean;
  verbose: boolean;
}

export function humanView(outputs: Outputs): View {
  const show = (text: (look: Look) => string): void => {
    outputs.progress.clear();
    outputs.out.write(text(outputs.out.look));
  };
  return {
    result: (_, text) => show(text),
    aside: (text) => (outputs.quiet ? undefined : show(text)),
    async bytes(part) {
      if (outputs.out.terminal) throw new BaluchonError('usage', 'the bytes of a disk would only upset a terminal', { hint: 'send them to a file or a program: > FILE, | PROGRAM' });
      return outputs.out.bytes(part);
    },
    error: (thrown) => printError(thrown, outputs),
  };
}

export function jsonView(outputs: Outputs): View {
  const print = (data: object): void => outputs.out.write(`${JSON.stringify(data, null, 2)}\n`);
  let said = false;
  return {
    result(data) {
      said = true;
      print(data);
    },
    aside() {},
    async bytes() {
      throw new BaluchonError('usage', 'with --json stdout is one JSON document, and no place for the bytes of a disk');
    },
    error(thrown) {
      const exit = printError(thrown, outputs);
      if (!said) print({ format: 'baluchon-error/1', ...errorData(thrown) });
      return exit;
    },
  };
}

/** An error as programs see it. */
export function errorData(thrown: unknown): { code: string; message: string; hint?: string; exit: number } {
  const error = known(thrown);
  if (error === undefined) return { code: 'fault', message: thrown instanceof Error ? thrown.message : String(thrown), exit: FAULT };
  return { code: error.code, message: error.message, ...(error.hint !== undefined && { hint: error.hint }), exit: exitCode(error) };
}

function printError(thrown: unknown, { err, progress, verbose }: Outputs): number {
  const error = known(thrown);
  const { message, exit } = errorData(thrown);
  progress.clear();
  if (progress.json) {
    progress.line({ type: 'error', ...errorData(thrown) });
    return exit;
  }
  const said = error === undefined ? `a fault in baluchon itself: ${message}` : message;
  const hint = error === undefined ? 'run it again with --verbose and report what it prints' : error.hint;
  // Several things wrong at once (a mapping file) are one line each, under each other.
  err.write(`${err.look.tone('bad', 'baluchon:')} ${said.split('\n').map(safe).join('\n          ')}\n`);
  if (hint !== undefined) err.write(`${err.look.tone('faint', `  ${safe(hint)}`)}\n`);
  if (verbose) err.write(trace(thrown));
  return exit;
}

function trace(thrown: unknown): string {
  const lines: string[] = [];
  for (let error = thrown; error instanceof Error; error = (error as BaluchonError).cause) lines.push(error.stack ?? error.message);
  return lines.map((stack) => `${stack.split('\n').map(safe).join('\n')}\n`).join('caused by: ');
}
