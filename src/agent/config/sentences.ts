/** Faults of a configuration in words. */
import type { z } from 'zod';
import { nearest } from '../../lib/nearest.ts';
import { isTable } from './names.ts';
import type { Path } from './places.ts';

/** A path as people write it: `group[0].restart.base` */
export function pathText(at: Path): string {
  return at.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

/** What is wrong with a value, in words. The schema has to be asked with `reportInput`. */
export function sentence(issue: z.core.$ZodIssue): string {
  const got = issue.input === undefined ? 'nothing' : shown(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return issue.message.startsWith('Invalid input')
        ? `expected ${KINDS[issue.expected] ?? issue.expected}, got ${got}`
        : issue.message;
    case 'invalid_value':
      return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}, got ${got}${meant(issue)}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty'
        : `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, got ${got}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, got ${got}`;
    default:
      return issue.message;
  }
}

const KINDS: Record<string, string> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
  record: 'a table',
};

function meant(issue: z.core.$ZodIssueInvalidValue): string {
  if (typeof issue.input !== 'string') return '';
  const near = nearest(issue.input, issue.values.map(String));
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isTable(value)) return 'a table';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
