import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { BaluchonError } from '../errors.ts';

const compiled = new Map<string, ValidateFunction>();

function validator(name: 'vault' | 'bundle' | 'document'): ValidateFunction {
  let validate = compiled.get(name);
  if (!validate) {
    // Our own schemas: a test checks them; compiling the schema of schemas would take a third of the start of every command.
    const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true, meta: false, validateSchema: false });
    addFormats.default(ajv);
    validate = ajv.compile(JSON.parse(readFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), 'utf8')));
    compiled.set(name, validate);
  }
  return validate;
}

/** Checks against schemas/<name>.json; attributes that it does not know are left alone. @throws vault, naming the file. */
export function checked<T>(name: 'vault' | 'bundle' | 'document', value: unknown, file: string): T {
  const validate = validator(name);
  if (validate(value)) return value as T;
  const [first] = validate.errors ?? [];
  throw new BaluchonError('vault', `damaged: ${file}: ${first?.instancePath ?? ''} ${first?.message ?? 'not valid'}`.replace('  ', ' '));
}
