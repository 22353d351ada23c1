import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { LogConfig } from '../config/config.js';
import { maskSecrets } from './mask.js';
import { textLines } from './text-lines.js';

/** Facts beside a log message; values that JSON cannot hold are described. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** The structured log of the server. Secrets in facts are masked. */
export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  /** An `error` among the facts is written with its stack and causes. */
  error(message: string, facts?: LogFacts): void;
  /** A log whose every line carries `facts` as well. */
  child(facts: LogFacts): Logger;
}
export const Logger = Symbol('Logger');

/**
 * Makes the log of the process. Lines are written synchronously, so that none is lost when the
 * process is killed. @default destination standard error
 */
export function createLogger(config: LogConfig, destination?: DestinationStream): Logger {
  const target = destination ?? pino.destination({ dest: 2, sync: true });
  return wrap(
    pino(
      {
        level: config.level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        messageKey: 'message',
        errorKey: 'error',
      },
      config.format === 'text' ? textLines(target) : target,
    ),
  );
}

/** A log that writes nothing, for tests and for commands that print their own output. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function wrap(log: PinoLogger): Logger {
  return {
    debug: (message, facts) => {
      log.debug(maskSecrets(facts ?? {}), maskSecrets(message));
    },
    info: (message, facts) => {
      log.info(maskSecrets(facts ?? {}), maskSecrets(message));
    },
    warn: (message, facts) => {
      log.warn(maskSecrets(facts ?? {}), maskSecrets(message));
    },
    error: (message, facts) => {
      log.error(maskSecrets(facts ?? {}), maskSecrets(message));
    },
    child: (facts) => wrap(log.child(maskSecrets({ ...facts }))),
  };
}
