/**
 * The plugin contract: the only file of core that a plugin may import, published as
 * `stowage/plugin`. Its exports are listed in `test/architecture/api-surface.txt`.
 */
export { z } from 'zod';
export * from './base/errors.js';
export type { Json, JsonObject } from './base/json.js';
export type { Clock } from './base/clock.js';
export { Secret } from './base/secret.js';
export { condition, unmetCondition } from './config/condition.js';
export type { ConditionSubject } from './config/condition.js';
export type { Condition } from './config/config.js';
export { secret } from './config/secret.js';
export { serviceAccount } from './config/service-account.js';
export { byteSize, duration } from './config/types.js';
export type { Finding, Inspection } from './format/inspection.js';
export type {
  ContainerFormat,
  DiskFormat,
  Image,
  ImagePatch,
  ImageStatus,
  Visibility,
} from './image/image.js';
export {
  PLUGIN_API_VERSION,
  PluginConfig,
  PluginSite,
  defineMethod,
  definePlugin,
  defineStore,
  pluginConfig,
} from './plugin/contract/manifest.js';
export type {
  ImportMethod,
  MethodSource,
  PluginManifest,
  StoreDriver,
  TaskDefaults,
} from './plugin/contract/manifest.js';
export type { ServiceAccount } from './base/service-account.js';
export type { ServiceSession, WantedEndpoint } from './plugin/contract/identity.js';
export { DISK_PROPERTY_PREFIX, diskProperties } from './plugin/contract/disk-properties.js';
export {
  SIGNATURE_PROPERTIES,
  assertReplaceable,
  isSigned,
  signatureAsProvenance,
} from './plugin/contract/image-signature.js';
export {
  Files,
  GuardedFetch,
  Identity,
  Images,
  Metrics,
  PluginClock,
  PluginLog,
  PluginState,
  Programs,
  QemuImg,
  Stores,
} from './plugin/contract/services.js';
export type {
  CheckJob,
  ConvertJob,
  FetchOptions,
  FetchProxy,
  FetchResponse,
  GuestDisk,
  FilterCommand,
  MeasureJob,
  OpenJob,
  ProgramCommand,
  ProgramLimits,
  ProgramResult,
  StoreInfo,
} from './plugin/contract/services.js';
export type {
  ClientBody,
  CloneSource,
  DataSource,
  DiskSource,
  LocationSource,
  RegisteredSource,
  MethodContext,
  StagedSource,
  StreamSource,
} from './plugin/contract/source.js';
export { isCloningStore, isFileStore, isVolumeStore } from './plugin/contract/store.js';
export type {
  ByteRange,
  CloneOrigin,
  CloningStore,
  FileStore,
  MadeVolume,
  PlacedLocation,
  Store,
  StoreHistory,
  StoredObject,
  VolumeStore,
  VolumeWish,
} from './plugin/contract/store.js';
export type {
  ByteObserver,
  CloneOutcome,
  ImportTask,
  ObserveView,
  RevertContext,
  TaskContext,
  TaskLocation,
  TaskResult,
} from './plugin/contract/task.js';
export type { InjectableClass, ServiceToken } from './plugin/contract/token.js';
export type { CallerView, DataView, RequestView, TaskView } from './plugin/contract/view.js';
