/** A server of a kind: runs `sleep <argument>` confined, and says so when it has begun. */
import { createPrograms } from '../../core/process/programs.js';

const [, , seconds = '60'] = process.argv;
const programs = createPrograms(
  { confinement: 'auto', addressSpace: 1024 ** 3, niceness: 0 },
  () => undefined,
);
await programs.run({
  program: 'sh',
  args: ['-c', `echo started; sleep ${seconds}; true`],
  signal: new AbortController().signal,
  readable: [],
  writable: [],
  limits: { wallMs: 60_000, addressSpace: 1024 ** 3 },
  onOutput: (line) => {
    console.log(line);
  },
});
