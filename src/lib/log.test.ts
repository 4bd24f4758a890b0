import { expect, it } from 'vitest';
import { formatJson, formatPretty, type LogLine } from './log.ts';

const line = (message: string, fields: LogLine['fields'] = {}): LogLine => ({
  time: 0,
  level: 'info',
  part: 'agent',
  message,
  fields,
});

it('writes out what moves the cursor of a terminal, whoever said it', () => {
  expect(
    formatPretty(line('a\x1b[2Jb\x7f\x9b', { name: 'x\x1b]0;y\x07', path: 'a\u0085b', other: 'é "ü"' })),
  ).toBe(
    `1970-01-01T00:00:00.000Z INFO  agent: a\\x1b[2Jb\\x7f\\x9b name="x\\u001b]0;y\\u0007" path="a\\x85b" other="é \\"ü\\""\n`,
  );
  expect(formatPretty(line('two\nlines'))).toContain('two\nlines\n');
});

it('keeps to one line a record in JSON', () => {
  expect(formatJson(line('a\nb', { c: '\x1b' }))).toBe(
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","part":"agent","message":"a\\nb","c":"\\u001b"}\n',
  );
});
