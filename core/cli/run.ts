import { CommanderError } from 'commander';
import { StowageError } from '../base/errors.js';
import { EXIT, exitCodeOf } from './exit.js';
import { buildProgram } from './program.js';
import type { Terminal } from './terminal.js';

/**
 * Runs one command line.
 * @param signal aborted when the user wants to stop
 * @returns the exit code
 */
export async function runCommand(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(terminal, signal, (code) => {
    exitCode = code;
  });
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        terminal.out(text.trimEnd());
      },
      writeErr: (text) => {
        terminal.err(text.trimEnd());
      },
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed what it throws.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (signal.aborted) return EXIT.interrupted;
    report(error, terminal);
    return exitCodeOf(error);
  }
}

function report(error: unknown, terminal: Terminal): void {
  if (error instanceof StowageError) {
    terminal.err(`stowage: ${error.message}`);
    if (error.hint !== undefined) terminal.err(`  ${error.hint}`);
    return;
  }
  terminal.err(
    `stowage: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
}
