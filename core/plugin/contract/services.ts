import type { Readable } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import type { Json, JsonObject } from '../../base/json.js';
import type { Secret } from '../../base/secret.js';
import type { ServiceAccount } from '../../base/service-account.js';
import type { Inspection } from '../../format/inspection.js';
import type { Image } from '../../image/image.js';
import type { ServiceSession } from './identity.js';
import type { ByteRange, PlacedLocation } from './store.js';
import { serviceToken } from './token.js';

/** Structured log of one plugin; every line carries the plugin, import and task by itself. */
export interface PluginLog {
  debug(message: string, facts?: JsonObject): void;
  info(message: string, facts?: JsonObject): void;
  warn(message: string, facts?: JsonObject): void;
  error(message: string, facts?: JsonObject): void;
}

/** Runs external programs: confined, limited, in a process group that ends with the task. */
export interface Programs {
  /**
   * Runs a program to its end.
   * @throws {UnsupportedError} `PROGRAM_MISSING` when it is not installed.
   * @throws {PermanentError} `PROGRAM_FAILED` with the exit code and the end of stderr.
   * @throws {PermanentError} `PROGRAM_LIMIT` when it has hit one of its limits.
   */
  run(command: ProgramCommand): Promise<ProgramResult>;
  /**
   * Runs a program that makes a stream of bytes, of another or of what it reads, and that writes no
   * file. The stream ends where the program has ended well; it breaks as {@link run} throws, with what
   * `input` breaks with, or with the signal's reason. Destroying it ends the program. It is read as
   * slowly as its reader wants, within the wall time.
   */
  filter(command: FilterCommand): Readable;
}

export interface ProgramCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Absolute paths that the program may read; nothing else of the data dir is visible to it. */
  readonly readable: readonly string[];
  /** Absolute directories that the program may write in. */
  readonly writable: readonly string[];
  readonly limits: ProgramLimits;
  /** Absolute; one of `writable`. @default '/' */
  readonly workingDirectory?: string;
  /** Called with each piece of standard output, split at `\n` and `\r`. */
  readonly onOutput?: (line: string) => void;
  /** Standard input; closed by the program's end. @default nothing */
  readonly input?: Readable;
  /**
   * It speaks to services of the deployer's: it reaches the network, resolves names, and has as many
   * open files as the server may have. Never for a program that parses images. @default false
   */
  readonly network?: boolean;
}

export interface FilterCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Standard input; closed by the program's end. @default nothing */
  readonly input?: Readable;
  readonly signal: AbortSignal;
  readonly limits: Omit<ProgramLimits, 'fileSize'>;
  /** Absolute paths that the program may read. @default none */
  readonly readable?: readonly string[];
  /** As {@link ProgramCommand.network}. @default false */
  readonly network?: boolean;
}

/** Every limit that is absent is not set, but for the address space and the wall time. */
export interface ProgramLimits {
  /** Milliseconds of wall time. */
  readonly wallMs: number;
  readonly cpuSeconds?: number;
  /** Bytes. */
  readonly addressSpace: number;
  /** Bytes that one written file may have. */
  readonly fileSize?: number;
}

export interface ProgramResult {
  /** At most 64 KiB of each are kept. */
  readonly stdout: string;
  readonly stderr: string;
}

/** `qemu-img`, format pinned, on bytes that the core inspector has found safe. */
export interface QemuImg {
  /**
   * Converts one image file.
   * @throws {RejectedError} `UNSAFE_IMAGE` when the inspection given is not safe.
   * @throws as {@link Programs.run}.
   */
  convert(job: ConvertJob): Promise<void>;
  /**
   * Opens the disk that a guest sees in an image file. With {@link TaskContext.stage} it becomes the
   * next generation without a file in between. Whoever opens it closes it, or stages it.
   * @throws as {@link convert}; its reads with the same, and with {@link PermanentError}
   * `DISK_UNREADABLE`
   */
  open(job: OpenJob): Promise<GuestDisk>;
  /**
   * Looks for damage in the tables of an image, which the inspector does not walk. Clusters that are
   * lost to use are none; formats without a check pass when they can be opened.
   * @throws {RejectedError} `IMAGE_DAMAGED` · `UNSAFE_IMAGE`, and as {@link Programs.run}
   */
  check(job: CheckJob): Promise<void>;
  /** Bytes that `convert` would write at most for this source and target. */
  measure(job: MeasureJob): Promise<{ readonly required: number; readonly fullyAllocated: number }>;
}

