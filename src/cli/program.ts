import { type Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { Run } from './context.ts';

/** One command: everything commander and docs/cli.md need, and where its code is, which is loaded when it runs. */
export interface Declaration {
  usage: string;
  summary: string;
  /** Further paragraphs for its help. */
  more?: string[];
  options: Option[];
  examples: string[];
  load(): Promise<{ run: Run }>;
}

const VAULT = '<vault> is a folder, swift://CONTAINER[/PREFIX]?cloud=NAME, s3://BUCKET[/PREFIX], azure://... or gs://... (docs/stores.md), or a .baluchon file where it is only read.';
const BUNDLE = '<bundle> is <vault> (its latest bundle) or <vault>@<id, beginning of an id, latest, or a date>.';

const many = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
const number = (value: string): number => {
  if (!/^[1-9]\d{0,2}$/.test(value)) throw new InvalidArgumentError('a number from 1 to 999 is needed');
  return Number(value);
};

const days = (value: string): number => {
  if (!/^\d{1,4}$/.test(value)) throw new InvalidArgumentError('a number of days is needed');
  return Number(value);
};

const keep = (value: string): number => {
  if (value === 'all') return Infinity;
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('a number, or all, is needed');
  return Number(value);
};

const passphraseFile = new Option('--passphrase-file <file>', 'file that holds the passphrase (BALUCHON_PASSPHRASE_FILE)');
const keys = [passphraseFile, new Option('--identity <key.asc>', 'OpenPGP secret key that opens the vault (BALUCHON_IDENTITY)'), new Option('--paper <file>', 'paper key that opens the vault, typed in or scanned')];
const reading = [...keys, new Option('--allow-unknown-writer', 'look also at bundles that no writer of the vault has signed')];
const owner = new Option('--owner <key.asc>', 'OpenPGP public key that can read the vault; repeatable').argParser(many);
const writer = new Option('--writer <key.asc>', 'OpenPGP public key that can add bundles and read none; repeatable').argParser(many);
const cloud = [
  new Option('--os-cloud <name>', 'cloud of clouds.yaml (OS_CLOUD; without it the OS_* variables)'),
  new Option('--openrc <file>', 'file of variables as Horizon lets you download it'),
];
const filters = [
  new Option('--only <kind[:name]>', 'only these, and what they refer to; * and ? in names; repeatable').argParser(many),
];
const mapping = new Option('--map <file>', 'mapping file, as baluchon map writes it (default: the best guesses)');
const parallel = new Option('--parallel <n>', 'how many disks at once').argParser(number);
const salvage = new Option('--salvage', 'of a damaged bundle what can still be read; what is lost reads as zeros and is named, exit code 5');
const rate = (value: string): number => {
  const [, digits, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([KMG]?)$/i.exec(value) ?? [];
  const bytes = Math.floor(Number(digits) * 1024 ** ' KMG'.indexOf(unit.toUpperCase() || ' '));
  if (!(bytes >= 1)) throw new InvalidArgumentError('bytes a second are needed, such as 500K or 2.5M');
  return bytes;
};
const limitUpload = new Option('--limit-upload <rate>', 'at most so many bytes a second into the vault, on average: 500K, 2.5M').argParser(rate);
const yes = new Option('--yes', 'do it without asking');

export const DECLARATIONS: readonly Declaration[] = [
  {
    usage: 'init <vault>',
    summary: 'create a vault and its keys',
    more: ['Whoever holds the passphrase, or the secret key of one of the owners, can read the vault; nobody else can, and nobody can help when they are lost.'],
    options: [
      passphraseFile,
      owner,
      writer,
      new Option('--profile <profile>', 'rfc4880: opens with gpg since 2.2 and with sq; rfc9580: authenticated encryption and Argon2, opens with sq since 1.0 and no gpg').choices(['rfc4880', 'rfc9580']).default('rfc4880'),
    ],
    examples: ['baluchon init ./vault', "baluchon init 'swift://backups/miop?cloud=beta'", 'baluchon init ./vault --passphrase-file pw', 'baluchon init ./vault --owner alice.asc --owner bob.asc --writer backup-host.asc'],
    load: () => import('./commands/init.ts'),
  },
  {
    usage: 'export <vault>',
    summary: 'pack a project into a bundle',
    more: [
      VAULT,
      'Temporary snapshots, volumes and images are removed at the end, after a failure and after Ctrl-C as well.',
      'With --disk it packs image files instead of a project: raw and qcow2 as they are, vmdk, vdi, vhdx and vhd through qemu-img.',
    ],
    options: [
      ...cloud,
      ...keys,
      ...filters,
      new Option('--exclude <kind[:name]>', 'all but these; repeatable').argParser(many),
      new Option('--no-disks', 'the topology alone'),
      new Option('--tag <tag>', 'word by which to find and keep the bundle; repeatable').argParser(many),
      new Option('--disk <name=file>', 'without a cloud: this image file as a volume of that name; repeatable').argParser(many),
      new Option('--consistency <how>', 'crash: as after a power cut; quiesce: frozen by the guest agent; stop: servers stopped meanwhile').choices(['crash', 'quiesce', 'stop']).default('crash'),
      new Option('--scratch <folder>', 'where one image per disk under way is kept for a while (default: the system\'s temporary folder)'),
      parallel,
      limitUpload,
    ],
    examples: ['baluchon export ./vault --os-cloud alpha', "baluchon export ./vault --os-cloud alpha --only 'server:web-*'", 'baluchon export ./vault --openrc miop-openrc.sh --no-disks', 'baluchon export ./vault --disk web=/var/lib/libvirt/images/web.qcow2 --disk data=data.vmdk'],
    load: () => import('./commands/export.ts'),
  },
  {
    usage: 'list <vault>',
    summary: 'list the bundles of a vault',
    more: [VAULT],
    options: reading,
    examples: ['baluchon list ./vault'],
    load: () => import('./commands/list.ts'),
  },
  {
    usage: 'show <bundle> [what]',
    summary: 'show what is in a bundle: the topology as a tree',
    more: [BUNDLE, '[what] is KIND or KIND/NAME (or KIND/ID): these documents in full, as YAML.'],
    options: [...reading, salvage],
    examples: ['baluchon show ./vault', 'baluchon show ./vault@2026-11-21', 'baluchon show ./vault server/php-1'],
    load: () => import('./commands/show.ts'),
  },
  {
    usage: 'map <bundle>',
    summary: 'write a mapping file for a cloud, with the best guesses filled in',
    more: [BUNDLE, 'Touches nothing. The file says how flavors, external networks, volume types, zones and public images of the bundle are called on the cloud: edit it, then give it to plan and import.'],
    options: [...cloud, ...reading],
    examples: ['baluchon map ./vault --os-cloud beta > map.yaml'],
    load: () => import('./commands/map.ts'),
  },
  {
    usage: 'plan <bundle>',
    summary: 'say what an import would do; touches nothing',
    more: [BUNDLE, 'Exit code 1 when an import with this plan would be refused: conflicts, or a quota that is too small.'],
    options: [...cloud, ...reading, mapping, ...filters, new Option('--rename <pattern>', 'new names; {name} stands for the old one')],
    examples: ['baluchon plan ./vault --os-cloud beta --map map.yaml'],
    load: () => import('./commands/plan.ts'),
  },
  {
    usage: 'import <bundle>',
    summary: 'unpack a bundle into a project',
    more: [
      BUNDLE,
      'Shows the plan and asks before anything is created. What is there already is not created again: the same command goes on where an earlier one stopped.',
      'Ends with the fidelity report and the map of old to new addresses; exit code 1 when something failed or was lost.',
    ],
    options: [...cloud, ...reading, mapping, ...filters, new Option('--rename <pattern>', 'new names; {name} stands for the old one'), yes, parallel],
    examples: ['baluchon import ./vault --os-cloud beta --map map.yaml', 'baluchon import ./vault@3f2a --os-cloud beta --yes'],
    load: () => import('./commands/import.ts'),
  },
  {
    usage: 'diff <left> <right>',
    summary: 'what differs between two bundles or projects',
    more: ['Attribute by attribute. Each side is a bundle, or cloud:NAME for a cloud of clouds.yaml as it is now. Exit code 1 when something differs.', 'Of two bundles of one vault it tells as well how much of each disk differs, without reading the disks.'],
    options: reading,
    examples: ['baluchon diff ./vault cloud:beta', 'baluchon diff ./vault@2026-11-01 ./vault'],
    load: () => import('./commands/diff.ts'),
  },
  {
    usage: 'extract <bundle>',
    summary: 'plain files: documents as YAML, disks as images',
    more: [BUNDLE, 'Writes DIR/documents/KIND/ID.yaml and DIR/disks/ID.raw (sparse) or .qcow2. DIR must be empty or not exist.'],
    options: [
      new Option('-o, --output <dir>', 'folder to write to').makeOptionMandatory(),
      ...filters,
      new Option('--disk-format <format>', 'raw or qcow2').choices(['raw', 'qcow2']).default('raw'),
      salvage,
      new Option('--bagit', 'as a BagIt bag (RFC 8493): all that under DIR/data, with SHA-256 digests beside it'),
      ...reading,
    ],
    examples: ['baluchon extract ./vault -o out', 'baluchon extract ./vault@3f2a -o out --disk-format qcow2', 'baluchon extract ./vault -o out --only volume:mysql-storage'],
    load: () => import('./commands/extract.ts'),
  },
  {
    usage: 'cat <bundle> <what>',
    summary: 'the bytes of one disk, or of a part of it, on stdout',
    more: [BUNDLE, '<what> is KIND/NAME or KIND/ID of what the disk belongs to. Only what is asked for is fetched and deciphered. Zeros are written as zeros: to get a sparse file, use extract.'],
    options: [new Option('--range <offset+length>', 'bytes, or with KiB, MiB, GiB, TiB; without a length to the end'), ...reading],
    examples: ['baluchon cat ./vault volume/mysql-storage --range 512+64KiB | hexdump -C', 'baluchon cat ./vault server/php-1 > php-1.raw'],
    load: () => import('./commands/cat.ts'),
  },
  {
    usage: 'pack <bundle>',
    summary: 'one bundle as one file, to carry or to send',
    more: [BUNDLE, 'Needs no key: the file holds one bundle as enciphered as it is in the vault, and opens with the same keys. It can be given wherever a vault is only read.'],
    options: [new Option('-o, --output <file>', 'file to write; must not exist').makeOptionMandatory()],
    examples: ['baluchon pack ./vault -o miop.baluchon', 'baluchon show miop.baluchon'],
    load: () => import('./commands/pack.ts'),
  },
  {
    usage: 'unpack <file> <vault>',
    summary: 'bring such a file into a vault',
    more: ['<vault> is a new place, or the vault that the bundle came from: what is there already is not written again. Needs no key.', 'Exit code 5 when the file is not whole; nothing is written then.'],
    options: [],
    examples: ['baluchon unpack miop.baluchon ./vault'],
    load: () => import('./commands/unpack.ts'),
  },
  {
    usage: 'verify <vault>',
    summary: 'is every byte there, and as it was written?',
    more: ['<vault> stands for all its bundles, <vault>@<bundle> for one.', 'Exit code 5 when something is damaged or missing.'],
    options: [
      ...reading,
      new Option('--read-data', 'decipher and check every byte of every disk as well'),
      new Option('--without-keys', 'what can be checked without any: each file against its name, that all which bundles need is there, the chain'),
    ],
    examples: ['baluchon verify ./vault', 'baluchon verify ./vault@latest --read-data', 'baluchon verify ./vault --without-keys'],
    load: () => import('./commands/verify.ts'),
  },
  {
    usage: 'copy <vault> <target>',
    summary: 'bring what is missing to another vault, without keys',
    more: [
      'From any place to any place: <target> is empty, or an earlier copy. What it has already is not sent again; the same command goes on where one was cut short.',
      'Each file is checked before it is written. Exit code 5 when something of the source is damaged: it is named, and all else is copied.',
      'Change keys in one vault, and copy from there: who was put out of <target> is not brought back, and who was put out of <vault> but can still open <target> is named.',
    ],
    options: [new Option('--salvage', 'copy bundles of which something is lost as well'), new Option('--parallel <n>', 'how many files at once').argParser(number), limitUpload],
    examples: ['baluchon copy ./vault /mnt/shelf/vault', "baluchon copy ./vault 'swift://baluchon?cloud=beta'"],
    load: () => import('./commands/copy.ts'),
  },
  {
    usage: 'forget <vault>',
    summary: 'remove bundles that no rule keeps',
    more: [
      'Rules add up: a bundle stays that one of them keeps. Of each period that has one the newest is kept, so many of them; until there are so many the very oldest stays too. Each project of the vault counts for itself.',
      '<vault>@<bundle> forgets this one. The newest bundle of a project goes only with --even-the-last. Needs an owner\'s key; what only these bundles needed is removed by prune.',
    ],
    options: [
      ...keys,
      new Option('--keep-last <n>', 'the newest n').argParser(keep),
      new Option('--keep-hourly <n>', 'the newest of each of n hours that have one').argParser(keep),
      new Option('--keep-daily <n>', 'the same for days').argParser(keep),
      new Option('--keep-weekly <n>', 'the same for weeks, which begin on Monday').argParser(keep),
      new Option('--keep-monthly <n>', 'the same for months').argParser(keep),
      new Option('--keep-yearly <n>', 'the same for years').argParser(keep),
      new Option('--keep-within <time>', 'all within this time before the newest: 36h, 7d, 2y5m7d3h'),
      new Option('--keep-tag <tag>', 'all with this tag; repeatable').argParser(many),
      new Option('--even-the-last', 'also the newest bundle of a project'),
      new Option('--dry-run', 'only say which, and why'),
    ],
    examples: ['baluchon forget ./vault --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run', 'baluchon forget ./vault --keep-within 30d --keep-tag release', 'baluchon forget ./vault@3f2a'],
    load: () => import('./commands/forget.ts'),
  },
  {
    usage: 'prune <vault>',
    summary: 'remove what no bundle needs, without keys',
    more: [
      'In two phases, so that no export is hurt that runs meanwhile: what no bundle needs is marked now, and removed by a prune after the grace period if still nothing needs it. Run it now and then.',
    ],
    options: [
      new Option('--grace <days>', 'days between marking and removing (default: 7); fewer only where nothing else writes to the vault').argParser(days),
      new Option('--dry-run', 'only say what it would do'),
      new Option('--repack', 'with an owner\'s key: packs of which less than half is needed as well; bundles that use them are written anew and get new ids'),
      ...keys,
    ],
    examples: ['baluchon prune ./vault --dry-run', 'baluchon prune ./vault', 'baluchon prune ./vault --repack --passphrase-file pw'],
    load: () => import('./commands/prune.ts'),
  },
  {
    usage: 'repair <vault>',
    summary: 'make a damaged vault usable, and say what is lost',
    more: [
      'Reads every pack, writes the index anew, brings back lists of packs, and moves what damaged packs still hold into new ones. A bundle that can be made whole is written anew, with a new id.',
      'Exit code 5 when something is lost for good: disks and ranges of bytes are named, and exports no longer rely on what is damaged.',
    ],
    options: [...keys, new Option('--accept-loss', 'write bundles anew also where something of them is lost')],
    examples: ['baluchon repair ./vault', 'baluchon copy /mnt/shelf/vault ./vault && baluchon repair ./vault'],
    load: () => import('./commands/repair.ts'),
  },
  {
    usage: 'keys list <vault>',
    summary: 'who can read a vault, and who can add to it',
    more: [VAULT],
    options: keys,
    examples: ['baluchon keys list ./vault'],
    load: () => import('./commands/keys-list.ts'),
  },
  {
    usage: 'keys add <vault>',
    summary: 'let more owners or writers in',
    more: ['Needs an owner\'s key. A new owner can read everything, what is there already included.', 'Without --owner, --writer and --new-passphrase-file it asks for a new passphrase.'],
    options: [owner, writer, new Option('--new-passphrase-file <file>', 'file that holds a further passphrase; repeatable').argParser(many), ...keys],
    examples: ['baluchon keys add ./vault --owner bob.asc', 'baluchon keys add ./vault --writer backup-host.asc', 'baluchon keys add ./vault --new-passphrase-file new'],
    load: () => import('./commands/keys-add.ts'),
  },
  {
    usage: 'keys remove <vault> <who...>',
    summary: 'put owners or writers out',
    more: [
      '<who> is a name as keys list shows it, or the beginning or end of a fingerprint.',
      'Begins a new epoch: what is exported from now on is sealed to a key that they don\'t have. What was there they may have read or copied; that can\'t be undone. The bundles of a writer stay; new ones by it are refused.',
      'Whoever is out already, but still has a key file in the vault (a removal that was cut short, a copy of a vault), is named in the same way: the file is taken away, and no epoch begins.',
    ],
    options: keys,
    examples: ['baluchon keys remove ./vault passphrase-2', 'baluchon keys remove ./vault 8A1F22D04C0E9B17'],
    load: () => import('./commands/keys-remove.ts'),
  },
  {
    usage: 'keys rotate <vault>',
    summary: 'a new vault key for what comes',
    more: ['Needs no passphrase but the one that opens the vault: all owners and writers go on with the keys they have. Nothing that is stored is written again.'],
    options: keys,
    examples: ['baluchon keys rotate ./vault'],
    load: () => import('./commands/keys-rotate.ts'),
  },
  {
    usage: 'keys paper <vault>',
    summary: 'print a page that opens the vault, typed in or scanned',
    more: ['Makes a new paper key, which is an owner of its own: keys remove takes it away. The page is shown once and kept nowhere.', 'Give it to any command with --paper FILE, typed or scanned into a file.'],
    options: [new Option('-o, --output <file>', 'write it there, readable for you alone, in place of showing it: .html to print, .svg for the code alone, else text'), ...keys],
    examples: ['baluchon keys paper ./vault', 'baluchon keys paper ./vault -o paper.html'],
    load: () => import('./commands/keys-paper.ts'),
  },
  {
    usage: 'cleanup',
    summary: 'remove temporary snapshots, volumes and images that a crash left behind',
    more: ['They are called baluchon-tmp-...; those of an export that is running at this moment are among them.'],
    options: [...cloud, yes, new Option('--dry-run', 'only list them')],
    examples: ['baluchon cleanup --os-cloud alpha --dry-run', 'baluchon cleanup --os-cloud alpha --yes'],
    load: () => import('./commands/cleanup.ts'),
  },
  {
    usage: 'demo',
    summary: 'two simulated clouds, a project packed from one and unpacked on the other',
    more: ['Needs nothing: no cloud, no network, no configuration.'],
    options: [new Option('--keep <dir>', 'keep the vault and its passphrase in this folder')],
    examples: ['baluchon demo', 'baluchon demo --keep ./demo'],
    load: () => import('./commands/demo.ts'),
  },
];

export const GLOBALS: readonly Option[] = [
  new Option('--json', 'the result as one JSON document on stdout'),
  new Option('--progress <how>', 'ndjson: each event as one line of JSON on stderr').choices(['ndjson']),
  new Option('-q, --quiet', 'only results and errors'),
  new Option('-v, --verbose', 'more about what is done, and stack traces'),
];

const named = (argument: Argument): string => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`);

/** The command line. `start` is called with the chosen command. */
export function buildProgram(version: string, start: (declaration: Declaration, args: string[], options: Record<string, unknown>) => Promise<void>): Command {
  const program = new Command('baluchon')
    .description('Packs an OpenStack project into an encrypted bundle, and unpacks it on any cloud.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(named)].join(' ') })
    // Its complaints are put into our own form by main.ts.
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride();
  for (const option of GLOBALS) program.addOption(option);
  program.addHelpText('after', '\nTry it with nothing to set up: baluchon demo\nHelp on one command: baluchon export --help\n');
  for (const declaration of DECLARATIONS) {
    const [group, usage] = /^(\w+) (\w.*)$/.exec(declaration.usage)?.slice(1) ?? [];
    const command = (group === undefined ? program : groupOf(program, group))
      .command(usage ?? declaration.usage)
      .summary(declaration.summary)
      .description([`${declaration.summary[0]?.toUpperCase()}${declaration.summary.slice(1)}.`, ...(declaration.more ?? [])].join('\n\n'))
      .addHelpText('after', `\nExamples:\n${declaration.examples.map((line) => `  $ ${line}`).join('\n')}\n`)
      .action((...all: unknown[]) => {
        const args = all.slice(0, -2).flat().filter((arg): arg is string => typeof arg === 'string');
        return start(declaration, args, command.optsWithGlobals());
      });
    for (const option of declaration.options) command.addOption(option);
  }
  return program;
}

const GROUPS: Record<string, string> = { keys: 'owners and writers of a vault: list, add, remove, rotate, paper' };

/** The command that holds `keys list` and the like. */
function groupOf(program: Command, name: string): Command {
  const there = program.commands.find((command) => command.name() === name);
  if (there) return there;
  const summary = GROUPS[name] ?? '';
  return program.command(name).summary(summary).description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`).helpCommand(false);
}
