import type { JsonObject } from '../base/json.js';
import { printable } from './byte-view.js';
import { XmlScanner, type XmlFault } from './xml-scanner.js';

// Source: DMTF DSP0243 2.1.1, "Open Virtualization Format Specification": 7.1 References, 9.1
// DiskSection, 8 virtual hardware, 9.4 OperatingSystemSection, 9.3 ProductSection.

export type OvfFile = {
  readonly id: string;
  readonly href: string;
  readonly size: number | undefined;
  readonly compression: string;
  readonly isChunked: boolean;
};

export type OvfDisk = {
  readonly fileRef: string;
  readonly capacity: number | undefined;
  readonly format: string;
  readonly hasParent: boolean;
};

/** What a descriptor says, as far as an import looks at it. */
export type OvfDescriptor = {
  readonly files: readonly OvfFile[];
  readonly disks: readonly OvfDisk[];
  /** Facts of the one virtual system; empty where there are several. */
  readonly facts: JsonObject;
  readonly fault: XmlFault | undefined;
};

/** Files and disks that are kept; a descriptor with more is not read to its end. */
const MAX_ENTRIES = 64;
/** Text that is kept of one element. */
const MAX_TEXT = 255;

/** CIM_ResourceAllocationSettingData.ResourceType. */
const PROCESSOR = '3';
const MEMORY = '4';

/** Elements whose text is a fact, by the element that they must be in. */
const FACTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ProductSection: {
    Product: 'product',
    Vendor: 'vendor',
    Version: 'version',
    FullVersion: 'full_version',
  },
  OperatingSystemSection: { Description: 'os_description' },
  System: { VirtualSystemType: 'virtual_system_type' },
  VirtualSystem: { Name: 'name' },
};

/** Reads a descriptor as its bytes come. */
export class OvfReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private readonly scanner: XmlScanner;
  private readonly path: string[] = [];
  private readonly files: OvfFile[] = [];
  private readonly disks: OvfDisk[] = [];
  private readonly facts: Record<string, string> = {};
  private item: Record<string, string> = {};
  private systems = 0;
  private text = '';
  private fault: XmlFault | undefined;

  constructor() {
    this.scanner = new XmlScanner({
      start: (name, attributes) => {
        this.start(name, attributes);
      },
      end: (name) => {
        this.end(name);
      },
      text: (text) => {
        this.text = (this.text + text).slice(0, MAX_TEXT);
      },
    });
  }

  push(bytes: Uint8Array): void {
    this.decode(bytes, true);
  }

  finish(): OvfDescriptor {
    this.decode(new Uint8Array(0), false);
    this.scanner.end();
    const fault = this.fault ?? this.scanner.fault;
    return {
      files: this.files,
      disks: this.disks,
      facts: fault === undefined && this.systems === 1 ? this.facts : {},
      fault,
    };
  }

  private decode(bytes: Uint8Array, stream: boolean): void {
    if (this.fault !== undefined) return;
    try {
      this.scanner.push(this.decoder.decode(bytes, { stream }));
    } catch {
      this.fault = { kind: 'malformed', message: 'the text is not UTF-8' };
    }
  }

  private start(name: string, attributes: ReadonlyMap<string, string>): void {
    this.text = '';
    const parent = this.path.at(-1);
    this.path.push(name);
    if (this.path[0] !== 'Envelope') {
      this.fault ??= { kind: 'malformed', message: 'the document is no OVF envelope' };
    }
    const of = (key: string): string => attributes.get(key) ?? '';
    if (name === 'File' && parent === 'References') {
      this.keep(this.files, {
        id: of('id'),
        href: of('href'),
        size: count(of('size')),
        compression: of('compression'),
        isChunked: attributes.has('chunkSize'),
      });
    } else if (name === 'Disk' && parent === 'DiskSection') {
      const unit = unitBytes(of('capacityAllocationUnits'));
      const capacity = count(of('capacity'));
      this.keep(this.disks, {
        fileRef: of('fileRef'),
        capacity: capacity === undefined || unit === undefined ? undefined : capacity * unit,
        format: of('format'),
        hasParent: attributes.has('parentRef'),
      });
    } else if (name === 'VirtualSystem') this.systems += 1;
    else if (name === 'OperatingSystemSection') {
      this.fact('os_id', of('id'));
      this.fact('os_type', of('osType'));
    } else if (name === 'Item') this.item = {};
    else if (name === 'Config' && of('key') === 'firmware') this.fact('firmware', of('value'));
  }

  private end(name: string): void {
    this.path.pop();
    const parent = this.path.at(-1) ?? '';
    const text = this.text.trim();
    this.text = '';
    if (parent === 'Item') this.item[name] ??= text;
    const fact = FACTS[parent]?.[name];
    if (fact !== undefined) this.fact(fact, text);
    if (name !== 'Item') return;
    const { ResourceType, VirtualQuantity = '', AllocationUnits = '' } = this.item;
    const quantity = count(VirtualQuantity);
    if (quantity === undefined) return;
    if (ResourceType === PROCESSOR) this.fact('cpus', `${quantity}`);
    const unit = unitBytes(AllocationUnits);
    if (ResourceType === MEMORY && unit !== undefined) {
      this.fact('memory_mib', `${Math.ceil((quantity * unit) / 2 ** 20)}`);
    }
  }

  /** The first one counts. */
  private fact(key: string, value: string): void {
    const text = printable(value);
    if (text !== '') this.facts[key] ??= text;
  }

  private keep<T>(list: T[], entry: T): void {
    if (list.length < MAX_ENTRIES) list.push(entry);
    else
      this.fault ??= { kind: 'malformed', message: `there are more than ${MAX_ENTRIES} entries` };
  }
}

function count(text: string): number | undefined {
  const value = /^\d{1,18}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** DSP0004 programmatic units (`byte * 2^30`) and the names that older programs write. */
function unitBytes(unit: string): number | undefined {
  const text = unit.trim();
  if (text === '' || /^bytes?$/i.test(text)) return 1;
  const exponent = /^byte\s*\*\s*2\s*\^\s*(\d{1,2})$/i.exec(text)?.[1];
  if (exponent !== undefined) return 2 ** Number(exponent);
  const named = { KiloBytes: 10, MegaBytes: 20, GigaBytes: 30, TeraBytes: 40 }[text];
  return named === undefined ? undefined : 2 ** named;
}
