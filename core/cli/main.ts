import 'reflect-metadata';
import { interrupted, runCommand } from './run.js';
import { processTerminal } from './terminal.js';

const controller = new AbortController();
const [command] = process.argv.slice(2);
if (command !== 'serve') {
  // Once: what does not stop then is ended by the next Ctrl-C.
  process.once('SIGINT', () => {
    controller.abort(interrupted());
  });
}
process.exitCode = await runCommand(process.argv.slice(2), processTerminal(), controller.signal);
