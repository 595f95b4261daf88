import type { ErrorObject } from 'ajv';
import { BaluchonError } from '../errors.ts';
import { bundle, document, vault } from './validators.ts';

type Validator = ((value: unknown) => boolean) & { errors?: ErrorObject[] | null };

const validators: Record<'vault' | 'bundle' | 'document', Validator> = { vault, bundle, document };

/** Checks against schemas/<name>.json; attributes that it does not know are left alone. @throws vault, naming the file. */
export function checked<T>(name: keyof typeof validators, value: unknown, file: string): T {
  const validate = validators[name];
  if (validate(value)) return value as T;
  const [first] = validate.errors ?? [];
  throw new BaluchonError('vault', `damaged: ${file}: ${first?.instancePath ?? ''} ${first?.message ?? 'not valid'}`.replace('  ', ' '));
}
