import type { Config } from './config/config.js';
import { RULES, type SafetyRule } from './format/rules.js';
import type { Logger } from './telemetry/logger.js';

/** Says at start which safety rules refuse nothing, and what the deployer takes upon them. */
export function warnOfRelaxedRules({ images }: Config, log: Logger): void {
  const rules: readonly SafetyRule[] = RULES;
  for (const name of images.relaxedRules) {
    const { summary, relaxed } = rules.find(({ rule }) => rule === name) ?? {};
    log.warn(`The safety rule "${name}" is relaxed: images that break it are not refused`, {
      rule: name,
      broken_when: summary,
      risk: relaxed,
      hint: 'Remove it from images.relaxed_rules once it is not needed',
    });
  }
}
