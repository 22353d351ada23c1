import { inject, injectable } from 'inversify';
import { StagingArea } from '../staging/area.js';
import { Housekeeping } from './bytes/housekeeping.js';
import { Janitor } from './bytes/janitor.js';
import { LateDigests } from './run/late-digests.js';
import { Recovery } from './run/recovery.js';
import { Scheduler } from './run/scheduler.js';
import { ImageVolumeService } from './service/image-volumes.js';
import { ResumableUploadService } from './service/resumable-uploads.js';

/** Starts and stops the parts of the engine in order. */
@injectable()
export class Engine {
  constructor(
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Recovery) private readonly recovery: Recovery,
    @inject(Scheduler) private readonly scheduler: Scheduler,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Housekeeping) private readonly housekeeping: Housekeeping,
    @inject(ResumableUploadService) private readonly uploads: ResumableUploadService,
    @inject(ImageVolumeService) private readonly volumes: ImageVolumeService,
    @inject(LateDigests) private readonly digests: LateDigests,
  ) {}

  /** Takes over what an earlier life has left, then begins to work. */
  async start(): Promise<void> {
    await this.staging.start();
    await this.recovery.recover();
    this.scheduler.start();
    this.housekeeping.start();
    await this.volumes.start();
    this.digests.start();
  }

  /** Lets running imports end until the deadline, interrupts them then. */
  async stop(deadlineMs: number): Promise<void> {
    await this.housekeeping.stop();
    await this.digests.stop();
    await this.volumes.stop();
    await this.uploads.stop();
    await this.scheduler.stop(deadlineMs);
    await this.janitor.stop(deadlineMs);
  }
}
