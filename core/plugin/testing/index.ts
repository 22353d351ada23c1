/**
 * For the tests of plugins, published as `stowage/plugin/testing`: what a task or a method has at
 * hand, on real temporary files, with the core inspector. Needs no test runner and no server.
 */
export { anImage } from './an-image.js';
export { nodeFiles } from './node-files.js';
export { silentLog } from './silent-log.js';
export { methodContext } from './method-context.js';
export { TestTaskContext, taskContext } from './task-context.js';
export type { TaskContextOptions } from './task-context.js';
export { observed } from './observed.js';
