import type { Emit, Event } from '../events.ts';
import type { Look } from '../report/look.ts';
import { safe } from '../report/safe.ts';
import { bytes, clock, count, duration } from '../report/units.ts';
import { clip, pad } from '../report/width.ts';
import type { Output } from './view.ts';

export interface Progress {
  readonly emit: Emit;
  /** True when each event is one line of JSON on stderr. */
  readonly json: boolean;
  /** Takes the live lines off the screen, so that something else can be written; the next event draws them again. */
  clear(): void;
  /** One line of JSON, with the time. */
  line(data: object): void;
}

export interface ProgressOptions {
  /** `ndjson`: lines for a program; `live`: drawn over and over; `none`: warnings alone. */
  mode: 'ndjson' | 'live' | 'none';
  quiet: boolean;
  verbose: boolean;
  now?: () => number;
}

/** A named piece of work under way. */
export interface Task {
  what: string;
  unit: 'bytes' | 'items' | undefined;
  total: number | undefined;
  done: number;
  begun: number;
  /** Recent (time, done) pairs: what the rate is taken from. */
  samples: [number, number][];
}

const REDRAW = 100;
const TICK = 500;
const WINDOW = 8_000;
const MOST_LINES = 8;

/** What long operations tell, on stderr. */
export function openProgress(err: Pick<Output, 'look' | 'write'>, options: ProgressOptions): Progress {
  const now = options.now ?? Date.now;
  const tasks = new Map<string, Task>();
  let finished = 0;
  let drawn = 0;
  let last = -Infinity;

  const line = (data: object): void => err.write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...data })}\n`);
  const clear = (): void => {
    if (drawn > 0) err.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
    last = -Infinity;
  };
  const draw = (): void => {
    if (now() - last < REDRAW) return;
    clear();
    const lines = frame([...tasks.values()], finished, now(), err.look);
    if (lines.length > 0) err.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
    last = now();
  };
  const say = (text: string): void => {
    clear();
    err.write(`${text}\n`);
  };

  const note = (event: Event): void => {
    if (event.type === 'start') {
      tasks.set(event.id, { what: event.what, unit: event.unit, total: event.total, done: 0, begun: now(), samples: [[now(), 0]] });
    } else if (event.type === 'progress') {
      const task = tasks.get(event.id);
      if (task !== undefined) step(task, event.done, event.total, now());
    } else if (event.type === 'end') {
      const task = tasks.get(event.id);
      tasks.delete(event.id);
      finished += 1;
      if (options.verbose || (event.outcome === 'failed' && !options.quiet)) say(ended(event, task, now(), err.look));
    } else if (event.type === 'warning') {
      if (!options.quiet) say(`${err.look.tone('warn', 'warning:')} ${safe(event.message)}${event.about === undefined ? '' : ` (${safe(event.about)})`}`);
    } else if (options.verbose) {
      say(err.look.tone('faint', safe(event.message)));
    }
  };

  // A cloud may be silent for minutes: the seconds go on, so that it does not look like us being stuck.
  let ticking: NodeJS.Timeout | undefined;
  const tick = (): void => {
    if (tasks.size > 0) {
      ticking ??= setInterval(draw, TICK).unref();
      return;
    }
    clearInterval(ticking);
    ticking = undefined;
  };

  const emit: Emit = (event) => {
    if (options.mode === 'ndjson') {
      if (event.type !== 'debug' || options.verbose) line(event);
      return;
    }
    note(event);
    if (options.mode !== 'live') return;
    draw();
    tick();
  };
  return { emit, json: options.mode === 'ndjson', clear, line };
}

function step(task: Task, done: number, total: number | undefined, time: number): void {
  task.done = done;
  task.total = total ?? task.total;
  task.samples.push([time, done]);
  while (task.samples.length > 2 && time - (task.samples[0]?.[0] ?? time) > WINDOW) task.samples.shift();
}

/** The live lines: one for each piece of work, those with a size first, and one that sums up when there are many. */
export function frame(tasks: readonly Task[], finished: number, time: number, look: Look): string[] {
  const sorted = [...tasks].sort((a, b) => Number(b.total !== undefined) - Number(a.total !== undefined) || a.begun - b.begun);
  const shown = sorted.slice(0, MOST_LINES);
  const rest = sorted.length - shown.length;
  const sum = rest > 0 || (finished > 0 && tasks.length > 0) ? [look.tone('faint', `  ${finished} done${rest > 0 ? `, and ${count(rest, 'more')}`.replace('mores', 'more') : ''}`)] : [];
  return [...shown.map((task) => taskLine(task, time, look)), ...sum];
}

const BAR = 20;
// Bar, share, rate and time left, a space between each.
const COLUMNS = BAR + 5 + 10 + 7 + 3;

function taskLine(task: Task, time: number, look: Look): string {
  const rate = rateOf(task, time);
  const elapsed = (time - task.begun) / 1000;
  const share = task.total === undefined || task.total <= 0 ? undefined : Math.min(1, task.done / task.total);
  const amount = task.unit === 'items' ? `${task.done}${task.total === undefined ? '' : `/${task.total}`}` : task.done > 0 ? bytes(task.done) : '';
  const speed = task.unit === 'items' || rate === undefined || rate <= 0 ? '' : `${bytes(rate)}/s`;
  const left = share === undefined || rate === undefined || rate <= 0 || task.total === undefined ? undefined : (task.total - task.done) / rate;
  const end = share === undefined
    ? pad([amount, elapsed < 1 ? '' : `for ${elapsed < 60 ? `${Math.floor(elapsed)} s` : duration(elapsed)}`].filter((text) => text !== '').join('  '), COLUMNS, 'right')
    : [bar(share, look), pad(`${Math.floor(share * 100)} %`, 5, 'right'), pad(speed || amount, 10, 'right'), pad(left === undefined ? '' : clock(left), 7, 'right')].join(' ');
  const room = Math.max(10, Math.min(look.width, 120) - COLUMNS - 5);
  return `  ${pad(clip(safe(task.what), room), room)}  ${end}`;
}

function bar(share: number, look: Look): string {
  const full = Math.round(share * BAR);
  return `${look.tone('good', '█'.repeat(full))}${look.tone('faint', '░'.repeat(BAR - full))}`;
}

/** Units a second over the recent past; undefined before there is anything to tell it from. */
function rateOf(task: Task, time: number): number | undefined {
  const [first] = task.samples;
  const passed = first === undefined ? 0 : time - first[0];
  return first === undefined || passed < 500 ? undefined : ((task.done - first[1]) / passed) * 1000;
}

function ended(event: Event & { type: 'end' }, task: Task | undefined, time: number, look: Look): string {
  const mark = event.outcome === 'done' ? look.tone('good', 'done') : event.outcome === 'failed' ? look.tone('bad', 'failed') : look.tone('faint', 'skipped');
  const took = task === undefined ? '' : `, ${duration((time - task.begun) / 1000)}`;
  return `${mark} ${safe(event.what)}${event.detail === undefined ? '' : `: ${safe(event.detail)}`}${look.tone('faint', took)}`;
}
