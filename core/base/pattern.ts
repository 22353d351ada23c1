/** How to mend a text that is no regular expression. */
export const PATTERN_HINT = 'Write it as JavaScript knows it; brackets come in pairs';

/** What is wrong with a regular expression that somebody has written; `undefined` where nothing is. */
export function patternProblem(text: string): string | undefined {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return `is no regular expression: ${error.message}`;
    throw error;
  }
}
