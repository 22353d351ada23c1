import { CreateTables1763700000000 } from './1763700000000-create-tables.js';
import { ResumeUploads1764112500000 } from './1764112500000-resume-uploads.js';
import { ShareImages1764110000000 } from './1764110000000-share-images.js';
import { NeedsOfStagedData1764115000000 } from './1764115000000-needs-of-staged-data.js';
import { HeadwayOfTasks1764120000000 } from './1764120000000-headway-of-tasks.js';
import { IndexImages1764180000000 } from './1764180000000-index-images.js';
import { SizesOfLocations1764190000000 } from './1764190000000-sizes-of-locations.js';
import { Notify1764200000000 } from './1764200000000-notify.js';
import { IndexEndedImports1764300000000 } from './1764300000000-index-ended-imports.js';
import { MakeVolumes1764400000000 } from './1764400000000-make-volumes.js';

/**
 * Every change of the schema, oldest first. One that has been released is never edited: its names
 * and values are written out, not taken from code that goes on to change.
 */
export const MIGRATIONS = [
  CreateTables1763700000000,
  ShareImages1764110000000,
  ResumeUploads1764112500000,
  NeedsOfStagedData1764115000000,
  HeadwayOfTasks1764120000000,
  IndexImages1764180000000,
  SizesOfLocations1764190000000,
  Notify1764200000000,
  IndexEndedImports1764300000000,
  MakeVolumes1764400000000,
];
