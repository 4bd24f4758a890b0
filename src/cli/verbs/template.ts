import { LOG_LEVELS } from '../../lib/log.ts';
import type { Flags } from '../flags.ts';
import { METRICS_FLAG } from '../own-metrics.ts';
import { verb } from '../verb.ts';

/** Consul-template's flags, and a few of ours: `exit-after`, `haproxy`, `check`. */
const flags = {
  template: {
    kind: 'list',
    value: 'IN:OUT[:COMMAND]',
    summary: 'A template, the file it makes, a command to run when that changed.',
  },
  config: {
    kind: 'list',
    value: 'PATH',
    summary:
      "Consul-template's configuration (HCL or JSON), or a folder of them; merged in order. Flags win.",
  },
  haproxy: {
    kind: 'list',
    value: 'SOCKET:BACKEND:SERVICE',
    summary:
      'Keeps the servers of a backend in a running HAProxy in step over its runtime API, without a reload.',
  },
  once: { kind: 'boolean', summary: 'Render everything once, then end.' },
  dry: { kind: 'boolean', summary: 'Print instead of writing.' },
  'parse-only': { kind: 'boolean', summary: 'Only see whether the templates parse.' },
  wait: {
    kind: 'string',
    value: 'MIN[:MAX]',
    summary: 'Render once changes came to rest for MIN, at the latest after MAX (four times MIN).',
  },
  exec: {
    kind: 'string',
    value: 'COMMAND',
    summary:
      'Keep a program running, from the first rendering on; it is started again, or told, when a file changes.',
  },
  'exec-kill-signal': {
    kind: 'string',
    value: 'SIGNAL',
    summary: 'Asks that program to end.',
    default: 'SIGINT',
  },
  'exec-kill-timeout': { kind: 'duration', summary: 'After that it is killed.', default: '30s' },
  'exec-reload-signal': {
    kind: 'string',
    value: 'SIGNAL',
    summary: 'Tells that program of a change instead of starting it again.',
  },
  'exec-splay': { kind: 'duration', summary: 'Longest random wait before it is signalled.', default: '0s' },
  'exec-env-pristine': { kind: 'boolean', summary: 'It sees nothing of our environment.' },
  'exec-env-custom': { kind: 'list', value: 'NAME=VALUE', summary: 'A variable for it.' },
  'exec-env-allowlist': {
    kind: 'list',
    value: 'PATTERN',
    summary: 'It sees only these variables.',
  },
  'exec-env-denylist': { kind: 'list', value: 'PATTERN', summary: 'It does not see these.' },
  'consul-addr': {
    kind: 'string',
    value: 'ADDRESS',
    summary: "The registry: any agent with Consul's HTTP API.",
    default: '$CONSUL_HTTP_ADDR or 127.0.0.1:8500',
  },
  'consul-token': { kind: 'string', value: 'SECRET', summary: 'ACL token.', default: '$CONSUL_HTTP_TOKEN' },
  'consul-token-file': {
    kind: 'string',
    value: 'FILE',
    summary: 'File that holds the ACL token.',
    default: '$CONSUL_HTTP_TOKEN_FILE',
  },
  'consul-auth': { kind: 'string', value: 'USER[:PASSWORD]', summary: 'HTTP basic authentication.' },
  'consul-ssl': { kind: 'boolean', summary: 'Speak TLS with the registry.' },
  'consul-ssl-verify': {
    kind: 'boolean',
    summary: 'Look at its certificate. On; -consul-ssl-verify=false trusts anybody.',
  },
  'consul-ssl-ca-cert': {
    kind: 'string',
    value: 'FILE',
    summary: 'Certificates of the authorities that may have issued that of the registry.',
    default: "$CONSUL_CACERT or the system's",
  },
  'consul-ssl-ca-path': {
    kind: 'string',
    value: 'FOLDER',
    summary: 'A folder of such files.',
    default: '$CONSUL_CAPATH',
  },
  'consul-ssl-cert': {
    kind: 'string',
    value: 'FILE',
    summary: 'Certificate to show to a registry that asks for one.',
    default: '$CONSUL_CLIENT_CERT',
  },
  'consul-ssl-key': {
    kind: 'string',
    value: 'FILE',
    summary: 'Its key, unless it is in the same file.',
    default: '$CONSUL_CLIENT_KEY',
  },
  'consul-ssl-server-name': {
    kind: 'string',
    value: 'NAME',
    summary: 'Name that the certificate of the registry must have.',
    default: '$CONSUL_TLS_SERVER_NAME or the host',
  },
  'consul-retry': {
    kind: 'boolean',
    summary: 'Ask again when the registry does not answer. On; -consul-retry=false gives up at once.',
  },
  'consul-retry-attempts': {
    kind: 'integer',
    summary:
      'Give up after so many failures in a row. With -once 12 unless given; otherwise it goes on for ever, 0 says so too.',
  },
  'consul-retry-backoff': {
    kind: 'duration',
    summary: 'Pause after the first failure; doubles with each further one.',
    default: '250ms',
  },
  'consul-retry-max-backoff': { kind: 'duration', summary: 'Longest pause.', default: '1m' },
  retry: { kind: 'duration', summary: '-consul-retry-backoff, in the words of old versions.' },
  'exit-after': {
    kind: 'duration',
    summary:
      'End (code 14) once the registry has been away for so long. Otherwise it goes on trying and what was written stays.',
  },
  'max-stale': {
    kind: 'duration',
    summary: 'Take answers of servers that have not heard from their leader for so long.',
    default: '2s',
  },
  'kill-signal': { kind: 'string', value: 'SIGNAL', summary: 'Ends this program.', default: 'SIGINT' },
  'reload-signal': {
    kind: 'string',
    value: 'SIGNAL',
    summary: 'Makes it read its configuration and templates again.',
    default: 'SIGHUP',
  },
  ...METRICS_FLAG,
  'pid-file': { kind: 'string', value: 'FILE', summary: 'Where to write the process ID.' },
  'template-error-fatal': { kind: 'boolean', summary: 'A failure of any template ends the program.' },
  'default-left-delimiter': { kind: 'string', value: 'TEXT', summary: 'Opens an action.', default: '{{' },
  'default-right-delimiter': { kind: 'string', value: 'TEXT', summary: 'Closes it.', default: '}}' },
  'log-level': {
    kind: 'string',
    value: 'LEVEL',
    summary: `Least important lines that are written: ${LOG_LEVELS.join(', ')}.`,
    default: 'info',
  },
  'log-json': { kind: 'boolean', summary: 'Log lines as JSON.' },
  'log-file': {
    kind: 'string',
    value: 'FILE',
    summary: 'A file for log lines besides; a folder when it ends with a slash.',
  },
  'log-rotate-bytes': { kind: 'integer', summary: 'Size at which the file is begun anew.' },
  'log-rotate-duration': { kind: 'duration', summary: 'And its age.', default: '24h' },
  'log-rotate-max-files': {
    kind: 'integer',
    summary: 'Earlier files that are kept; 0: all, -1: none.',
    default: '0',
  },
  v: { kind: 'boolean', summary: 'Print the version.' },
  version: { kind: 'boolean', summary: 'Print the version.' },
} as const satisfies Flags;

