import type { FetchResponse } from '../../core/api.js';
import {
  assertIdentity,
  contentLength,
  contentRange,
  strongValidator,
  wrongAnswer,
} from './http-answer.js';

/** What the first answer of a server has said of the content. */
export type Content = {
  readonly size: number | null;
  /** For `If-Range`; `null` where nothing strong identifies the content. */
  readonly validator: string | null;
  readonly takesRanges: boolean;
};

/**
 * Reads the answer to `Range: bytes=0-`; `undefined` for a status that is an error.
 * @throws {PermanentError} `SOURCE_ENCODED` · `SOURCE_ANSWER_INVALID`
 */
export function contentOf(response: FetchResponse): Content | undefined {
  const { status, headers } = response;
  const range = contentRange(headers['content-range']);
  // No byte at all can be the first of a range.
  if (status === 416 && range?.total === 0) {
    response.body.destroy();
    return { size: 0, validator: null, takesRanges: false };
  }
  if (status === 206) {
    assertIdentity(response);
    assertRange(response, 0, range?.total);
    return described(response, range?.total, true);
  }
  if (status !== 200) return undefined;
  assertIdentity(response);
  return described(response, contentLength(response), headers['accept-ranges'] === 'bytes');
}

/**
 * Holds an answer of status 206 against the range that was asked for. It may end before the content does:
 * then the rest is asked for afterwards.
 * @throws {PermanentError} `SOURCE_ANSWER_INVALID`
 */
export function assertRange(
  response: FetchResponse,
  offset: number,
  total: number | undefined,
): void {
  const range = contentRange(response.headers['content-range']);
  const { start, end } = range ?? {};
  if (start !== offset || end === undefined) {
    const got = response.headers['content-range'] ?? 'none';
    throw wrongAnswer(response.url, `the range from byte ${offset} was asked for, got "${got}"`);
  }
  const length = contentLength(response);
  if (end < start || (total !== undefined && end >= total)) {
    throw wrongAnswer(response.url, `its range ends at byte ${end} of ${total ?? 'unknown'}`);
  }
  if (length !== undefined && length !== end - start + 1) {
    throw wrongAnswer(
      response.url,
      `its range has ${end - start + 1} bytes, its Content-Length says ${length}`,
    );
  }
}

function described(
  { headers }: FetchResponse,
  size: number | undefined,
  takesRanges: boolean,
): Content {
  return {
    size: size ?? null,
    validator: strongValidator(headers, size) ?? null,
    takesRanges,
  };
}
