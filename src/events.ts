/** What long operations tell whoever watches: typed events, never text on a terminal. */
export type Event =
  /** A named piece of work begins, moves on and ends; `id` ties the three together. */
  | { type: 'start'; id: string; what: string; total?: number; unit?: 'bytes' | 'items' }
  | { type: 'progress'; id: string; done: number; total?: number }
  | { type: 'end'; id: string; what: string; outcome: 'done' | 'failed' | 'skipped'; detail?: string }
  /** Something the user should know that stops nothing. */
  | { type: 'warning'; message: string; about?: string }
  /** One line for `--verbose`. */
  | { type: 'debug'; message: string };

export type Emit = (event: Event) => void;

export const silent: Emit = () => {};
