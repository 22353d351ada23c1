/** Tokens under which the parts of the engine find their share of the config. */
export const ImagesConfigToken = Symbol('ImagesConfig');
export const ImportsConfigToken = Symbol('ImportsConfig');
export const StagingConfigToken = Symbol('StagingConfig');
/** Milliseconds that an upload may stand still. */
export const UploadIdleTimeout = Symbol('UploadIdleTimeout');
