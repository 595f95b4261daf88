import { BaluchonError } from '../errors.ts';

/** What an openrc file says. */
export interface Openrc {
  /** The `OS_*` variables that it leaves set. */
  variables: Record<string, string>;
  /** Those whose value it would ask for on the terminal. */
  asked: Set<string>;
}

type Part = { text: string } | { name: string; operator?: string; other?: string } | { command: string };
type Word = Part[];
interface Statement {
  line: number;
  words: Word[];
  /** What joins it to the one before. */
  joint: '&&' | '||' | ';';
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

/** Cuts the text into statements, as far as quotes, comments, `;`, `&&`, `||` and line ends make them. */
function statements(text: string, file: string): Statement[] {
  const found: Statement[] = [];
  let [at, line] = [0, 1];
  let words: Word[] = [];
  let word: Word | undefined;
  let joint: Statement['joint'] = ';';

  const add = (part: Part) => {
    word ??= [];
    const before = word.at(-1);
    if ('text' in part && before && 'text' in before) before.text += part.text;
    else word.push(part);
  };
  const endWord = () => {
    if (word) words.push(word);
    word = undefined;
  };
  const endStatement = (next: Statement['joint']) => {
    endWord();
    if (words.length > 0) found.push({ words, line, joint });
    words = [];
    joint = next;
  };
  const unfinished = (what: string): never => {
    throw new BaluchonError('usage', `${file} line ${line}: ${what} is not closed`, { hint: 'is it the whole openrc file?' });
  };
  /** Past the closing bracket of what begins at `from`, quotes within respected. */
  const closing = (from: number, open: string, close: string): number => {
    let depth = 0;
    let quote = '';
    for (let i = from; i < text.length; i += 1) {
      const char = text[i]!;
      if (char === '\\') i += 1;
      else if (quote) quote = char === quote ? '' : quote;
      else if (char === "'" || char === '"') quote = char;
      else if (char === open) depth += 1;
      else if (char === close && --depth === 0) return i + 1;
    }
    return unfinished(`"${open}"`);
  };
  const dollar = () => {
    const rest = text.slice(at);
    const simple = /^\$([A-Za-z_]\w*)/.exec(rest) ?? /^\$\{([A-Za-z_]\w*)(?:(:[-=+])([^}$`]*))?\}/.exec(rest);
    if (simple) {
      const [all, name, operator, other] = simple;
      add({ name: name!, ...(operator && { operator, other: other!.replace(/^(["'])(.*)\1$/, '$2') }) });
      at += all.length;
    } else if (rest.startsWith('$(') || rest.startsWith('${')) {
      const end = closing(at + 1, rest[1]!, rest[1] === '(' ? ')' : '}');
      add({ command: text.slice(at, end) });
      at = end;
    } else {
      add({ text: '$' });
      at += 1;
    }
  };
  const backquote = () => {
    const end = text.indexOf('`', at + 1);
    if (end < 0) unfinished('"`"');
    add({ command: text.slice(at, end + 1) });
    at = end + 1;
  };

  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n' || char === '\r') {
      endStatement(';');
      if (char === '\n') line += 1;
      at += 1;
    } else if (char === '#' && !word) {
      while (at < text.length && text[at] !== '\n') at += 1;
    } else if (char === ' ' || char === '\t') {
      endWord();
      at += 1;
    } else if (char === ';') {
      endStatement(';');
      at += 1;
    } else if (text.startsWith('&&', at) || text.startsWith('||', at)) {
      endStatement(text.slice(at, at + 2) as '&&' | '||');
      at += 2;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) unfinished("a quote (')");
      const quoted = text.slice(at + 1, end);
      add({ text: quoted });
      line += quoted.split('\n').length - 1;
      at = end + 1;
    } else if (char === '"') {
      at += 1;
      add({ text: '' });
      while (text[at] !== '"') {
        const inner = text[at];
        if (inner === undefined) unfinished('a quote (")');
        else if (inner === '\\' && /["\\$`\n]/.test(text[at + 1] ?? '')) {
          if (text[at + 1] !== '\n') add({ text: text[at + 1]! });
          at += 2;
        } else if (inner === '$') dollar();
        else if (inner === '`') backquote();
        else {
          if (inner === '\n') line += 1;
          add({ text: inner });
          at += 1;
        }
      }
      at += 1;
    } else if (char === '\\') {
      if (text[at + 1] === '\n') line += 1;
      else add({ text: text[at + 1] ?? '' });
      at += 2;
    } else if (char === '$') dollar();
    else if (char === '`') backquote();
    else {
      add({ text: char });
      at += 1;
    }
  }
  endStatement(';');
  return found;
}
