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
    const message = pattern === undefined ? undefined : wrongPattern(pattern);
    if (message === undefined) return [];
    const hint = 'Write it as JavaScript knows it; brackets come in pairs';
    return [{ path: [...path, 'pattern'], message, hint }];
  });
}

/** Why a text is no regular expression. */
function wrongPattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return `is no regular expression: ${error.message}`;
    throw error;
  }
}
