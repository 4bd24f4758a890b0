/** docs/reference/errors.md: every code of an error, with what it means and what to do. */
import { type ErrorCode, MusterError } from '../errors.ts';

const MEANINGS = {
  usage: 'the command line is wrong: the message shows the flag or argument',
  'config.invalid': 'a setting is wrong: the message has its file, line and column',
  'config.unreadable': 'a file cannot be read or written: check that it is there and whose it is',
  'listen.in_use': 'another program has the port: stop it, or choose another one',
  'listen.denied': 'the port needs rights: one above 1023, or CAP_NET_BIND_SERVICE',
  'listen.failed': 'the address cannot be listened on: is it one of this machine?',
  'tls.certificate': 'a certificate or its key cannot be used',
  'tls.acme': 'the authority did not issue a certificate: the message has its words',
  'store.unusable': 'the data directory cannot be opened: another process has it, or it is damaged',
  'store.write_failed': 'the disk did not take a write: is there room?',
  'store.no_leader': 'no server leads, so nothing can be written: wait, or see `muster members`',
  'store.closed': 'the agent is stopping',
  'cluster.unreachable': 'no server answers at the addresses that are known',
  'cluster.refused':
    'a server does not take this node: another key, another cluster, or a majority that is missing',
  'client.unreachable': 'no agent answers: is it running, and is CONSUL_HTTP_ADDR right?',
  'client.refused': 'the agent answered, but with a refusal: the message has its words',
  'docker.unreachable': 'no container engine answers at DOCKER_HOST',
  'docker.refused': 'the engine answered with a refusal',
  'request.invalid': 'a request says something that cannot be',
  'request.rejected': 'the catalog does not take a change',
  'group.failed': 'a group cannot do what was asked of it',
  'kernel.refused': 'the kernel does not take the tables for balancing: rights, or a module that is missing',
  'template.invalid': 'a template has an error: the message has its place',
  'template.unwritable': 'the file of a template cannot be written',
  'template.refused': 'the check of a rendered file failed: the old one stays',
  internal: 'a fault of Muster: the log has where; please report it',
} as const satisfies Record<ErrorCode, string>;

export function errorsReference(): string {
  const rows = Object.entries(MEANINGS).map(
    ([code, means]) => `| \`${code}\` | ${new MusterError(code as ErrorCode, '').exitCode} | ${means} |`,
  );
  return [
    '# Errors',
    '',
    '<!-- Made from src/cli/errors-reference.ts by `node scripts/docs.mjs`. -->',
    '',
    'Every error has a code that stays, and a message that says what to do. Programs that use the SDK catch by `error.code`. What the',
    'HTTP API answers with stands in [its reference](api.md).',
    '',
    '| code | exit code | means |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