export interface OpenJob {
  readonly source: { readonly path: string; readonly inspection: Inspection };
  /** Absolute path of a directory of the task's own workspace, for a socket. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** A disk that is read by position; runs of zeros in it cost little. */
export interface GuestDisk {
  /** Bytes. */
  readonly size: number;
  /**
   * Fills `target` with the bytes from `position` on, which lie within the disk. Several reads may be
   * under way. Nothing is written into `target` any more when it has settled.
   */
  read(target: Uint8Array, position: number): Promise<void>;
  /**
   * Ends what reads the disk; reads under way are rejected. May be called again.
   * @throws what the program has failed with although every read was answered
   */
  close(): Promise<void>;
}

export interface CheckJob {
  readonly source: { readonly path: string; readonly inspection: Inspection };
  readonly signal: AbortSignal;
}

export interface MeasureJob {
  readonly source: { readonly path: string; readonly inspection: Inspection };
  /** Format in the words of `disk_format`. */
  readonly format: string;
  /** Options of the target format (`-o`), for example `{ cluster_size: '65536' }`. */
  readonly options: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface ConvertJob extends MeasureJob {
  readonly target: string;
  /** Compress the clusters of the target, where its format can. */
  readonly compress: boolean;
  /**
   * Bytes that a guest sees of the target; not less than the source's, the rest reads as zeros.
   * @default as the source
   */
  readonly virtualSize?: number;
  /** Called with 0–100. */
  readonly onProgress?: (percent: number) => void;
}

/**
 * HTTP client for addresses that a stranger may choose: guarded, limited, without redirects to other schemes.
 * A name is resolved once, each of its addresses is checked, and only these are connected to; so for each
 * redirect. Credentials in a URL are sent as basic authorization and shown nowhere.
 */
export interface GuardedFetch {
  /**
   * What `open` would refuse at once, without asking the network: bad URLs and addresses written out.
   * @throws {InvalidInputError} `URL_INVALID`, `SCHEME_REFUSED`, `ADDRESS_REFUSED`, `PORT_REFUSED`,
   * `NETWORK_INVALID` for `allow`
   */
  check(url: string, options: Pick<FetchOptions, 'allow' | 'ports'>): void;
  /**
   * Resolves with the first answer that is no redirect, whatever its status.
   * @throws {InvalidInputError} as `check`, also for what a name resolves to and for what a redirect names
   * @throws {InvalidInputError} `TOO_MANY_REDIRECTS`
   * @throws {TransientError} `SOURCE_UNREACHABLE` when it may work later, `SOURCE_STALLED` when the other side is silent
   * @throws {PermanentError} `SOURCE_UNTRUSTED` for a bad certificate, `SOURCE_ANSWER_INVALID` for what is not HTTP
   * @throws {TransientError} `PROXY_UNREACHABLE`
   * @throws {PermanentError} `PROXY_REFUSED`
   * @throws the signal's reason
   */
  open(url: string, options: FetchOptions): Promise<FetchResponse>;
}

export interface FetchOptions {
  /** @default 'GET' */
  readonly method?: 'GET' | 'HEAD';
  /** To another origin go only those that say nothing about the caller (`accept`, `range`, `if-…`, `user-agent`). */
  readonly headers?: Readonly<Record<string, string>>;
  /** Networks that may be reached although they are private, in CIDR form. */
  readonly allow: readonly string[];
  /** Ports that may be asked for at public addresses; networks in `allow` are open at every port. @default every port */
  readonly ports?: readonly number[];
  /**
   * Headers for one URL, asked for at every hop of a chain of redirects and sent at that hop alone: where
   * credentials of the config belong.
   */
  readonly credentials?: (url: URL) => Readonly<Record<string, string>>;
  /** Certificates in PEM that are trusted beside the public ones. */
  readonly ca?: string;
  /** All connections go through it. What is asked of it is checked as without it; its own address is not. */
  readonly proxy?: FetchProxy;
  /** For the resolving of the name, and again for the connection with proxy and TLS handshake. */
  readonly connectTimeoutMs: number;
  /** Silence before the headers are complete, and between two pieces of the body while it is being read. */
  readonly idleTimeoutMs: number;
  /** Redirects that are followed; 0 refuses the first. */
  readonly maxRedirects: number;
  /** Ends the request and the reading of its body. */
  readonly signal: AbortSignal;
}

/** An HTTP proxy that opens tunnels (`CONNECT`). */
export interface FetchProxy {
  /** `http://host:port` or `https://host:port`, without credentials. */
  readonly url: string;
  /** Value of the `proxy-authorization` header. */
  readonly authorization?: Secret;
  /** Certificates in PEM that are trusted for the proxy itself beside the public ones. */
  readonly ca?: string;
  /**
   * The proxy resolves the names that this server cannot, and has to guard what they resolve to. Otherwise it
   * is told the address that was checked. @default false
   */
  readonly resolves?: boolean;
}

export interface FetchResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, without credentials; its query may hold a signature, so do not log it. */
  readonly url: string;
  /**
   * The reader closes it: reading to the end or destroying it frees the connection. Breaks with
   * {@link TransientError} `SOURCE_STALLED` or `SOURCE_BROKEN`, or with the signal's reason.
   */
  readonly body: Readable;
}

/** Signs in to OpenStack's identity services, as accounts that the deployer has configured. */
export interface Identity {
  session(account: ServiceAccount): ServiceSession;
}

/** Work on whole local files, off the event loop. */
export interface Files {
  /**
   * Copies a file, holes included, by reflink where the file system can; durable when it resolves.
   * Refuses a target that exists, and leaves none when it rejects.
   */
  copy(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** As {@link copy}, by reflink alone: `false`, and no target, where the file system cannot. */
  clone(from: string, to: string, signal: AbortSignal): Promise<boolean>;
}

/** The configured stores. */
export interface Stores {
  list(): readonly StoreInfo[];
  /** @throws {NotFoundError} `STORE_NOT_FOUND` */
  info(id: string): StoreInfo;
  /**
   * Bytes of what a store holds under a URL.
   * @throws {NotFoundError} `STORE_NOT_FOUND` · `OBJECT_NOT_FOUND`; {TransientError} `STORE_UNAVAILABLE`
   */
  stat(id: string, url: string): Promise<{ readonly size: number }>;
}

export interface StoreInfo {
  readonly id: string;
  readonly driver: string;
  readonly description: string;
  readonly isDefault: boolean;
  readonly readOnly: boolean;
  /** Schemes of URLs that can be registered as locations in it. */
  readonly schemes: readonly string[];
  /** What is registered in it is not read. */
  readonly registersUnread: boolean;
}

/** Reading images that are active. */
export interface Images {
  /** @throws {NotFoundError} `IMAGE_NOT_FOUND` */
  get(id: string): Promise<Image>;
  /** Where its bytes are. */
  locations(id: string): Promise<readonly PlacedLocation[]>;
  /** Opens the bytes from whichever store holds them. */
  open(
    id: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<Readable>;
}

/** A small durable key-value memory of one plugin. */
export interface PluginState {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Counters and gauges of one plugin; names get the prefix `stowage_plugin_`. */
export interface Metrics {
  increment(name: string, by?: number): void;
  gauge(name: string, value: number): void;
}

/** The tokens that a manifest's `inject` may list. */
export const Programs = serviceToken<Programs>('Programs');
export const QemuImg = serviceToken<QemuImg>('QemuImg');
export const GuardedFetch = serviceToken<GuardedFetch>('GuardedFetch');
export const Identity = serviceToken<Identity>('Identity');
export const Files = serviceToken<Files>('Files');
export const Stores = serviceToken<Stores>('Stores');
export const Images = serviceToken<Images>('Images');
export const PluginState = serviceToken<PluginState>('PluginState');
export const PluginLog = serviceToken<PluginLog>('PluginLog');
export const Metrics = serviceToken<Metrics>('Metrics');
export const PluginClock = serviceToken<Clock>('Clock');
