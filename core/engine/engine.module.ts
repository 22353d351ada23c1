import { ContainerModule } from 'inversify';
import type { ServiceIdentifier } from 'inversify';
import type { Config } from '../config/config.js';
import { StagingArea } from '../staging/area.js';
import { Ledger } from '../staging/ledger.js';
import { Activation } from './ending/activation.js';
import { ActiveStagings } from './service/active-stagings.js';
import { Admission } from './bytes/admission.js';
import { DataAdmission } from './bytes/data-admission.js';
import { DownloadService } from './service/downloads.js';
import { Ending } from './ending/ending.js';
import { Engine } from './engine.js';
import { EventHub } from './event-hub.js';
import { GenerationRows } from './bytes/generation-rows.js';
import { Housekeeping } from './bytes/housekeeping.js';
import { ImageVolumeService } from './service/image-volumes.js';
import { ImportPlanner } from './service/planner.js';
import { Headway } from './run/headway.js';
import { ImportRunner } from './run/runner.js';
import { ImportService } from './service/imports.js';
import { Incoming } from './bytes/incoming.js';
import { Intake } from './service/intake.js';
import { Janitor } from './bytes/janitor.js';
import { Journal } from './journal.js';
import { LateDigests } from './run/late-digests.js';
import { Needs } from './run/needs.js';
import { LimitSource, Quotas } from './bytes/quotas.js';
import { Placement } from './bytes/placement.js';
import { ProgressBoard } from './run/progress.js';
import { Recovery } from './run/recovery.js';
import { ResumableUploadService } from './service/resumable-uploads.js';
import { RemovalService } from './service/removal.js';
import { RetryPolicy } from './run/retry-policy.js';
import { Reverting } from './ending/reverting.js';
import { Scheduler } from './run/scheduler.js';
import { Downloads, ImageVolumes, Imports, Removal, ResumableUploads, Uploads } from './service.js';
import { StagingGate } from './service/staging-gate.js';
import { Shortfalls } from './bytes/shortfalls.js';
import { Slots } from './run/slots.js';
import { StoreGroups } from './run/store-groups.js';
import { TaskAttempt } from './run/task-attempt.js';
import { TaskMoves } from './run/task-moves.js';
import { Turns } from './run/turns.js';
import { Transfer } from './bytes/transfer.js';
import { UploadService } from './service/uploads.js';
import {
  ImagesConfigToken,
  ImportsConfigToken,
  StagingConfigToken,
  UploadIdleTimeout,
} from './settings.js';

/** Classes of the engine that are looked up by themselves. */
const CLASSES = [
  ActiveStagings,
  Activation,
  Admission,
  DataAdmission,
  DownloadService,
  Ending,
  Engine,
  EventHub,
  GenerationRows,
  Housekeeping,
  Headway,
  ImageVolumeService,
  ImportPlanner,
  ImportRunner,
  Incoming,
  Intake,
  Janitor,
  Journal,
  LateDigests,
  Needs,
  Placement,
  ProgressBoard,
  Quotas,
  Recovery,
  ResumableUploadService,
  RetryPolicy,
  Reverting,
  Scheduler,
  Shortfalls,
  Slots,
  StagingGate,
  StoreGroups,
  TaskAttempt,
  TaskMoves,
  Turns,
  Transfer,
] as const;

/**
 * Binds the engine. Needs from outside: the database, dataflow, plugins, stores, clock, logger and
 * the worker's epoch. `stagingCapacity` is in bytes,
 * `limits` are the projects'.
 */
export function engineModule(
  config: Config,
  stagingCapacity: number,
  limits: LimitSource,
): ContainerModule {
  return new ContainerModule(({ bind }) => {
    const constants: readonly (readonly [ServiceIdentifier, unknown])[] = [
      [ImagesConfigToken, config.images],
      [ImportsConfigToken, config.imports],
      [StagingConfigToken, config.staging],
      [UploadIdleTimeout, config.server.uploadIdleTimeoutMs],
      [StagingArea, new StagingArea(config.staging.path)],
      [LimitSource, limits],
      [Ledger, new Ledger(stagingCapacity, config.staging.reserve)],
    ];
    for (const [token, value] of constants) bind(token).toConstantValue(value);
    for (const service of CLASSES) bind<unknown>(service).to(service).inSingletonScope();
    bind(Imports).to(ImportService).inSingletonScope();
    bind(Uploads).to(UploadService).inSingletonScope();
    bind(Removal).to(RemovalService).inSingletonScope();
    bind(ResumableUploads).toService(ResumableUploadService);
    bind(Downloads).toService(DownloadService);
    bind(ImageVolumes).toService(ImageVolumeService);
  });
}
