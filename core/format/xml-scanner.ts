/** What a scanner meets, in order. Names are without their prefix. */
export type XmlEvents = {
  start(name: string, attributes: ReadonlyMap<string, string>): void;
  end(name: string): void;
  text(text: string): void;
};

/** What makes a document unfit to be read. */
export type XmlFault = { readonly kind: 'entities' | 'malformed'; readonly message: string };

/** Longest piece of markup that is read. */
const MAX_MARKUP = 64 * 1024;
const MAX_DEPTH = 64;
const LONGEST_ENTITY = 16;
const PREDEFINED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  apos: "'",
  quot: '"',
};

/** `<!--` … `-->` and the like: what they begin and end with. */
const SKIPPED = [
  ['<!--', '-->'],
  ['<?', '?>'],
] as const;
const CDATA = ['<![CDATA[', ']]>'] as const;

/**
 * Reads XML as it comes, elements and text alone. Documents that declare anything (DTD, entities) are
 * not read: nothing is ever expanded or fetched. Keeps one piece of markup and the open elements.
 */
export class XmlScanner {
  private rest = '';
  private readonly open: string[] = [];
  private found: XmlFault | undefined;
  private hasRoot = false;

  constructor(private readonly events: XmlEvents) {}

  /** Why nothing more is read. */
  get fault(): XmlFault | undefined {
    return this.found;
  }

  push(text: string): void {
    if (this.found !== undefined) return;
    this.rest += text;
    while (this.step()) {
      // Each step takes a piece off `rest`.
    }
    if (this.rest.length > MAX_MARKUP) this.fail('malformed', 'a piece of markup is too long');
  }

  end(): void {
    if (this.found !== undefined) return;
    if (this.rest.trim() !== '' || this.open.length > 0 || !this.hasRoot) {
      this.fail('malformed', 'the document ends in the middle');
    }
  }

  /** Takes one piece; false where more text is needed. */
  private step(): boolean {
    if (this.found !== undefined) return false;
    const at = this.rest.indexOf('<');
    if (at !== 0) {
      if (at < 0 && this.rest.length < MAX_MARKUP / 2) return false;
      const end = at < 0 ? endOfWholeText(this.rest) : at;
      const text = this.rest.slice(0, end);
      this.rest = this.rest.slice(end);
      this.takeText(text);
      return true;
    }
    for (const [begin, end] of [...SKIPPED, CDATA]) {
      if (!this.rest.startsWith(begin)) continue;
      const ends = this.rest.indexOf(end, begin.length);
      if (ends < 0) return false;
      if (begin === CDATA[0]) this.events.text(this.rest.slice(begin.length, ends));
      this.rest = this.rest.slice(ends + end.length);
      return true;
    }
    if (this.rest.startsWith('<!')) {
      if (this.rest.length < CDATA[0].length) return false;
      this.fail('entities', `the document declares ${JSON.stringify(this.rest.slice(0, 9))}`);
      return false;
    }
    const tag = /^<(?:[^>"']|"[^"]*"|'[^']*')*>/.exec(this.rest)?.[0];
    if (tag === undefined) return false;
    this.rest = this.rest.slice(tag.length);
    this.takeTag(tag);
    return true;
  }

  private takeText(text: string): void {
    const decoded = this.decode(text);
    if (decoded === undefined) return;
    if (this.open.length > 0) this.events.text(decoded);
    else if (decoded.replace('\ufeff', '').trim() !== '') {
      this.fail('malformed', 'there is text outside the document');
    }
  }

  private takeTag(tag: string): void {
    const closing = /^<\/([\w:.-]+)\s*>$/.exec(tag)?.[1];
    if (closing !== undefined) {
      if (this.open.pop() !== closing) this.fail('malformed', `"${closing}" is not open`);
      else this.events.end(localName(closing));
      return;
    }
    const [, name, rest = '', slash] =
      /^<([\w:.-]+)((?:[^"'/]|"[^"]*"|'[^']*'|\/(?!>$))*)(\/?)>$/.exec(tag) ?? [];
    const attributes = name === undefined ? undefined : this.attributes(rest);
    if (name === undefined || attributes === undefined) {
      this.fail('malformed', 'a tag cannot be read');
      return;
    }
    if (this.open.length === 0 && this.hasRoot) this.fail('malformed', 'there are two documents');
    if (this.open.length === MAX_DEPTH) this.fail('malformed', 'elements are nested too deeply');
    if (this.found !== undefined) return;
    this.hasRoot = true;
    this.events.start(localName(name), attributes);
    if (slash === '/') this.events.end(localName(name));
    else this.open.push(name);
  }

  /** By local name; `undefined` where they cannot be read or two have one local name. */
  private attributes(text: string): Map<string, string> | undefined {
    const found = new Map<string, string>();
    const pattern = /\s+([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
    let at = 0;
    while (text.slice(at).trim() !== '') {
      pattern.lastIndex = at;
      const [whole, name = '', double, single] = pattern.exec(text) ?? [];
      const value = whole === undefined ? undefined : this.decode(double ?? single ?? '');
      if (whole === undefined || value === undefined) return undefined;
      at += whole.length;
      if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      if (found.has(localName(name))) return undefined;
      found.set(localName(name), value);
    }
    return found;
  }

  private decode(text: string): string | undefined {
    const decoded = text.replace(/&([^;&<]{0,16});?/g, (whole, name: string) => {
      const known = whole.endsWith(';') ? (PREDEFINED[name] ?? character(name)) : undefined;
      if (known === undefined) {
        this.fail('entities', `the entity ${JSON.stringify(whole.slice(0, 16))} is not known`);
      }
      return known ?? '';
    });
    return this.found === undefined ? decoded : undefined;
  }

  private fail(kind: XmlFault['kind'], message: string): void {
    this.found ??= { kind, message };
    this.rest = '';
  }
}

/** Before an entity that may be cut in two. */
function endOfWholeText(text: string): number {
  const at = text.lastIndexOf('&');
  return at > text.length - LONGEST_ENTITY ? at : text.length;
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

/** `#65` and `#x41`. */
function character(reference: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(reference) ?? [];
  const code = hex === undefined ? Number(decimal ?? NaN) : Number.parseInt(hex, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
