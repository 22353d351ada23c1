import { formatByteSize } from '../../base/byte-size.js';
import type { ApiClient } from '../client.js';
import { followImport } from '../follow.js';
import { importError, inspectionHint } from '../import-job.js';
import { progressView } from '../progress-view.js';
import { drawRows, taskRows } from '../task-lines.js';
import type { Terminal } from '../terminal.js';
import { ImportList, ImportResource, PlanResource } from '../wire.js';

const BASE = '/stowage/v1';

export interface ListOptions {
  readonly image?: string;
  readonly state?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

/** Lists imports, the newest first. */
export async function listImports(
  client: ApiClient,
  options: ListOptions,
  terminal: Terminal,
): Promise<void> {
  const query = new URLSearchParams();
  if (options.image !== undefined) query.set('image_id', options.image);
  if (options.state !== undefined) query.set('state', options.state);
  if (options.limit !== undefined) query.set('limit', String(options.limit));
  const { imports } = await client.json(ImportList, `${BASE}/imports?${query.toString()}`);
  if (options.json === true) {
    for (const one of imports) terminal.out(JSON.stringify(one));
    return;
  }
  const rows = imports.map((one) => [one.id, one.image_id, one.method, one.state, one.created_at]);
  for (const line of table([['IMPORT', 'IMAGE', 'METHOD', 'STATE', 'CREATED'], ...rows])) {
    terminal.out(line);
  }
}

export interface ShowOptions {
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Shows an import with its tasks; with `follow`, until it has ended. */
export async function showImport(
  client: ApiClient,
  id: string,
  options: ShowOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  if (options.follow === true) {
    await watch(client, id, options, terminal, signal);
    return;
  }
  const shown = await client.json(ImportResource, pathOf(id));
  if (options.json === true) terminal.out(JSON.stringify(shown));
  else for (const line of describeImport(shown)) terminal.out(line);
}

/** Asks an import to stop. */
export async function cancelImport(
  client: ApiClient,
  id: string,
  terminal: Terminal,
): Promise<void> {
  await client.send(`${pathOf(id)}/cancel`, { method: 'POST' });
  terminal.out(`Import ${id} is being cancelled. See: stowage imports show ${id}`);
}

/** Begins the same import again, or the reverts of one whose revert has failed. */
export async function retryImport(
  client: ApiClient,
  id: string,
  options: ShowOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const begun = await client.json(ImportResource, `${pathOf(id)}/retry`, { method: 'POST' });
  if (options.follow === true) await watch(client, begun.id, options, terminal, signal);
  else if (options.json === true) terminal.out(JSON.stringify(begun));
  else terminal.out(`Import ${begun.id} is under way. See: stowage imports show ${begun.id}`);
}

export interface PlanOptions {
  readonly method: string;
  readonly uri?: string;
  readonly store?: readonly string[];
  readonly allStores?: boolean;
  readonly json?: boolean;
}

/** Shows what an import would do, and does nothing. */
export async function planImport(
  client: ApiClient,
  imageId: string,
  options: PlanOptions,
  terminal: Terminal,
): Promise<void> {
  const { method, uri, store = [], allStores, json } = options;
  const plan = await client.json(
    PlanResource,
    `${BASE}/images/${encodeURIComponent(imageId)}/plan`,
    {
      method: 'POST',
      json: {
        method: { name: method, ...(uri === undefined ? {} : { uri }) },
        ...(store.length > 0 ? { stores: store } : {}),
        ...(allStores === true ? { all_stores: true } : {}),
      },
    },
  );
  if (json === true) {
    terminal.out(JSON.stringify(plan));
    return;
  }
  terminal.out(`${plan.method} → ${plan.stores.join(', ')}`);
  if (plan.workspace != null)
    terminal.out(`staging needed at most: ${formatByteSize(plan.workspace)}`);
  const rows = plan.tasks.map((task) => [
    task.name ?? task.entry ?? task.plugin ?? '',
    task.store ?? '',
    typeof task.skip === 'string' ? `skipped: ${task.skip}` : 'runs',
    task.workspace == null || task.workspace === 0 ? '' : formatByteSize(task.workspace),
  ]);
  for (const line of table([['TASK', 'STORE', '', 'WORKSPACE'], ...rows])) terminal.out(line);
}

async function watch(
  client: ApiClient,
  id: string,
  { json }: ShowOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const view = json === true ? undefined : progressView(terminal);
  try {
    const last = await followImport(
      client,
      id,
      {
        changed: (current) => view?.update(taskRows(current)),
        event: ({ type, data }) => {
          if (json === true) {
            terminal.out(JSON.stringify({ event: type, ...(JSON.parse(data) as object) }));
          }
        },
      },
      signal,
    );
    view?.end();
    if (last.state !== 'succeeded') throw importError(last, inspectionHint(last));
    if (json !== true) terminal.out(`Image ${last.image_id}: import ${last.state}`);
  } finally {
    view?.end();
  }
}

/** An import for people. */
export function describeImport(shown: ImportResource): readonly string[] {
  const { failure } = shown;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['import', shown.id],
    ['image', shown.image_id],
    ['method', shown.method],
    ['stores', shown.stores.join(', ')],
    ['state', shown.state],
    ['waiting', shown.waiting_reason],
    ['created', shown.created_at],
    ['started', shown.started_at],
    ['finished', shown.finished_at],
    ['failure', failure == null ? null : `${failure.message} (${failure.class}, ${failure.code})`],
    ['causes', failure?.causes?.join('; ')],
    ['hint', failure?.hint],
  ];
  return [
    ...facts.flatMap(([key, value]) =>
      value == null || value === '' ? [] : [`${key.padEnd(9)} ${value}`],
    ),
    'tasks',
    ...drawRows(taskRows(shown), 0),
  ];
}

function pathOf(id: string): string {
  return `${BASE}/imports/${encodeURIComponent(id)}`;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
