import { Command, Option } from 'commander';
import { CONTAINER_FORMATS, DISK_FORMATS } from '../image/image.js';
import { loadConfig } from '../config/load.js';
import { checkConfig, printConfig, printSchema } from './commands/config.js';
import type { ApiClient } from './client.js';
import type { ImportOptions } from './commands/import.js';
import type { ListOptions, PlanOptions, ShowOptions } from './commands/imports.js';
import { EXIT } from './exit.js';
import type { ServerOptions } from './server.js';
import type { Terminal } from './terminal.js';
import { usageError } from './usage.js';
import { version } from './version.js';

interface ServeOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: number;
}

const EXIT_CODES = `
Exit codes:
  ${EXIT.ok}    done
  ${EXIT.failure}    failed
  ${EXIT.usage}    wrong arguments or configuration
  ${EXIT.unsafe}    inspect: an image is not safe
  ${EXIT.importFailed}    an import that was waited for has not succeeded
  ${EXIT.unreachable}    the server cannot be reached
  ${EXIT.interrupted}  interrupted`;

/**
 * The commands with their help. Heavy parts are loaded by the command that needs them, so that
 * `--help` and `inspect` start at once.
 * @param ended takes the exit code of a command that has one of its own
 */
export function buildProgram(
  terminal: Terminal,
  signal: AbortSignal,
  ended: (exitCode: number) => void,
): Command {
  const program = new Command('stowage')
    .description(
      'Takes virtual-machine disk images in: OpenStack Image API v2, with a pipeline of plugins',
    )
    .version(version(), '--version', 'print the version')
    .showHelpAfterError('(see --help)')
    .addHelpText('after', EXIT_CODES);

  withConfig(program.command('serve'))
    .description('serve the Image API until SIGTERM or SIGINT; a second signal ends at once')
    .option('--host <ADDRESS>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <N>', 'port to listen on, 0 for any (default: 9292)', portNumber)
    .action(async (options: ServeOptions) => {
      const { config: file, dataDir, host, port } = options;
      const config = loadConfig({ file, flags: { dataDir, host, port } });
      const { serve } = await import('./commands/serve.js');
      ended(await serve(config, terminal, signal));
    });

  addImport(program, terminal, signal);

  program
    .command('inspect')
    .description('say what image files are and whether they are safe; reads them, runs nothing')
    .argument('<files...>', 'image files')
    .option('--json', 'one JSON object for each file on a line')
    .action(async (files: string[], { json = false }: { json?: boolean }) => {
      const { inspectFiles } = await import('./inspect.js');
      ended(await inspectFiles(files, { json }, terminal.out));
    });

  addImports(program, terminal, signal);
  addConfig(program, terminal);
  addPlugins(program, terminal, ended);
  return program;
}

function addImport(program: Command, terminal: Terminal, signal: AbortSignal): void {
  withServer(program.command('import'))
    .description(
      'import an image file, or a URL that the server downloads; without a server, in this process',
    )
    .argument('<file-or-url>', 'image file, or URL with http:// or https://')
    .option('--name <NAME>', 'name of the image (default: of the file)')
    .addOption(
      new Option('--disk-format <FORMAT>', 'default: found by looking into it').choices(
        DISK_FORMATS,
      ),
    )
    .addOption(
      new Option('--container-format <FORMAT>', 'envelope of the image')
        .choices(CONTAINER_FORMATS)
        .default('bare'),
    )
    .option('--store <ID>', 'target store; may be repeated (default: the default store)', collect)
    .option('--all-stores', 'all stores')
    .option('--property <KEY=VALUE>', 'property of the image; may be repeated', collect)
    .option('--checksum <ALGO:HEX>', 'digest that the bytes must have, such as sha256:…')
    .option('--json', 'events as JSON, one on a line')
    .option('--no-wait', 'do not wait for the end')
    .action(async (source: string, options: ImportOptions) => {
      const { importImage } = await import('./commands/import.js');
      await importImage(source, options, terminal, signal);
    });
}

