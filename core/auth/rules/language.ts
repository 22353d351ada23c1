import type { Check, Operand, SubjectAttribute, TargetAttribute } from './check.js';
import { SUBJECT_ATTRIBUTES, TARGET_ATTRIBUTES } from './check.js';

/**
 * The language of rules: what deployers know from the policy files of OpenStack, without the checks
 * that run code or ask other servers.
 *
 *     rule    = "" | any
 *     any     = all { "or" all }
 *     all     = one { "and" one }
 *     one     = "not" one | "(" any ")" | "@" | "!" | check
 *     check   = "role:" NAME | "rule:" NAME | left ":" right
 *     left    = attribute of the caller | "'" literal "'"
 *     right   = literal | "%(" attribute of the target ")s"
 */
export class RuleSyntaxError extends Error {
  /** @param hint what to write instead */
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

const TOKEN = /\s*(?:([()])|((?:'[^']*'|"[^"]*"|%\([^()]*\)s|[^\s()'"])+))/y;
const MAX_DEPTH = 32;

/** @throws {RuleSyntaxError} */
export function parseRule(text: string): Check {
  const tokens = tokensOf(text.trim());
  if (tokens.length === 0) return { kind: 'always' };
  const parser = new Parser(tokens);
  return parser.parse();
}

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly string[]) {}

  parse(): Check {
    const check = this.any();
    const rest = this.tokens[this.at];
    if (rest !== undefined) {
      throw new RuleSyntaxError(
        `"${rest}" stands where "and" or "or" is expected`,
        'Join checks with "and" or "or"',
      );
    }
    return check;
  }

  private any(): Check {
    const checks = [this.all()];
    while (this.take('or')) checks.push(this.all());
    return joined('any', checks);
  }

  private all(): Check {
    const checks = [this.one()];
    while (this.take('and')) checks.push(this.one());
    return joined('all', checks);
  }

  private one(): Check {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) {
      throw new RuleSyntaxError(
        'The rule is nested too deeply',
        'Give parts of it names of their own',
      );
    }
    try {
      if (this.take('not')) return { kind: 'not', check: this.one() };
      if (this.take('(')) {
        const inner = this.any();
        if (this.take(')')) return inner;
        throw new RuleSyntaxError('A ")" is missing', 'Close every "("');
      }
      const token = this.tokens[this.at];
      if (token === undefined || token === ')' || isWord(token)) {
        throw new RuleSyntaxError(
          `A check is missing ${token === undefined ? 'at the end' : `before "${token}"`}`,
          'Write a check such as "role:member" there',
        );
      }
      this.at += 1;
      return parseCheck(token);
    } finally {
      this.depth -= 1;
    }
  }

  private take(word: string): boolean {
    if (this.tokens[this.at]?.toLowerCase() !== word) return false;
    this.at += 1;
    return true;
  }
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw new RuleSyntaxError(
        `The quote in "${text.slice(from).trim()}" is not closed`,
        'Close it',
      );
    }
    tokens.push(match[1] ?? match[2] ?? '');
  }
  return tokens;
}

function isWord(token: string): boolean {
  return ['and', 'or', 'not'].includes(token.toLowerCase());
}

function joined(kind: 'all' | 'any', checks: readonly Check[]): Check {
  const [only, ...others] = checks;
  return only !== undefined && others.length === 0 ? only : { kind, checks };
}

function parseCheck(token: string): Check {
  if (token === '@') return { kind: 'always' };
  if (token === '!') return { kind: 'never' };
  const [, left, right] = /^('[^']*'|"[^"]*"|[^:]+):(.+)$/s.exec(token) ?? [];
  if (left === undefined || right === undefined) {
    throw new RuleSyntaxError(`"${token}" is not a check`, FORMS);
  }
  if (left === 'role') return { kind: 'role', role: literal(right, token).toLowerCase() };
  if (left === 'rule') return { kind: 'rule', name: literal(right, token) };
  return { kind: 'same', left: leftOperand(left, token), right: rightOperand(right, token) };
}

const FORMS =
  'Write "role:NAME", "rule:NAME", "@" (always), "!" (never), or "project_id:%(project_id)s"';

function leftOperand(left: string, token: string): Operand {
  if (isQuoted(left)) return { from: 'literal', value: left.slice(1, -1) };
  if (isSubjectAttribute(left)) return { from: 'subject', name: left };
  if (left === 'is_admin') {
    throw new RuleSyntaxError(`"${token}" asks what rules decide`, 'Write "rule:context_is_admin"');
  }
  if (left === 'http' || left === 'https') {
    throw new RuleSyntaxError('Rules cannot ask other servers', 'Decide by roles and attributes');
  }
  throw new RuleSyntaxError(
    `"${left}" is nothing that is known of a caller`,
    `There are: role, ${SUBJECT_ATTRIBUTES.join(', ')}`,
  );
}

function rightOperand(right: string, token: string): Operand {
  const [, name] = /^%\(([^()]*)\)s$/.exec(right) ?? [];
  if (name === undefined) return { from: 'literal', value: literal(right, token) };
  if (isTargetAttribute(name)) return { from: 'target', name };
  throw new RuleSyntaxError(
    `"${name}" is nothing that is known of a target`,
    `There are: ${TARGET_ATTRIBUTES.join(', ')}`,
  );
}

function literal(text: string, token: string): string {
  const value = isQuoted(text) ? text.slice(1, -1) : text;
  if (!/[%'"]/.test(value)) return value;
  throw new RuleSyntaxError(`"${token}" is not a check`, FORMS);
}

function isQuoted(text: string): boolean {
  return /^'[^']*'$|^"[^"]*"$/.test(text);
}

function isSubjectAttribute(name: string): name is SubjectAttribute {
  return (SUBJECT_ATTRIBUTES as readonly string[]).includes(name);
}

function isTargetAttribute(name: string): name is TargetAttribute {
  return (TARGET_ATTRIBUTES as readonly string[]).includes(name);
}
