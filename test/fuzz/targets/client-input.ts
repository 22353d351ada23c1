import fc from 'fast-check';
import querystring from 'node:querystring';
import type { JsonObject } from '../../../core/base/json.js';
import { StowageError } from '../../../core/base/errors.js';
import { parseImagePatch } from '../../../core/http/requests/image-patch.js';
import { parseImageQuery } from '../../../core/http/requests/image-query.js';
import { parseRange } from '../../../core/http/requests/range.js';
import { promise, type FuzzTarget, type Seen } from '../target.js';

type Case =
  | { readonly kind: 'range'; readonly range: string; readonly old: boolean; readonly size: number }
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'patch'; readonly patch: string; readonly draft: 4 | 10 };

/** Headers and URLs are not longer: Node's own limit of a request's head. */
const MAX_HEAD = 16_000;

/** Far above what parsing a request takes. */
const MAX_MS = 100;

/** Texts of a few kinds of pieces, some of them thousands of times: for patterns that go back. */
function texts(pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.constantFrom(...pieces);
  const mixed = fc
    .array(fc.oneof({ arbitrary: piece, weight: 5 }, { arbitrary: fc.string(), weight: 1 }), {
      maxLength: 10,
      size: 'max',
    })
    .map((made) => made.join(''));
  const long = fc
    .tuple(piece, piece, fc.nat({ max: MAX_HEAD }), piece)
    .map(([first, repeated, count, last]) => {
      const middle = repeated.repeat(count).slice(0, MAX_HEAD - first.length - last.length);
      return `${first}${middle}${last}`;
    });
  return fc.oneof({ arbitrary: mixed, weight: 4 }, { arbitrary: long, weight: 1 });
}

const range = texts([
  'bytes=',
  'bytes ',
  '0',
  '9',
  '-',
  ' ',
  '\t',
  '/',
  '*',
  ',',
  '999999999999999',
]);
const word = texts([
  ...[
    'in:',
    'eq:',
    'gt:',
    'lte:',
    '"',
    ',',
    ' ',
    '\\',
    '\\"',
    'a',
    ':',
    '2026-01-02T03:04:05',
    'Z',
  ],
  ...['-1', '1', '0x1', '1e9', 'null', '\u00e9', '\0', 'asc', 'desc'],
]);
const name = fc.constantFrom(
  ...['name', 'id', 'status', 'size', 'size_min', 'size_max', 'virtual_size', 'min_ram', 'owner'],
  ...['created_at', 'updated_at', 'disk_format', 'visibility', 'member_status', 'os_hidden', 'tag'],
  ...['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'protected', 'changes-since', 'x', ''],
  ...['__proto__', 'constructor', 'hasOwnProperty'],
);
const path = fc.oneof(
  fc.constantFrom('/name', '/tags', '/visibility', '/min_disk', '/x', '/__proto__', '/a~1b', '/~2'),
  fc.constantFrom('/locations', '/id', '', '/', 'name', '//', '/tags/0', '/os_glance_x', '/-'),
  fc.string(),
);
const operation = fc.record(
  {
    op: fc.constantFrom('add', 'replace', 'remove', 'move', 'test', '', null),
    path: fc.oneof({ arbitrary: path, weight: 8 }, { arbitrary: fc.jsonValue(), weight: 1 }),
    value: fc.oneof(
      fc.string(),
      fc.jsonValue(),
      fc.constantFrom(null, [], ['a', 'a'], {}, true, -1),
    ),
    add: path,
    replace: path,
  },
  { requiredKeys: [] },
);

/** What clients send: ranges, queries of lists, patches. */
export const clientInputTarget: FuzzTarget<Case> = {
  name: 'client-input',
  weight: 2,
  cases: fc.oneof(
    fc.record({
      kind: fc.constant('range' as const),
      range,
      old: fc.boolean(),
      size: fc.oneof(fc.constantFrom(0, 1, 2 ** 53 - 1), fc.nat()),
    }),
    fc.record({
      kind: fc.constant('query' as const),
      query: fc
        .array(fc.tuple(name, word), { maxLength: 6 })
        .map((made) => made.map((pair) => pair.map(encodeURIComponentSafe).join('=')).join('&')),
    }),
    fc.record({
      kind: fc.constant('patch' as const),
      patch: fc.oneof(
        {
          arbitrary: fc.array(operation, { maxLength: 4 }).map((made) => JSON.stringify(made)),
          weight: 6,
        },
        { arbitrary: fc.json(), weight: 1 },
      ),
      draft: fc.constantFrom(4 as const, 10 as const),
    }),
  ),
  check: judge,
  save: (made) => ({ ...made }),
  replay(saved: JsonObject) {
    judge(saved as unknown as Case);
  },
};

function encodeURIComponentSafe(text: string): string {
  return querystring.escape(Buffer.from(text).toString());
}

function judge(made: Case): Seen {
  let fastest = Infinity;
  let result: Seen = [];
  for (let round = 0; round < 3 && fastest > MAX_MS; round += 1) {
    const start = performance.now();
    result = parse(made);
    fastest = Math.min(fastest, performance.now() - start);
  }
  promise('a request is read quickly', fastest <= MAX_MS, () => {
    return `it takes ${Math.round(fastest)} ms: ${JSON.stringify(made).slice(0, 300)}`;
  });
  return result;
}

/** Answers or refuses; every other end is a fault. */
function parse(made: Case): Seen {
  try {
    switch (made.kind) {
      case 'range':
        checkRange(made);
        break;
      case 'query':
        parseImageQuery(querystring.parse(made.query));
        break;
      case 'patch':
        parseImagePatch(JSON.parse(made.patch) as unknown, made.draft);
        break;
    }
    return [`client ${made.kind} taken`];
  } catch (error) {
    const isRefusal = error instanceof StowageError && error.class !== 'bug';
    if (!isRefusal) throw error;
    return [`client ${made.kind} refused`];
  }
}

function checkRange({ range: text, old, size }: Extract<Case, { kind: 'range' }>): void {
  const headers = { range: old ? '' : text, contentRange: old ? text : '', ifRange: '' };
  const found = parseRange(headers, size);
  if (found === undefined) return;
  const { start, end } = found;
  promise('a range lies in the bytes', start >= 0 && start < end && end <= size, () => {
    return `${start} to ${end} of ${size}`;
  });
}
