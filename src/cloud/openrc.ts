import { basename } from 'node:path';
import { readFileSync } from 'node:fs';
import { BaluchonError } from '../errors.ts';
import { type CloudConfig, configFromVariables } from './config.ts';
import { parseOpenrc } from './shell.ts';

/**
 * Reads the openrc file that dashboards let one download, without running it. A password that it would ask for is taken
 * from `OS_PASSWORD` in the environment; where there is none it stays empty, for the caller to ask.
 */
export function readOpenrc(path: string, env: NodeJS.ProcessEnv): CloudConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BaluchonError('usage', `cannot read ${path}`, { cause: error, hint: 'give the openrc file that the dashboard lets you download' });
  }
  const { variables, asked } = parseOpenrc(text, basename(path), env);
  if (asked.has('OS_PASSWORD') || !variables['OS_PASSWORD']) variables['OS_PASSWORD'] = env['OS_PASSWORD'] ?? '';
  return configFromVariables(variables, basename(path));
}
