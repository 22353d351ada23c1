import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { isoImage } from '../../test/support/images/iso9660.js';

const PRIMARY_AT = 32768;

describe('iso9660', () => {
  it('describes a disc', () => {
    expect(inspectBytes(isoImage())).toEqual({
      format: 'iso',
      subformat: 'iso9660',
      virtualSize: 49152,
      size: 49152,
      safe: true,
      findings: [],
      metadata: {
        volume_id: 'STOWAGE',
        system_id: 'LINUX',
        volume_set_id: '',
        publisher: 'PUBLISHER',
        preparer: '',
        application: '',
        created_at: '',
        volume_size: 49152,
        block_size: 2048,
        bootable: true,
        joliet: true,
        rock_ridge: true,
      },
    });
  });

  it('refuses fields whose two byte orders disagree', () => {
    for (const at of [84, 130]) {
      const bytes = isoImage((writer) => writer.u16be(PRIMARY_AT + at, 7));
      expect(brokenRules(inspectBytes(bytes))).toEqual(['copies-differ']);
    }
  });

  it('refuses a volume that is longer than the file, but for the run-out', () => {
    const short = isoImage((writer) => {
      writer.u32le(PRIMARY_AT + 80, 175).u32be(PRIMARY_AT + 84, 175);
    });
    const whole = isoImage((writer) => {
      writer.u32le(PRIMARY_AT + 80, 174).u32be(PRIMARY_AT + 84, 174);
    });
    expect(brokenRules(inspectBytes(short))).toEqual(['truncated']);
    expect(brokenRules(inspectBytes(whole))).toEqual([]);
  });

  it('refuses blocks of 2047 bytes', () => {
    const bytes = isoImage((writer) => {
      writer.u16le(PRIMARY_AT + 128, 2047).u16be(PRIMARY_AT + 130, 2047);
    });
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-malformed']);
  });

  it('refuses a set without a primary descriptor', () => {
    const bytes = isoImage((writer) => writer.u8(PRIMARY_AT, 3));
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-malformed']);
  });
});
