import { BaluchonError, type ErrorCode } from '../errors.ts';

/** Done, with differences, losses or things left undone. */
export const DIFFERS = 1;
/** A fault of ours. Not 1: a script must not take a crash for a difference. */
export const FAULT = 70;

const EXIT: Record<ErrorCode, number> = {
  differs: DIFFERS,
  usage: 2,
  auth: 3,
  forbidden: 3,
  cloud: 4,
  network: 4,
  'not-found': 4,
  conflict: 4,
  quota: 4,
  vault: 5,
  key: 5,
  store: 5,
  interrupted: 130,
};

/** The exit code of an error, as docs/scripting.md lists them. */
export function exitCode(error: BaluchonError): number {
  return EXIT[error.code];
}

/** Whatever was thrown, in our form; undefined for a fault of ours. */
export function known(error: unknown): BaluchonError | undefined {
  if (error instanceof BaluchonError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'AbortError') return new BaluchonError('interrupted', 'interrupted', { cause: error });
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return new BaluchonError('store', `no space left on the device${path === undefined ? '' : `: ${path}`}`, { hint: 'make room and run the same command again', cause: error });
  if (code !== undefined && path !== undefined && /^E[A-Z]+$/.test(code)) return new BaluchonError('store', `${path}: ${reasonOf(error)}`, { cause: error });
  return undefined;
}

/** `ENOENT: no such file or directory, open 'x'` -> `no such file or directory`. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^E[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text;
}
