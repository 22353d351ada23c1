import 'reflect-metadata';
import { processTerminal } from '../terminal.js';
import { runDemo } from './demo.js';

process.exitCode = await runDemo(process.argv.slice(2), processTerminal());
