import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openTerminal } from '../../src/cli/terminal.ts';

function terminal(): { type: (text: string) => void; screen: () => string; raw: boolean[]; stop: AbortController; it: ReturnType<typeof openTerminal> } {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true as const, setRawMode: (mode: boolean) => raw.push(mode) });
  let screen = '';
  const output = { isTTY: true as const, write: (text: string) => ((screen += text), true) };
  const stop = new AbortController();
  const it = openTerminal(input as never, output as never, stop.signal, () => {});
  return { type: (text) => void input.write(text), screen: () => screen, raw, stop, it };
}

describe('a passphrase that is typed', () => {
  test('is not shown', async () => {
    const { type, screen, raw, it } = terminal();
    const typed = it.secret('Passphrase');
    type('s3crét\r');
    expect(await typed).toBe('s3crét');
    expect(screen()).toBe('Passphrase: \n');
    expect(raw).toEqual([true, false]);
  });

  test('can be corrected, wiped and pasted', async () => {
    const { type, it } = terminal();
    const typed = it.secret('Passphrase');
    type('wrong\u0015righ\u007fhht\b\bt \u001b[200~pasted\u001b[201~\n');
    expect(await typed).toBe('right pasted');
  });

  test.each([['Ctrl-C', 'abc\u0003'], ['Ctrl-D', '\u0004']])('is given up with %s', async (_, keys) => {
    const { type, raw, it } = terminal();
    const typed = it.secret('Passphrase');
    type(keys);
    await expect(typed).rejects.toMatchObject({ code: 'interrupted' });
    expect(raw.at(-1)).toBe(false);
  });

  test('is given up when the program is told to stop', async () => {
    const { stop, it } = terminal();
    const typed = it.secret('Passphrase');
    stop.abort();
    await expect(typed).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('may come a byte at a time', async () => {
    const { type, it } = terminal();
    const typed = it.secret('Passphrase');
    for (const byte of Buffer.from('é鍵\n')) type(Buffer.from([byte]) as unknown as string);
    expect(await typed).toBe('é鍵');
  });
});

describe('a question', () => {
  test.each([['y', true], ['YES', true], ['', false], ['n', false], ['yeah', false]])('answered with "%s" is %s', async (answer, expected) => {
    const { type, screen, it } = terminal();
    const asked = it.confirm('Do this on beta?');
    type(`${answer}\r`);
    expect(await asked).toBe(expected);
    expect(screen()).toBe(`Do this on beta? [y/N] ${answer}\n`);
  });
});
