import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** One import or re-export of one source file. */
export interface ImportEdge {
  /** Path from the root of the repository, with `/`. */
  readonly from: string;
  /** Another source file likewise, or the name of a package. */
  readonly to: string;
  readonly isPackage: boolean;
}

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Every source file below the folders, tests left out. */
export function sourceFiles(...folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        path.posix.join(folder, file.split(path.sep).join('/')),
      ),
    )
    .filter((file) => /\.(?:ts|js)$/.test(file) && !file.endsWith('.test.ts'))
    .sort();
}

/** What a file imports: static, dynamic with a literal, types alike. */
export function importsOf(file: string): readonly ImportEdge[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const edges: ImportEdge[] = [];
  const visit = (node: ts.Node): void => {
    const named = moduleName(node);
    if (named !== undefined) edges.push(edge(file, named));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edges;
}

/** Names that a module exports, with a type's marked, sorted. */
export function exportsOf(file: string): readonly string[] {
  const program = ts.createProgram([path.join(ROOT, file)], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path.join(ROOT, file));
  const symbol = source && checker.getSymbolAtLocation(source);
  if (symbol === undefined) throw new Error(`${file} is no module`);
  return checker
    .getExportsOfModule(symbol)
    .map((exported) => {
      const alias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
      const { flags } = alias ? checker.getAliasedSymbol(exported) : exported;
      const isTypeOnly = exported.declarations?.some(ts.isTypeOnlyExportDeclaration) === true;
      const isValue = (flags & ts.SymbolFlags.Value) !== 0 && !isTypeOnly;
      return isValue ? exported.name : `type ${exported.name}`;
    })
    .sort();
}

function moduleName(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const { moduleSpecifier: named } = node;
    return named !== undefined && ts.isStringLiteral(named) ? named.text : undefined;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const { literal } = node.argument;
    return ts.isStringLiteral(literal) ? literal.text : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [named] = node.arguments;
    return named !== undefined && ts.isStringLiteral(named) ? named.text : undefined;
  }
  return undefined;
}

function edge(from: string, named: string): ImportEdge {
  if (!named.startsWith('.')) {
    const name = named.startsWith('node:')
      ? named
      : (/^(?:@[^/]+\/)?[^/]+/.exec(named)?.[0] ?? named);
    return { from, to: name, isPackage: true };
  }
  const file = path.posix.join(path.posix.dirname(from), named);
  return { from, to: file, isPackage: false };
}

/** The first cycle among the edges, as the files on it; `undefined` where there is none. */
export function findCycle(edges: readonly ImportEdge[]): readonly string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to, isPackage } of edges) {
    if (isPackage) continue;
    targets.set(key(from), [...(targets.get(key(from)) ?? []), key(to)]);
  }
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    const at = trail.indexOf(file);
    if (at >= 0) return [...trail.slice(at), file];
    if (done.has(file)) return undefined;
    trail.push(file);
    for (const next of targets.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    done.add(file);
    return undefined;
  };
  for (const file of targets.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Sources are imported by the name of their compiled file. */
function key(file: string): string {
  return file.replace(/\.(?:ts|js)$/, '');
}
