/** sprig's functions for versions: semver.org's, and constraints in the notation of Masterminds' library. */
import {
  ANY,
  BOOL,
  fn,
  INT64,
  type Method,
  Scalar,
  STRING,
  structType,
  type Value,
  ValueError,
} from '../../language/index.ts';
import { type Group, pure } from '../entry.ts';

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: string;
  readonly metadata: string;
  readonly original: string;
}

const SUFFIX = String.raw`(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?`;
const VERSION = new RegExp(String.raw`^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?${SUFFIX}$`);

function versionOf(text: string): Version {
  const match = VERSION.exec(text);
  if (match === null) throw new ValueError('Invalid Semantic Version');
  const [, major = '0', minor = '0', patch = '0', prerelease = '', metadata = ''] = match;
  if (prerelease.split('.').some((part) => /^0\d+$/.test(part)))
    throw new ValueError('Version segment starts with 0');
  return { numbers: [BigInt(major), BigInt(minor), BigInt(patch)], prerelease, metadata, original: text };
}

function written({ numbers, prerelease, metadata }: Version): string {
  return (
    numbers.join('.') + (prerelease === '' ? '' : `-${prerelease}`) + (metadata === '' ? '' : `+${metadata}`)
  );
}

/** Below 0: the first is the earlier one. */
function compare(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    const other = b.numbers[i] as bigint;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.prerelease === b.prerelease) return 0;
  // What is released comes behind all that was before it.
  if (a.prerelease === '') return 1;
  if (b.prerelease === '') return -1;
  const [x, y] = [a.prerelease.split('.'), b.prerelease.split('.')];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const order = comparePart(x[i], y[i]);
    if (order !== 0) return order;
  }
  return 0;
}

const DIGITS = /^\d+$/;

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const [isNumber, otherIsNumber] = [DIGITS.test(a), DIGITS.test(b)];
  if (isNumber && otherIsNumber) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
  return a < b ? -1 : 1;
}

interface Constraint {
  readonly operator: string;
  readonly version: Version;
  /** How many of its numbers were said: 0 for "*", 3 for "1.2.3". */
  readonly said: 0 | 1 | 2 | 3;
}

const OPERATORS = '=>|=<|>=|<=|!=|~>|[=<>~^]';
const NUMBER = String.raw`(\d+|[xX*])`;
const CONSTRAINT = new RegExp(
  String.raw`(${OPERATORS})?\s*v?${NUMBER}(?:\.${NUMBER})?(?:\.${NUMBER})?${SUFFIX}`,
  'g',
);
const RANGE = /(\S+)\s+-\s+(\S+)/g;

/** Alternatives, each of constraints that all have to hold. */
function constraintsOf(text: string): Constraint[][] {
  return text.split('||').map((part) => {
    const plain = part.replace(RANGE, '>= $1, <= $2');
    const all = [...plain.matchAll(CONSTRAINT)].map(constraintOf);
    if (all.length === 0 || plain.replace(CONSTRAINT, '').replace(/[\s,]/g, '') !== '')
      throw new ValueError(`improper constraint: ${text}`);
    return all;
  });
}

const isAny = (text: string | undefined): boolean => text === undefined || /^[xX*]$/.test(text);

function constraintOf(match: RegExpMatchArray): Constraint {
  const [, operator = '', major, minor, patch, prerelease = '', metadata = ''] = match;
  const parts = [major, minor, patch];
  const open = parts.findIndex(isAny);
  const said = (open === -1 ? 3 : open) as Constraint['said'];
  const number = (i: number): bigint => (i < said ? BigInt(parts[i] as string) : 0n);
  const version: Version = {
    numbers: [number(0), number(1), number(2)],
    prerelease,
    metadata,
    original: match[0],
  };
  return { operator, version, said };
}

/** Are the first `count` numbers the same? */
const agrees = (a: Version, b: Version, count: number): boolean =>
  a.numbers.slice(0, count).every((number, i) => number === b.numbers[i]);

function tilde(version: Version, { version: from, said }: Constraint): boolean {
  // "~0.0.0" asks for nothing, as in the original.
  if (said === 3 && from.numbers.every((number) => number === 0n) && from.prerelease === '') return true;
  return compare(version, from) >= 0 && agrees(version, from, Math.min(said, 2));
}

function caret(version: Version, { version: from, said }: Constraint): boolean {
  if (compare(version, from) < 0) return false;
  // As far as the first number that is not 0.
  const first = from.numbers.findIndex((number) => number !== 0n);
  return agrees(version, from, Math.min(said || 3, first === -1 ? 3 : first + 1));
}

/** A constraint with fewer numbers ("> 1.2") means all versions that begin with them. */
function holds(version: Version, constraint: Constraint): boolean {
  const { operator, version: other, said } = constraint;
  const isNone = operator === '!=' && said === 3;
  // Whoever does not ask for what is not released does not get it.
  if (version.prerelease !== '' && other.prerelease === '' && !isNone) return false;
  switch (operator) {
    case '':
    case '=':
      return said === 3 ? compare(version, other) === 0 : tilde(version, constraint);
    case '!=':
      return isNone ? compare(version, other) !== 0 : !agrees(version, other, said);
    case '>':
      return compare(version, other) > 0 && (said === 3 || !agrees(version, other, said));
    case '>=':
    case '=>':
      return compare(version, other) >= 0;
    case '<':
      return compare(version, other) < 0;
    case '<=':
    case '=<':
      return compare(version, other) <= 0 || (said < 3 && agrees(version, other, said));
    case '^':
      return caret(version, constraint);
    default:
      return tilde(version, constraint);
  }
}

const KEPT = new WeakMap<object, Version>();
const method = (result: typeof STRING, call: (version: Version) => Value): Method => ({
  params: [],
  variadic: false,
  result,
  call: (self) => call(KEPT.get(self) as Version),
});
const number = (place: 0 | 1 | 2): Method =>
  method(INT64, ({ numbers }) => new Scalar(INT64, numbers[place]));

const SemVer = structType(
  'semver.Version',
  {},
  {
    Major: number(0),
    Minor: number(1),
    Patch: number(2),
    Prerelease: method(STRING, ({ prerelease }) => prerelease),
    Metadata: method(STRING, ({ metadata }) => metadata),
    Original: method(STRING, ({ original }) => original),
    String: method(STRING, written),
  },
);

export const VERSIONS: Group = {
  semver: pure(
    fn([STRING], ANY, (text: string) => {
      const version = versionOf(text);
      const value = new SemVer({});
      KEPT.set(value, version);
      return value;
    }),
    'A version with `.Major`, `.Minor`, `.Patch`, `.Prerelease`, `.Metadata`, `.Original`.',
    '{{ (sprig_semver "1.2.3").Major }}',
  ),
  semverCompare: pure(
    fn([STRING, STRING], BOOL, (constraint: string, version: string) => {
      const asked = versionOf(version);
      return constraintsOf(constraint).some((all) => all.every((one) => holds(asked, one)));
    }),
    'Does a version meet a constraint (`>=1.2 <2`, `~1.2`, `^1.2`, `1.x || 2.x`)?',
    `{{ if sprig_semverCompare ">=1.2" .ServiceMeta.version }}`,
  ),
};
