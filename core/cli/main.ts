import 'reflect-metadata';
import { EXIT } from './exit.js';
import { runCommand } from './run.js';
import { signalled } from './signals.js';
import { processTerminal } from './terminal.js';

const args = process.argv.slice(2);
const signal = signalled(args[0] === 'serve' ? EXIT.failure : EXIT.interrupted);
process.exitCode = await runCommand(args, processTerminal(), signal);
