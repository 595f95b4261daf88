/**
 * The one error class of the project. `code` says what sort of thing went wrong and decides the exit code,
 * `message` what and where (lower case, no final period), `hint` what to do about it.
 */
export type ErrorCode =
  | 'usage' // bad argument, option, mapping or configuration file
  | 'auth' // the cloud does not accept who we are
  | 'forbidden' // it does, and does not allow this
  | 'not-found' // the cloud has no such resource
  | 'conflict' // the resource is busy, or exists already
  | 'quota' // over quota, or larger than the cloud takes
  | 'cloud' // the cloud answered with an error, or with nonsense
  | 'network' // no answer: refused, reset, timed out, name not found, TLS
  | 'vault' // no vault, or a damaged one
  | 'key' // wrong passphrase or key
  | 'store' // the place of the vault can't be read or written (full, read-only, gone)
  | 'interrupted' // by the user
  | 'differs'; // done, with differences or losses

export class BaluchonError extends Error {
  override readonly name = 'BaluchonError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** HTTP status, where an HTTP answer was the reason. */
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown; status?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.status = options.status;
  }
}

export function isError(error: unknown, ...codes: ErrorCode[]): error is BaluchonError {
  return error instanceof BaluchonError && (codes.length === 0 || codes.includes(error.code));
}
