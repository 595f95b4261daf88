import type { Emit } from '../events.ts';
import type { Terminal } from './terminal.ts';
import type { View } from './view.ts';

/** What a command works with besides its arguments: it reads nothing of the process itself. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly view: View;
  readonly emit: Emit;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** What a Ctrl-C would have to clean up from now on, for the line that it prints: `temporary snapshots on alpha`. */
  cleansUp(what: string): void;
}

/** A command: arguments as given, options as declared in program.ts. Gives the exit code when it is not 0; throws BaluchonError. */
export type Run = (context: Context, args: string[], options: any) => Promise<number | void>;
