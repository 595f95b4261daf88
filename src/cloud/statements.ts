import { BaluchonError } from '../errors.ts';

/** A piece of a word: as it stands, the value of a variable, or what a command would print. */
export type Part = { text: string } | { name: string; operator?: string; other?: string } | { command: string };
export type Word = Part[];
export interface Statement {
  line: number;
  words: Word[];
  /** What joins it to the one before. */
  joint: '&&' | '||' | ';';
}

/** Cuts the text into statements, as far as quotes, comments, `;`, `&&`, `||` and line ends make them. */
export function statements(text: string, file: string): Statement[] {
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
