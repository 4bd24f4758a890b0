import { expect, it } from 'vitest';
import { lastWords } from './etcd-output.ts';

const record = (fields: object) =>
  JSON.stringify({ ts: '2026-12-01T03:08:20.473Z', caller: 'a.go:1', ...fields });
const WARNING = record({ level: 'warn', msg: 'established TCP streaming connection with remote peer' });
const STACK = { stacktrace: 'go.etcd.io/etcd/mvcc/backend.(*batchTx).commit\n\tbatch_tx.go:248' };

it.each([
  [
    'of a full disk without the stack trace and what came before',
    [
      WARNING,
      record({
        level: 'fatal',
        msg: 'failed to commit tx',
        error: 'write db: no space left on device',
        ...STACK,
      }),
    ],
    'failed to commit tx: write db: no space left on device',
  ],
  [
    'of a port that is taken the last that it said',
    [
      record({ level: 'warn', msg: 'failed to start etcd', error: 'address in use' }),
      record({
        level: 'fatal',
        msg: 'discovery failed',
        error: 'listen tcp 127.0.0.1:8310: address in use',
        ...STACK,
      }),
      '',
    ],
    'discovery failed: listen tcp 127.0.0.1:8310: address in use',
  ],
  [
    'of a panic its reason',
    [WARNING, 'panic: freepages: failed to get all', 'goroutine 1 [running]:'],
    'panic: freepages: failed to get all',
  ],
  ['of what is no JSON the last line', ['x', 'spawn etcd EACCES'], 'spawn etcd EACCES'],
  ['of a line that was cut nothing but a bounded piece', [`{${'x'.repeat(2_000)}`], `{${'x'.repeat(499)}`],
  ['of nothing nothing', [], ''],
])('tells %s', (_, lines, words) => {
  expect(lastWords(lines.join('\n'))).toBe(words);
});
