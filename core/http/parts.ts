import type { Authenticator } from '../auth/authenticator.js';
import type { Policy } from '../auth/policy.js';
import type { Clock } from '../base/clock.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Locations } from '../catalogue/locations.js';
import type { VolumeCatalogue } from '../catalogue/image-volumes.js';
import type { Members } from '../catalogue/members.js';
import type { ImportCatalogue } from '../catalogue/import-catalogue.js';
import type { Config } from '../config/config.js';
import type { Quotas } from '../engine/bytes/quotas.js';
import type { Database } from '../engine/ports.js';
import type { Downloads, Imports, ResumableUploads, Uploads } from '../engine/service.js';
import type { Plugins } from '../plugin/plugins.js';
import type { StoreRegistry } from '../store/registry.js';
import type { Logger } from '../telemetry/logger.js';
import type { ServerMetrics } from '../telemetry/metrics.js';

/** What the HTTP layer is made of; it owns none of it. */
export interface HttpParts {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly members: Members;
  readonly locations: Locations;
  readonly volumes: VolumeCatalogue;
  readonly importCatalogue: ImportCatalogue;
  readonly imports: Imports;
  readonly uploads: Uploads;
  readonly resumableUploads: ResumableUploads;
  readonly downloads: Downloads;
  readonly quotas: Pick<Quotas, 'report'>;
  readonly stores: Pick<StoreRegistry, 'list' | 'has' | 'outages' | 'properties'>;
  readonly plugins: Pick<Plugins, 'methods'>;
  readonly database: Pick<Database, 'read'>;
  readonly authenticator: Authenticator;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ServerMetrics;
}

/** What a running server tells its long-lived answers. */
export interface Lifetime {
  /** Aborted when the server begins to stop: streams of events end. */
  readonly stopping: AbortSignal;
}
