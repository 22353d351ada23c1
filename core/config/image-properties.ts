import { PATTERN_HINT, patternProblem } from '../base/pattern.js';
import { isTakenName } from '../image/property-names.js';
import type { Problem } from './problem.js';
import type { Settings } from './settings.js';

/** What is wrong with `images.properties`. */
export function checkImageProperties(
  properties: Settings['images']['properties'],
): readonly Problem[] {
  return Object.entries(properties).flatMap(([name, { pattern }]): readonly Problem[] => {
    const path = ['images', 'properties', name];
    if (isTakenName(name)) {
      const message = `"${name}" is no extra property`;
      return [{ path, message, hint: 'Choose a name that images do not have by themselves' }];
    }
    const message = pattern === undefined ? undefined : patternProblem(pattern);
    if (message === undefined) return [];
    return [{ path: [...path, 'pattern'], message, hint: PATTERN_HINT }];
  });
}
