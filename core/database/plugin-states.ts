import type { Json } from '../base/json.js';
import { deleteRows, insertRows } from './change-rows.js';
import { PluginStateRow } from './entities/plugin-state-row.js';
import { jsonColumn, jsonSchema } from './json-column.js';
import { findRow } from './select-rows.js';
import type { Sql } from './statements.js';

const valueColumn = jsonColumn('plugin_states.value', jsonSchema);

export async function readPluginState(
  sql: Sql,
  plugin: string,
  key: string,
): Promise<Json | undefined> {
  const row = await sql.run((manager) => findRow(manager, PluginStateRow, { plugin, key }));
  return row && valueColumn.read(row.value);
}

/** `undefined` forgets the key. */
export async function setPluginState(
  sql: Sql,
  plugin: string,
  key: string,
  value: Json | undefined,
): Promise<void> {
  await sql.run(async (manager) => {
    if (value === undefined) {
      await deleteRows(manager, PluginStateRow, { plugin, key });
      return;
    }
    const row = { plugin, key, value: valueColumn.write(value) };
    await insertRows(manager, PluginStateRow, [row], ['plugin', 'key']);
  });
}
