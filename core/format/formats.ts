import { compressed, sevenZip } from './compressed.js';
import { dmg, foreign } from './foreign.js';
import type { FormatInspector } from './frame.js';
import { gpt } from './gpt.js';
import { iso9660 } from './iso9660.js';
import { luks } from './luks.js';
import { mbr } from './mbr.js';
import { qcow } from './qcow.js';
import { qcow2 } from './qcow2.js';
import { qed } from './qed.js';
import { tarOf } from './tar.js';
import { udf } from './udf.js';
import { vdi } from './vdi.js';
import { vhd } from './vhd.js';
import { vhdx } from './vhdx.js';
import { vmdk } from './vmdk.js';
import { appendedZip, zip } from './zip.js';

/** What a member of an archive may be. GPT comes before MBR, whose protective table it replaces. */
const MEMBERS: readonly FormatInspector[] = [
  qcow2,
  qcow,
  qed,
  vmdk,
  vhdx,
  vhd,
  vdi,
  luks,
  iso9660,
  udf,
  foreign,
  dmg,
  compressed,
  sevenZip,
  zip,
  appendedZip,
  gpt,
  mbr,
];

/** All format inspectors. */
export const FORMATS: readonly FormatInspector[] = [...MEMBERS, tarOf(MEMBERS)];
