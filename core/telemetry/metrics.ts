import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics as PluginMetrics } from '../plugin/contract/services.js';

/** The numbers that the server publishes under `/metrics`, in the Prometheus text format. */
export class ServerMetrics {
  /** Other parts of the server register their own numbers here. */
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #inFlight: Gauge;
  readonly #received: Counter;
  readonly #sent: Counter;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    this.#requests = new Histogram({
      name: 'stowage_http_request_duration_seconds',
      help: 'Duration of HTTP requests by method, route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600, 3600],
      registers,
    });
    this.#inFlight = new Gauge({
      name: 'stowage_http_requests_in_flight',
      help: 'HTTP requests that are being answered',
      registers,
    });
    this.#received = new Counter({
      name: 'stowage_http_received_bytes_total',
      help: 'Bytes of image data received from clients',
      registers,
    });
    this.#sent = new Counter({
      name: 'stowage_http_sent_bytes_total',
      help: 'Bytes of image data in downloads that were completed',
      registers,
    });
  }

  /** Counts a request that has begun; call what it returns when the request is over. */
  requestBegan(method: string): (outcome: {
    /** Pattern of the route, never the path: ids would make endless series. */
    readonly route: string;
    readonly status: number;
  }) => void {
    this.#inFlight.inc();
    const started = process.hrtime.bigint();
    return ({ route, status }) => {
      this.#inFlight.dec();
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      this.#requests.observe({ method, route, status: String(status) }, seconds);
    };
  }

  bytesReceived(bytes: number): void {
    this.#received.inc(bytes);
  }

  bytesSent(bytes: number): void {
    this.#sent.inc(bytes);
  }

  /** The numbers of one plugin; each name gets the prefix `stowage_plugin_` and a label. */
  forPlugin(plugin: string): PluginMetrics {
    return {
      increment: (name, by = 1) => {
        this.#counter(name).inc({ plugin }, by);
      },
      gauge: (name, value) => {
        this.#gauge(name).set({ plugin }, value);
      },
    };
  }

  #counter(name: string): Counter<'plugin'> {
    const full = `stowage_plugin_${name}`;
    const known = this.registry.getSingleMetric(full);
    if (known instanceof Counter) return known;
    return new Counter({
      name: full,
      help: `Counter "${name}" of a plugin`,
      labelNames: ['plugin'],
      registers: [this.registry],
    });
  }

  #gauge(name: string): Gauge<'plugin'> {
    const full = `stowage_plugin_${name}`;
    const known = this.registry.getSingleMetric(full);
    if (known instanceof Gauge) return known;
    return new Gauge({
      name: full,
      help: `Gauge "${name}" of a plugin`,
      labelNames: ['plugin'],
      registers: [this.registry],
    });
  }
}
