import { once } from 'node:events';
import type { Config } from '../../config/config.js';
import { createApplication } from '../../application.js';
import { EXIT } from '../exit.js';
import type { Terminal } from '../terminal.js';

/**
 * Serves until `signal` is aborted, then stops gracefully.
 * @returns the exit code
 */
export async function serve(
  config: Config,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const application = await createApplication(config);
  try {
    const { url } = await application.start();
    terminal.out(startLine(config, url));
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await application.stop();
  }
  return EXIT.ok;
}

/** One line: where it listens and where everything lies. */
function startLine({ dataDir, staging, stores, file }: Config, url: string): string {
  const places = [
    `data ${dataDir}`,
    `staging ${staging.path}`,
    `stores ${stores.map(({ id, driver }) => `${id} (${driver})`).join(', ')}`,
    `config ${file ?? 'defaults'}`,
  ];
  return `Stowage serves at ${url}: ${places.join(', ')}`;
}
