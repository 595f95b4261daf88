import { BaluchonError } from '../errors.ts';

/** The person at the keyboard, if there is one. Questions go to stderr: stdout is for results. */
export interface Terminal {
  readonly interactive: boolean;
  /** Yes or no; anything but `y` or `yes` is no. */
  confirm(question: string): Promise<boolean>;
  /** A line that is not shown as it is typed. Throws `interrupted` on Ctrl-C and at the end of the input. */
  secret(question: string): Promise<string>;
}

type Input = Pick<NodeJS.ReadStream, 'isTTY' | 'on' | 'off' | 'resume' | 'pause'> & { setRawMode?: (mode: boolean) => unknown };
type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/** `quietly` is called before anything is asked, so that no progress line is in the way; an abort ends a question. */
export function openTerminal(input: Input, output: Output, signal: AbortSignal, quietly: () => void): Terminal {
  const ask = (question: string, echo: boolean): Promise<string> => {
    quietly();
    output.write(question);
    return readLine(input, output, echo, signal);
  };
  return {
    interactive: input.isTTY === true && output.isTTY === true,
    confirm: async (question) => /^y(es)?$/i.test((await ask(`${question} [y/N] `, true)).trim()),
    secret: (question) => ask(`${question}: `, false),
  };
}

const ENTER = /[\r\n]/;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const ERASE = /[\b\u007f]/;
// Terminals put these around what is pasted.
const PASTE = /\u001b\[20[01]~/g; // oxlint-disable-line no-control-regex

function readLine(input: Input, output: Output, echo: boolean, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const decoder = new TextDecoder();
    const end = (finish: () => void): void => {
      input.off('data', onData);
      input.off('end', stop);
      signal.removeEventListener('abort', stop);
      input.setRawMode?.(false);
      input.pause();
      output.write('\n');
      finish();
    };
    const stop = (): void => end(() => reject(new BaluchonError('interrupted', 'interrupted')));
    const onData = (data: Buffer): void => {
      for (const character of decoder.decode(data, { stream: true }).replace(PASTE, '')) {
        if (ENTER.test(character)) return end(() => resolve(line));
        if (character === CTRL_C || (character === CTRL_D && line === '')) return stop();
        if (character === CTRL_U || ERASE.test(character)) {
          const kept = character === CTRL_U ? '' : [...line].slice(0, -1).join('');
          if (echo) output.write('\b \b'.repeat([...line].length - [...kept].length));
          line = kept;
        } else if (character >= ' ') {
          line += character;
          if (echo) output.write(character);
        }
      }
      return undefined;
    };
    input.setRawMode?.(true);
    input.on('data', onData);
    input.on('end', stop);
    signal.addEventListener('abort', stop);
    input.resume();
  });
}
