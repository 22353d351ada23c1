/** How a plugin is named in config, taken apart. */
export type Specifier =
  | { readonly kind: 'built-in'; readonly name: string }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'invalid' };

const BARE_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
/** npm's rule for names, less what only old packages have. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * A bare name is built in; `@scope/package` and `npm:package` are installed packages; `./`, `../`
 * and `/` begin a path.
 */
export function parseSpecifier(text: string): Specifier {
  if (/^(?:\.{1,2})?\//.test(text)) return { kind: 'path', path: text };
  const isNpm = text.startsWith('npm:');
  if (isNpm || text.startsWith('@')) {
    const name = isNpm ? text.slice('npm:'.length) : text;
    return PACKAGE_NAME.test(name) ? { kind: 'package', name } : { kind: 'invalid' };
  }
  return BARE_NAME.test(text) ? { kind: 'built-in', name: text } : { kind: 'invalid' };
}
