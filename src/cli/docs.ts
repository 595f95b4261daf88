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

function section(command: Command): string[] {
  const declaration = DECLARATIONS.find(({ usage }) => usage.split(' ')[0] === command.name());
  return [
    `## baluchon ${command.name()}`,
    '',
    '```',
    `baluchon ${command.name()}${command.options.length > 0 ? ' [options]' : ''}${command.registeredArguments.map((argument) => (argument.required ? ` <${argument.name()}>` : ` [${argument.name()}]`)).join('')}`,
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
  ...program.commands.map((command) => `| [\`baluchon ${command.name()}\`](#baluchon-${command.name()}) | ${cell(command.summary())} |`),
  '',
  '## Options of every command',
  '',
  ...optionRows(GLOBALS),
  ...program.commands.flatMap(section),
];
process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
