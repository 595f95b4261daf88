import { describe, expect, test } from 'vitest';
import { openProgress, type ProgressOptions } from '../../src/cli/progress.ts';
import { plain } from '../../src/report/look.ts';
import { displayWidth } from '../../src/report/width.ts';

function progress(options: Partial<ProgressOptions>): { lines: string[]; tick: (ms: number) => void } & ReturnType<typeof openProgress> {
  const lines: string[] = [];
  let now = Date.parse('2026-11-21T12:00:00Z');
  const err = { look: { ...plain, width: 80 }, write: (text: string) => void lines.push(text) };
  return { lines, tick: (ms) => void (now += ms), ...openProgress(err, { mode: 'live', quiet: false, verbose: false, now: () => now, ...options }) };
}

const MIB = 2 ** 20;
const start = { type: 'start', id: 'v', what: 'volume mysql-storage', total: 100 * MIB, unit: 'bytes' } as const;

describe('progress on a terminal', () => {
  test('tells the share, the rate and the time left', () => {
    const { emit, lines, tick } = progress({});
    emit(start);
    tick(1000);
    emit({ type: 'progress', id: 'v', done: 20 * MIB });
    tick(1000);
    emit({ type: 'progress', id: 'v', done: 40 * MIB });
    expect(lines.at(-1)).toMatch(/^ {2}volume mysql-storage +█{8}░{12} +40 % +20 MiB\/s +0:03\n$/);
  });

  test('is drawn over itself, not below', () => {
    const { emit, lines, tick } = progress({});
    emit(start);
    tick(200);
    emit({ type: 'progress', id: 'v', done: MIB });
    expect(lines).toContain('\u001b[1A\u001b[J');
  });

  test('is drawn ten times a second at most, however many events there are', () => {
    const { emit, lines, tick } = progress({});
    emit(start);
    for (let done = 0; done < 1000; done += 1) {
      tick(1);
      emit({ type: 'progress', id: 'v', done });
    }
    expect(lines.filter((line) => line.includes('mysql'))).toHaveLength(11);
  });

  test('fits the terminal, with many things at once and wide names', () => {
    const { emit, lines, tick } = progress({});
    for (let id = 0; id < 20; id += 1) emit({ ...start, id: `${id}`, what: `server 負荷分散負荷分散負荷分散負荷分散負荷分散 ${id}` });
    tick(200);
    emit({ type: 'progress', id: '3', done: MIB });
    const frame = lines.at(-1)?.trimEnd().split('\n') ?? [];
    expect(frame).toHaveLength(9);
    expect(frame.at(-1)).toContain('and 12 more');
    for (const line of frame) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test('does nothing that a name asks of the terminal', () => {
    const { emit, lines } = progress({});
    emit({ ...start, what: 'volume \u001b[2J' });
    emit({ type: 'warning', message: 'odd \u001b]0;owned\u0007' });
    expect(lines.join('')).not.toMatch(/\u001b\[2J|\u0007/); // oxlint-disable-line no-control-regex
    expect(lines.join('')).toContain(String.raw`\x1b[2J`);
  });

  test('is gone when something else is to be written', () => {
    const { emit, clear, lines } = progress({});
    emit(start);
    clear();
    clear();
    expect(lines.filter((line) => line.startsWith('\u001b'))).toEqual(['\u001b[1A\u001b[J']);
  });
});

describe('progress without a terminal', () => {
  const events = (options: Partial<ProgressOptions>): string => {
    const { emit, lines } = progress({ mode: 'none', ...options });
    emit(start);
    emit({ type: 'progress', id: 'v', done: MIB });
    emit({ type: 'warning', message: 'no checksum', about: 'image x' });
    emit({ type: 'debug', message: 'GET /servers' });
    emit({ type: 'end', id: 'v', what: 'volume mysql-storage', outcome: 'done' });
    return lines.join('');
  };

  test('is the warnings alone', () => {
    expect(events({})).toBe('warning: no checksum (image x)\n');
  });

  test('is nothing with --quiet', () => {
    expect(events({ quiet: true })).toBe('');
  });

  test('is a line for all that ends, and what is done in between, with --verbose', () => {
    expect(events({ verbose: true })).toBe('warning: no checksum (image x)\nGET /servers\ndone volume mysql-storage, 0.0 s\n');
  });

  test('is one JSON object a line with --progress ndjson, each with its time', () => {
    const lines = events({ mode: 'ndjson' }).trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string; time: string });
    expect(lines.map(({ type }) => type)).toEqual(['start', 'progress', 'warning', 'end']);
    expect(new Set(lines.map(({ time }) => time))).toEqual(new Set(['2026-11-21T12:00:00.000Z']));
  });
});
