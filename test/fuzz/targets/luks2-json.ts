import fc from 'fast-check';
import type { JsonObject } from '../../../core/base/json.js';
import { luks2Image } from '../../support/images/luks.js';
import { checkMemory } from '../memory.js';
import { checkInspection } from '../oracle.js';
import type { FuzzTarget, Seen } from '../target.js';

type Case = {
  readonly text: string;
  readonly headerLength: number;
  readonly measured: boolean;
};

const size = fc.oneof(
  fc.constantFrom('dynamic', '0', '1', '32768', '4096', '-1', '1e400', '9007199254740992', ''),
  fc.constantFrom('18446744073709551615', '18446744073709551104', '0x10', ' 1', '1.5'),
  fc.nat().map(String),
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(null, true, 1, 'x', [], {}));
const loose = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary, weight: 9 }, { arbitrary: value, weight: 1 });

const segment = fc.record(
  {
    type: loose(fc.constantFrom('crypt', 'linear', 'hw-opal')),
    offset: loose(size),
    size: loose(size),
    encryption: loose(fc.constantFrom('aes-xts-plain64', '\u0000', 'x'.repeat(400))),
  },
  { requiredKeys: [] },
);
const area = fc.record(
  {
    segments: loose(fc.dictionary(fc.string({ maxLength: 3 }), loose(segment), { maxKeys: 4 })),
    config: loose(
      fc.record({
        requirements: loose(fc.record({ mandatory: loose(fc.array(fc.string())) })),
      }),
    ),
    __proto__: value,
  },
  { requiredKeys: ['segments'] },
);

/** Texts that take much room once they are parsed, or that are cut. */
const hostile = fc
  .tuple(
    fc.constantFrom('[', '{"a":', '{},', '[],', '"a",', '1,', '\u00e9'),
    fc.nat({ max: 20_000 }),
  )
  .map(([piece, count]) => piece.repeat(count).slice(0, 60_000));

/** The JSON of LUKS 2 headers, whose checksums are right. */
export const luks2JsonTarget: FuzzTarget<Case> = {
  name: 'luks2-json',
  weight: 2,
  cases: fc.record({
    text: fc.oneof(
      { arbitrary: area.map((made) => JSON.stringify(made)), weight: 8 },
      {
        arbitrary: fc.tuple(area, fc.nat({ max: 200 })).map(([made, cut]) => {
          const text = JSON.stringify(made);
          return text.slice(0, text.length - (cut % (text.length + 1)));
        }),
        weight: 2,
      },
      { arbitrary: hostile.map((text) => `{"segments":{"0":[${text}`), weight: 1 },
      { arbitrary: hostile.map((text) => `{"x":[${text}0],"segments":{}}`), weight: 1 },
    ),
    headerLength: fc.constantFrom(...Array<number>(12).fill(16384), 32768, 65536, 131072),
    measured: fc.nat({ max: 199 }).map((turn) => turn === 0),
  }),
  check: (made) => judge(made),
  save: ({ text, headerLength, measured }) => ({ text, headerLength, measured }),
  replay(saved: JsonObject) {
    judge(saved as unknown as Case);
  },
};

function judge({ text, headerLength, measured }: Case): Seen {
  const room = Buffer.from(text).subarray(0, headerLength - 4096);
  const image = luks2Image({
    headerLength,
    patch: (writer) => {
      for (const at of [0, headerLength]) {
        writer.bytes.fill(0, at + 4096, at + headerLength);
        writer.bytes.set(room, at + 4096);
      }
    },
  });
  const { seen } = checkInspection(image, [5000, 70_000]);
  return measured ? [...seen, checkMemory(image, image.length)] : seen;
}
