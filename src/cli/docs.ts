// Prints docs/cli.md from the same declarations that the program runs with: `npm run docs`.
import type { Command, Option } from 'commander';
import { buildProgram, DECLARATIONS, GLOBALS } from './program.ts';

const program = buildProgram('0.0.0', async () => {});

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function optionRows(options: readonly Option[]): string[] {
  if (options.length === 0) return [];
  const rows = options.map((option) => {
    const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
    const standard = option.defaultValue === undefined || option.defaultValue === true ? '' : `; default: ${String(option.defaultValue)}`;
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(option.description)}${option.description.includes(':') ? '' : choices}${standard}${option.mandatory ? '; needed' : ''} |`;
  });
  return ['| option | |', '|---|---|', ...rows, ''];
}

/** `keys list` for a command in a group. */
const fullName = (command: Command): string => (command.parent && command.parent !== program ? `${command.parent.name()} ${command.name()}` : command.name());

const all = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));

function section(command: Command): string[] {
  const name = fullName(command);
  const declaration = DECLARATIONS.find(({ usage }) => usage === name || usage.startsWith(`${name} <`) || usage.startsWith(`${name} [`));
  return [
    `## baluchon ${name}`,
    '',
    '```',
    `baluchon ${name}${command.options.length > 0 ? ' [options]' : ''}${command.registeredArguments.map((argument) => (argument.required ? ` <${argument.name()}${argument.variadic ? '...' : ''}>` : ` [${argument.name()}]`)).join('')}`,
    '```',
    '',
    cell(command.description()),
    '',
    ...optionRows(command.options),
    '```',
    ...(declaration?.examples ?? []),
    '```',
    '',
  ];
}

const lines = [
  '# The commands',
  '',
  'This page is made from the program itself (`npm run docs`). Exit codes, JSON documents and events: [scripting.md](scripting.md).',
  '',
  '| command | does |',
  '|---|---|',
  ...all.map((command) => `| [\`baluchon ${fullName(command)}\`](#baluchon-${fullName(command).replaceAll(' ', '-')}) | ${cell(command.summary())} |`),
  '',
  '## Options of every command',
  '',
  ...optionRows(GLOBALS),
  ...all.flatMap(section),
];
process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
