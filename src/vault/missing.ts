import { BaluchonError } from '../errors.ts';

/** There is no vault where one was named. */
export function noVault(name: string, cause?: unknown): BaluchonError {
  const hint = name.endsWith('.baluchon') ? 'check the path; such a file is made with: baluchon pack' : `check the path, or make one with: baluchon init ${name}`;
  return new BaluchonError('vault', `there is no vault at ${name}: no baluchon.yaml`, { cause, hint });
}
