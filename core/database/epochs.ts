import { EpochRow } from './entities/epoch-row.js';
import { fromCount, toTime } from './numbers.js';
import type { Sql } from './statements.js';

export async function startEpoch(
  sql: Sql,
  at: Date,
  facts: { readonly pid: number; readonly host: string },
): Promise<number> {
  return sql.run(async (manager) => {
    await manager
      .createQueryBuilder()
      .insert()
      .into(EpochRow)
      .values({ startedAt: toTime(at), pid: facts.pid, host: facts.host })
      .updateEntity(false)
      .execute();
    // The highest is the one of this transaction: no other writes meanwhile.
    const epoch = await manager.maximum(EpochRow, 'epoch');
    return fromCount('worker_epochs.epoch', epoch ?? 0);
  });
}