function addImports(program: Command, terminal: Terminal, signal: AbortSignal): void {
  const imports = program
    .command('imports')
    .description('see and steer the imports of a running server');
  const load = (): Promise<typeof import('./commands/imports.js')> =>
    import('./commands/imports.js');
  const connect = async (options: ServerOptions): Promise<ApiClient> =>
    (await import('./server.js')).connect(options);

  withServer(imports.command('list'))
    .description('list imports, the newest first')
    .option('--image <ID>', 'only those of an image')
    .option('--state <STATE>', 'only those in a state')
    .option('--limit <N>', 'at most so many', wholeNumber)
    .option('--json', 'one JSON object for each import on a line')
    .action(async (options: ListOptions & ServerOptions) => {
      await (await load()).listImports(await connect(options), options, terminal);
    });
  withServer(imports.command('show'))
    .description('show an import: tasks, progress, why it waits, why it failed and what to do')
    .argument('<import>')
    .option('--follow', 'until it has ended')
    .option('--json', 'as JSON; with --follow one event on a line')
    .action(async (id: string, options: ShowOptions & ServerOptions) => {
      await (await load()).showImport(await connect(options), id, options, terminal, signal);
    });
  withServer(imports.command('cancel'))
    .description('stop an import; what the client sent is kept')
    .argument('<import>')
    .action(async (id: string, options: ServerOptions) => {
      await (await load()).cancelImport(await connect(options), id, terminal);
    });
  withServer(imports.command('retry'))
    .description('begin a failed import again, or its failed reverts')
    .argument('<import>')
    .option('--follow', 'until it has ended')
    .option('--json', 'as JSON; with --follow one event on a line')
    .action(async (id: string, options: ShowOptions & ServerOptions) => {
      await (await load()).retryImport(await connect(options), id, options, terminal, signal);
    });
  withServer(imports.command('plan'))
    .description('show what an import would do: tasks, workspace, what would be skipped and why')
    .argument('<image>')
    .option('--method <NAME>', 'import method', 'glance-direct')
    .option('--uri <URL>', 'source of web-download')
    .option('--store <ID>', 'target store; may be repeated', collect)
    .option('--all-stores', 'all stores')
    .option('--json', 'as JSON')
    .action(async (id: string, options: PlanOptions & ServerOptions) => {
      await (await load()).planImport(await connect(options), id, options, terminal);
    });
}

function addConfig(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('check and show the configuration');
  const load = ({ config: file, dataDir }: ServeOptions): ReturnType<typeof loadConfig> =>
    loadConfig({ file, flags: { dataDir } });
  withConfig(config.command('check'))
    .description('say everything that would stop the start, plugins included')
    .action((options: ServeOptions) => checkConfig(load(options), terminal));
  withConfig(config.command('show'))
    .description('print what is in effect as YAML, with absolute paths and masked secrets')
    .action((options: ServeOptions) => {
      printConfig(load(options), terminal);
    });
  config
    .command('schema')
    .description('print the JSON Schema of the config file, for editors')
    .action(() => {
      printSchema(terminal);
    });
}

function addPlugins(program: Command, terminal: Terminal, ended: (exitCode: number) => void): void {
  const plugins = program.command('plugins').description('see what the configuration loads');
  for (const [name, description] of [
    ['list', 'list tasks, methods and stores with their plugins'],
    ['check', 'load every plugin that is listed and say everything that is wrong'],
  ] as const) {
    withConfig(plugins.command(name))
      .description(description)
      .option('--json', 'as JSON')
      .action(
        async ({ config: file, dataDir, json = false }: ServeOptions & { json?: boolean }) => {
          const { checkPlugins, listPlugins } = await import('./plugins.js');
          const run = name === 'list' ? listPlugins : checkPlugins;
          ended(await run(loadConfig({ file, flags: { dataDir } }), { json }, terminal.out));
        },
      );
  }
}

function withConfig(command: Command): Command {
  return command
    .option('--config <FILE>', 'YAML config file (default: built-in defaults)')
    .option('--data-dir <DIR>', 'where everything embedded lives (default: ./data)');
}

function withServer(command: Command): Command {
  return withConfig(command)
    .option('--url <URL>', 'base URL of the server (default: the one that runs on the data dir)')
    .option(
      '--header <LINE>',
      'HTTP header "Name: value" for the server; may be repeated',
      collect,
    );
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw usageError(`"${text}" is not a whole number`, 'Write digits only');
  return Number(text);
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_535) throw usageError(`"${text}" is not a port`, 'Write a number from 0 to 65535');
  return port;
}
