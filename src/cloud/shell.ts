import { BaluchonError } from '../errors.ts';
import { type Statement, statements, type Word } from './statements.ts';

/** What an openrc file says. */
export interface Openrc {
  /** The `OS_*` variables that it leaves set. */
  variables: Record<string, string>;
  /** Those whose value it would ask for on the terminal. */
  asked: Set<string>;
}

/**
 * Understands as much of the shell as openrc files use, and runs nothing: assignments, `export`, `unset`, `read`, quotes,
 * `$NAME`, `${NAME:-default}`, and `if` and `&&` with `[ -z ... ]`, `[ -n ... ]` and `=`. All else (`echo`, `set`, ...) is
 * passed over. Throws `usage` where an `OS_*` variable depends on what only running the file would tell.
 */
export function parseOpenrc(text: string, file: string, env: NodeJS.ProcessEnv = {}): Openrc {
  const values = new Map<string, string>();
  const asked = new Set<string>();
  // One entry a nested `if`: whether its branch is taken, whether an earlier one was; undefined where we cannot know.
  const blocks: { taken: boolean | undefined; done: boolean | undefined }[] = [];
  let status: boolean | undefined = true;

  const lookUp = (name: string) => values.get(name) ?? env[name] ?? '';
  const expand = (word: Word): string => word.map((part) => ('text' in part ? part.text : 'command' in part ? '' : operate(lookUp(part.name), part.operator, part.other))).join('');
  const fail = (line: number, why: string): never => {
    throw new BaluchonError('usage', `${file} line ${line}: ${why}`, { hint: 'the file is read without being run: write the value itself there, or source the file and leave --openrc out' });
  };

  function assign(word: Word, line: number): boolean {
    const head = word[0];
    const match = head && 'text' in head ? /^([A-Za-z_]\w*)=/.exec(head.text) : null;
    if (!match) return false;
    const name = match[1]!;
    const value: Word = [{ text: (head as { text: string }).text.slice(match[0].length) }, ...word.slice(1)];
    if (name.startsWith('OS_')) {
      if (value.some((part) => 'command' in part)) fail(line, `${name} is what a command prints`);
      if (blocks.some((block) => block.taken === undefined)) fail(line, `${name} depends on a condition that is not understood`);
    }
    if (value.some((part) => 'name' in part && asked.has(part.name))) asked.add(name);
    else asked.delete(name);
    values.set(name, expand(value));
    return true;
  }

  function run({ words, line, joint }: Statement): void {
    const first = plain(words[0]);
    const rest = words.slice(1);
    if (first === 'if') {
      blocks.push({ taken: live(), done: false });
      run({ words: rest, line, joint: ';' });
      const block = blocks.at(-1)!;
      block.taken = block.taken === false ? false : status;
      block.done = block.taken;
      return;
    }
    if (first === 'then' || first === 'do') return run({ words: rest, line, joint: ';' });
    if (first === 'else' || first === 'elif') {
      const block = blocks.at(-1);
      const outside = blocks.slice(0, -1).every((each) => each.taken !== false);
      if (block) block.taken = !outside || block.done === true ? false : block.done === undefined ? undefined : true;
      run({ words: rest, line, joint: ';' });
      if (block && first === 'elif' && block.taken) block.taken = block.done = status;
      return;
    }
    if (first === 'fi') {
      blocks.pop();
      return;
    }
    if (!live() || words.length === 0) return;
    if ((joint === '&&' && status === false) || (joint === '||' && status === true)) return;
    if (joint !== ';' && status === undefined && names(words).some((name) => name.startsWith('OS_'))) fail(line, 'it depends on a condition that is not understood');
    if (first === '[' || first === '[[' || first === 'test') {
      const inner = first === 'test' ? rest : rest.slice(0, -1);
      status = inner.some((word) => word.some((part) => 'command' in part)) ? undefined : test(inner.map(expand));
      return;
    }
    status = first === undefined || ['export', 'unset', 'read', 'echo', 'declare', 'typeset', 'set', 'local', 'printf', ':', 'true'].includes(first) ? true : undefined;
    if (first === 'export' || first === 'declare' || first === 'typeset' || first === 'local') {
      for (const word of rest) assign(word, line);
    } else if (first === 'unset') {
      for (const word of rest) {
        values.delete(expand(word));
        asked.delete(expand(word));
      }
    } else if (first === 'read') {
      const given = rest.map(expand);
      const name = given.findLast((word, at) => /^[A-Za-z_]\w*$/.test(word) && !/^-\w*[pt]$/.test(given[at - 1] ?? ''));
      if (name) {
        asked.add(name);
        values.set(name, '');
      }
    } else if (assign(words[0]!, line)) {
      for (const word of rest) assign(word, line);
      status = true;
    }
  }

  const live = () => blocks.every((block) => block.taken !== false);
  for (const statement of statements(text, file)) run(statement);
  const variables = Object.fromEntries([...values].filter(([name]) => name.startsWith('OS_')));
  return { variables, asked: new Set([...asked].filter((name) => name.startsWith('OS_') && name in variables)) };
}

/** `[ ... ]`, undefined where it is not understood. */
function test(words: string[]): boolean | undefined {
  const [a, b, c] = words;
  if (a === '!') return ((inner) => (inner === undefined ? undefined : !inner))(test(words.slice(1)));
  if (words.length === 2 && a === '-z') return b === '';
  if (words.length === 2 && a === '-n') return b !== '';
  if (words.length === 1) return a !== '';
  if (words.length === 3 && (b === '=' || b === '==')) return a === c;
  if (words.length === 3 && b === '!=') return a !== c;
  return undefined;
}

function plain(word: Word | undefined): string | undefined {
  return word?.length === 1 && 'text' in word[0]! ? word[0].text : undefined;
}

function names(words: Word[]): string[] {
  return words.map((word) => (word[0] && 'text' in word[0] ? word[0].text : ''));
}

function operate(value: string, operator: string | undefined, other = ''): string {
  if (operator === ':-' || operator === ':=') return value || other;
  if (operator === ':+') return value ? other : '';
  return value;
}
