import { IMAGE_TRANSITIONS } from '../image/status.js';
import { IMPORT_TRANSITIONS, TASK_TRANSITIONS } from './states.js';

/** The transition tables as the Markdown of `docs/states.md`. */
export function statesDocument(): string {
  return [
    '# States',
    '',
    'Every move that an image, an import or a task can make. Made from the tables in',
    '`core/image/status.ts` and `core/engine/states.ts`; any other move is refused.',
    '',
    ...section('Image', IMAGE_TRANSITIONS),
    ...section('Import', IMPORT_TRANSITIONS),
    ...section('Task', TASK_TRANSITIONS),
  ].join('\n');
}

function section(
  title: string,
  transitions: readonly (readonly [string, string, string])[],
): readonly string[] {
  const rows = transitions.map(([from, to, reason]) => `| ${from} | ${to} | ${reason} |`);
  return [`## ${title}`, '', '| from | to | when |', '| --- | --- | --- |', ...rows, ''];
}
