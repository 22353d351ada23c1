import type { Config } from '../../config/config.js';
import { createApplication } from '../../application.js';
import { EXIT } from '../exit.js';
import type { Terminal } from '../terminal.js';

/**
 * Serves until SIGTERM or SIGINT, then stops gracefully. A second signal ends the process at once.
 * @returns the exit code
 */
export async function serve(config: Config, terminal: Terminal): Promise<number> {
  const application = await createApplication(config);
  const stopped = nextSignal();
  const { url } = await application.start();
  terminal.out(startLine(config, url));
  await stopped;
  onceSignalled(() => process.exit(EXIT.failure));
  await application.stop();
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

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    onceSignalled(resolve);
  });
}

function onceSignalled(listener: () => void): void {
  const heard = (): void => {
    for (const signal of SIGNALS) process.off(signal, heard);
    listener();
  };
  for (const signal of SIGNALS) process.on(signal, heard);
}
