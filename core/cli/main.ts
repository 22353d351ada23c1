import { tuneHeap } from './heap.js';

tuneHeap();
await import('reflect-metadata');
const { EXIT } = await import('./exit.js');
const { runCommand } = await import('./run.js');
const { signalled } = await import('./signals.js');
const { processTerminal } = await import('./terminal.js');

const args = process.argv.slice(2);
const signal = signalled(args[0] === 'serve' ? EXIT.failure : EXIT.interrupted);
process.exitCode = await runCommand(args, processTerminal(), signal);