/** Those of consul-template that have no effect here: taken, so that a command line goes on working. */
export const WITHOUT_EFFECT = {
  'consul-transport-dial-keep-alive': 'string',
  'consul-transport-dial-timeout': 'string',
  'consul-transport-disable-keep-alives': 'boolean',
  'consul-transport-max-idle-conns-per-host': 'string',
  'consul-transport-tls-handshake-timeout': 'string',
  dedup: 'boolean',
  syslog: 'boolean',
  'syslog-facility': 'string',
  'syslog-name': 'string',
  'vault-addr': 'string',
  'vault-agent-token-file': 'string',
  'vault-client-user-agent': 'string',
  'vault-default-lease-duration': 'string',
  'vault-renew-token': 'boolean',
  'vault-retry': 'boolean',
  'vault-retry-attempts': 'string',
  'vault-retry-backoff': 'string',
  'vault-retry-max-backoff': 'string',
  'vault-ssl': 'boolean',
  'vault-ssl-ca-cert': 'string',
  'vault-ssl-ca-path': 'string',
  'vault-ssl-cert': 'string',
  'vault-ssl-key': 'string',
  'vault-ssl-server-name': 'string',
  'vault-ssl-verify': 'boolean',
  'vault-token': 'string',
  'vault-transport-dial-keep-alive': 'string',
  'vault-transport-dial-timeout': 'string',
  'vault-transport-disable-keep-alives': 'boolean',
  'vault-transport-max-conns-per-host': 'string',
  'vault-transport-max-idle-conns-per-host': 'string',
  'vault-transport-tls-handshake-timeout': 'string',
  'vault-unwrap-token': 'boolean',
} as const satisfies Record<string, 'string' | 'boolean'>;

const withoutEffect: Flags = Object.fromEntries(
  Object.entries(WITHOUT_EFFECT).map(([name, kind]) => [
    name,
    { kind, summary: 'Taken for compatibility; has no effect.', hidden: true },
  ]),
);

export type TemplateFlags = typeof flags;

/** Consul-template's exit codes. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  usage: 13,
  'config.invalid': 15,
  'config.unreadable': 15,
};

export const template = verb({
  about: [
    "Takes consul-template's templates, flags and configuration, before any registry with Consul's HTTP API. A file is written whole, only when it differs, and only once everything it needs is known; with `check` in the configuration only when that command accepts it. When the registry is away, what was written stays.",
    'Exit codes: 0 done, 11 failed, 12 ended by the kill signal, 13 wrong flags, 14 a template, a command or the registry failed, 15 wrong configuration; with -exec that of the program.',
    "Consul-template's flags for Vault, syslog, de-duplication and the transport are taken too; they have no effect, and the log says so.",
  ].join('\n\n'),
  args: [],
  examples: [
    {
      command:
        'muster template -template "haproxy.ctmpl:/etc/haproxy/haproxy.cfg:systemctl reload haproxy" -wait 2s:10s',
    },
    { command: 'muster template -once -dry -template nginx.ctmpl', does: 'shows what it would write' },
    { command: 'muster template -config /etc/consul-template.d -consul-addr 10.0.0.1:8500' },
    {
      command: 'muster template -haproxy /run/haproxy/admin.sock:web:web',
      does: 'servers come and go without a reload',
    },
  ],
  flags: { ...flags, ...withoutEffect },
  exitCode: (code) => EXIT_CODES[code],
  async run({ flags: given, terminal }) {
    const { runTemplate } = await import('../run-template.ts');
    return runTemplate(given, terminal);
  },
});
