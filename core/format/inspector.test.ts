import { describe, expect, it } from 'vitest';
import { IMAGE_KINDS } from '../../test/support/images/catalogue.js';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { vhdxImage } from '../../test/support/images/vhdx.js';
import { setField } from '../../test/support/images/writer.js';
import { createInspector } from './inspector.js';

const MAX = 0xffffffffffffffffn;
const KIB = 1024;
const MIB = KIB * KIB;

describe.each(IMAGE_KINDS)('$name', ({ format, make, fields, name }) => {
  const image = make();

  it('is recognised by createInspector and safe unless it refers to other files', () => {
    const { format: found, safe, findings } = inspectBytes(image);
    expect({
      found,
      safe,
      findings: findings.filter(({ severity }) => severity === 'unsafe'),
    }).toEqual(
      name === 'vmdk descriptor'
        ? { found: format, safe: false, findings: expect.anything() as unknown }
        : { found: format, safe: true, findings: [] },
    );
  });

  it('has one inspection however the stream is cut', () => {
    const whole = inspectBytes(image);
    const lengths = image.length > 128 * 1024 ? [4093, 65536] : [1, 7, 4093, 65536];
    for (const length of lengths) expect(inspectBytes(image, length)).toEqual(whole);
  });

  it('does not make an inspector fail where it is cut short', () => {
    for (const length of [
      1,
      3,
      8,
      64,
      100,
      511,
      512,
      513,
      1024,
      4096,
      32774,
      33000,
      image.length - 1,
    ]) {
      expect(brokenRules(inspectBytes(image.subarray(0, length)))).not.toContain(
        'inspector-failed',
      );
    }
  });

  it.each(fields)('does not make an inspector fail by a hostile $name', (field) => {
    for (const value of [
      0n,
      1n,
      1n << 31n,
      (1n << 63n) - 1n,
      1n << 63n,
      MAX,
      BigInt(image.length) + 1n,
    ]) {
      const hostile = make(setField(field, value));
      const result = inspectBytes(hostile);
      expect(brokenRules(result)).not.toContain('inspector-failed');
      expect(Number.isSafeInteger(result.virtualSize ?? 0)).toBe(true);
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    }
  });
});

describe('createInspector', () => {
  it('never throws and does not depend on chunks for mutated headers', () => {
    const random = seeded(42);
    const images = IMAGE_KINDS.map(({ make }) => make()).filter(({ length }) => length < 2 * MIB);
    for (let round = 0; round < 3000; round += 1) {
      const bytes = Uint8Array.from(images[round % images.length] ?? []);
      for (let change = 0; change <= random() * 6; change += 1) {
        const at = Math.floor(random() ** 3 * bytes.length);
        bytes[at] =
          [0, 0xff, 0x7f, 0x80, 1][Math.floor(random() * 8)] ?? Math.floor(random() * 256);
      }
      const cut = bytes.subarray(
        0,
        random() < 0.1 ? Math.floor(random() * bytes.length) : undefined,
      );
      const whole = inspectBytes(cut);
      expect(brokenRules(whole)).not.toContain('inspector-failed');
      expect(inspectBytes(cut, 1 + Math.floor(random() * 5000))).toEqual(whole);
    }
  });

  it('never throws for mutated tables of a VHDX, whose checksums are right', () => {
    const random = seeded(43);
    for (let round = 0; round < 60; round += 1) {
      const bytes = vhdxImage((writer) => {
        for (let change = 0; change < 4; change += 1) {
          const structure = [64 * KIB, 192 * KIB, 2 * MIB, 2 * MIB + 64 * KIB][change] ?? 0;
          writer.u8(structure + 8 + Math.floor(random() * 80), Math.floor(random() * 256));
        }
      });
      expect(brokenRules(inspectBytes(bytes, 100_000))).not.toContain('inspector-failed');
    }
  });

  it('reports bytes of no format as raw, padded to a sector', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 7 + 3) % 251);
    expect(inspectBytes(bytes)).toEqual({
      format: 'raw',
      virtualSize: 1024,
      size: 1000,
      safe: true,
      findings: [],
      metadata: {},
    });
  });

  it('reports an empty stream as raw', () => {
    expect(createInspector().finish()).toMatchObject({ format: 'raw', virtualSize: 0, size: 0 });
  });
});

/** Mulberry32: the same numbers on each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
