import { ContainerModule } from 'inversify';
import type { ServiceIdentifier } from 'inversify';
import type { Config } from '../config/config.js';
import { StagingArea } from '../staging/area.js';
import { Ledger } from '../staging/ledger.js';
import { Activation } from './activation.js';
import { ActiveStagings } from './active-stagings.js';
import { Admission } from './admission.js';
import { DownloadService } from './downloads.js';
import { Ending } from './ending.js';
import { Engine } from './engine.js';
import { EventHub } from './event-hub.js';
import { Housekeeping, StagingConfigToken } from './housekeeping.js';
import { ImportPlanner } from './planner.js';
import { ImportRunner } from './runner.js';
import { ImportService } from './imports.js';
import { ImagesConfigToken, Incoming } from './incoming.js';
import { Intake } from './intake.js';
import { Janitor } from './janitor.js';
import { Journal } from './journal.js';
import { Placement } from './placement.js';
import { ProgressBoard } from './progress.js';
import { Recovery } from './recovery.js';
import { RemovalService } from './removal.js';
import { RetryPolicy } from './retry-policy.js';
import { ImportsConfigToken, Reverting } from './reverting.js';
import { Scheduler } from './scheduler.js';
import { Downloads, Imports, Removal, Uploads } from './service.js';
import { Slots } from './slots.js';
import { TaskAttempt } from './task-attempt.js';
import { UploadIdleTimeout, UploadService } from './uploads.js';

/** Classes of the engine that are looked up by themselves. */
const CLASSES = [
  ActiveStagings,
  Activation,
  Admission,
  DownloadService,
  Ending,
  Engine,
  EventHub,
  Housekeeping,
  ImportPlanner,
  ImportRunner,
  Incoming,
  Intake,
  Janitor,
  Journal,
  Placement,
  ProgressBoard,
  Recovery,
  RetryPolicy,
  Reverting,
  Scheduler,
  Slots,
  TaskAttempt,
] as const;

/**
 * Binds the engine. Needs from outside: the database, dataflow, plugins, stores, clock, logger and
 * the worker's epoch. `stagingCapacity` is in bytes.
 */
export function engineModule(config: Config, stagingCapacity: number): ContainerModule {
  return new ContainerModule(({ bind }) => {
    const constants: readonly (readonly [ServiceIdentifier, unknown])[] = [
      [ImagesConfigToken, config.images],
      [ImportsConfigToken, config.imports],
      [StagingConfigToken, config.staging],
      [UploadIdleTimeout, config.server.uploadIdleTimeoutMs],
      [StagingArea, new StagingArea(config.staging.path)],
      [Ledger, new Ledger(stagingCapacity, config.staging.reserve)],
    ];
    for (const [token, value] of constants) bind(token).toConstantValue(value);
    for (const service of CLASSES) bind<unknown>(service).to(service).inSingletonScope();
    bind(Imports).to(ImportService).inSingletonScope();
    bind(Uploads).to(UploadService).inSingletonScope();
    bind(Removal).to(RemovalService).inSingletonScope();
    bind(Downloads).toService(DownloadService);
  });
}
