import { BaluchonError } from '../errors.ts';
import { checkName } from './names.ts';

/** What a URL such as `swift://container/prefix?cloud=NAME` says. */
export interface Place {
  scheme: string;
  /** The container or bucket. */
  bucket: string;
  /** What all names begin with: empty, or with a slash at its end. */
  prefix: string;
  /** `swift://container/prefix?cloud=NAME`, for messages: what one would type. */
  name: string;
  parameters: Record<string, string>;
}

/** @throws usage for what is no such URL, or has parameters that are not known. */
export function readPlace(url: string, known: readonly string[]): Place {
  const parts = /^([a-z0-9]+):\/\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(url);
  const shape = (scheme: string) => `${scheme}://NAME or ${scheme}://NAME/PREFIX${known.map((parameter, at) => `${at === 0 ? '?' : '&'}${parameter}=...`).join('')}`;
  if (!parts) throw new BaluchonError('usage', `not the address of a vault: ${url}`, { hint: `it looks like ${shape(/^\w+/.exec(url)?.[0] ?? 'swift')}` });
  const scheme = parts[1]!.toLowerCase();
  const bucket = decode(parts[2]!, url);
  const inner = decode(parts[3] ?? '', url).replace(/^\/+|\/+$/g, '');
  try {
    if (inner !== '') checkName(inner);
  } catch (error) {
    throw new BaluchonError('usage', `not a prefix that a vault can have: ${inner}`, { cause: error, hint: 'letters, digits, ".", "_" and "-", with "/" between the parts' });
  }
  const parameters = Object.fromEntries(new URLSearchParams(parts[4] ?? ''));
  for (const name of Object.keys(parameters)) {
    if (!known.includes(name)) throw new BaluchonError('usage', `unknown parameter in ${url}: ${name}`, { hint: `it looks like ${shape(scheme)}` });
  }
  return { scheme, bucket, prefix: inner === '' ? '' : `${inner}/`, name: `${scheme}://${bucket}${inner === '' ? '' : `/${inner}`}${parts[4] ? `?${parts[4]}` : ''}`, parameters };
}

function decode(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new BaluchonError('usage', `not the address of a vault: ${url}`, { cause: error, hint: 'a % must be written as %25' });
  }
}

/** The variables, all of which are needed. @throws usage naming those that are missing. */
export function needed(env: NodeJS.ProcessEnv, place: Place, ...names: string[]): string[] {
  const absent = names.filter((name) => !env[name]);
  if (absent.length > 0) throw new BaluchonError('usage', `${place.name}: no credentials: ${absent.join(' and ')} not set`, { hint: `set ${names.join(' and ')}` });
  return names.map((name) => env[name]!);
}
