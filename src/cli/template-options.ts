/** What flags, variables and configuration files say of a `muster template`. */
import fs from 'node:fs';
import { type ClientOptions, clientOptionsFromEnv } from '../client/index.ts';
import { fileTrouble, MusterError } from '../errors.ts';
import { wakefulClock } from '../lib/clock.ts';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../lib/log.ts';
import { LOG_FILE_DEFAULTS, openLogFile, sinkOf } from '../lib/log-file.ts';
import { mergeConfig, type ReadConfig } from '../template/config/read.ts';
import { type ConfigFile, parseWait, signalOf } from '../template/config/schema.ts';
import { parseTemplateFlag } from '../template/config/settings.ts';
import type { FlagValues } from './flags.ts';
import type { Terminal } from './verb.ts';
import { type TemplateFlags, WITHOUT_EFFECT } from './verbs/template.ts';

export type Given = FlagValues<TemplateFlags>;

/** What was given and has no effect. */
export function ignoredFlags(given: Given): string[] {
  return Object.keys(given)
    .filter((name) => Object.hasOwn(WITHOUT_EFFECT, name))
    .map((name) => `-${name} has no effect`);
}

/** Flags win; templates of both are rendered. */
export function withFlags({ config, warnings }: ReadConfig, flags: ConfigFile): ReadConfig {
  const merged = mergeConfig(config, flags);
  const { template_error_fatal: error_fatal } = flags;
  if (error_fatal === undefined) return { config: merged, warnings };
  // Other than what the configuration says for all, the flag counts more than what a template says.
  const template = (merged.template ?? []).map((entry) => ({ ...entry, error_fatal }));
  return { config: { ...merged, template }, warnings };
}

/** Only what is there. */
function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

export function configOf(flags: Given): ConfigFile {
  const signal = (name: 'kill-signal' | 'reload-signal' | 'exec-kill-signal' | 'exec-reload-signal') => {
    const text = flags[name];
    if (text === undefined) return undefined;
    const found = signalOf(text);
    if (found === undefined)
      throw new MusterError('usage', `-${name}: expected a signal such as SIGHUP, got "${text}"`);
    return found;
  };
  if (flags['consul-auth'] === '')
    throw new MusterError('usage', '-consul-auth: expected "user" or "user:password", got nothing');
  const wait = flags.wait === undefined ? undefined : parseWait(flags.wait);
  if (flags.wait !== undefined && wait === undefined)
    throw new MusterError('usage', `-wait: expected "min" or "min:max" such as 5s:10s, got "${flags.wait}"`);
  const env = given({
    pristine: flags['exec-env-pristine'],
    custom: flags['exec-env-custom'],
    allowlist: flags['exec-env-allowlist'],
    denylist: flags['exec-env-denylist'],
  });
  const exec = given({
    command: flags.exec === undefined ? undefined : [flags.exec],
    kill_signal: signal('exec-kill-signal'),
    kill_timeout: flags['exec-kill-timeout'],
    reload_signal: signal('exec-reload-signal'),
    splay: flags['exec-splay'],
    env: Object.keys(env).length === 0 ? undefined : env,
  });
  const retry = given({
    enabled: flags['consul-retry'],
    attempts: flags['consul-retry-attempts'],
    backoff: flags['consul-retry-backoff'] ?? flags.retry,
    max_backoff: flags['consul-retry-max-backoff'],
  });
  const config = given({
    template: flags.template?.map(parseTemplateFlag),
    exec: Object.keys(exec).length === 0 ? undefined : exec,
    wait,
    max_stale: flags['max-stale'],
    exit_after: flags['exit-after'],
    kill_signal: signal('kill-signal'),
    reload_signal: signal('reload-signal'),
    pid_file: flags['pid-file'],
    template_error_fatal: flags['template-error-fatal'],
    log_level: flags['log-level'],
    default_delimiters: given({
      left: flags['default-left-delimiter'],
      right: flags['default-right-delimiter'],
    }),
    consul: { retry },
  });
  return config as ConfigFile;
}

export function clientOptionsOf(flags: Given, { consul }: ConfigFile, terminal: Terminal): ClientOptions {
  const { env } = terminal;
  const options: ClientOptions = clientOptionsFromEnv(env);
  const address = flags['consul-addr'] || consul?.address;
  if (address) options.address = address;
  Object.assign(options, tlsOf(flags, consul?.ssl));
  const token =
    tokenOf(flags['consul-token-file'], flags['consul-token']) ||
    tokenOf(consul?.token_file, consul?.token) ||
    // The names that consul-template has besides Consul's own.
    tokenOf(env.CONSUL_TOKEN_FILE, env.CONSUL_TOKEN);
  if (token) options.token = token;
  const { enabled, username = '', password = '' } = consul?.auth ?? {};
  const configured = enabled !== false && username + password !== '' ? `${username}:${password}` : undefined;
  const basicAuth = flags['consul-auth'] ?? configured;
  if (basicAuth !== undefined) options.basicAuth = basicAuth;
  return options;
}

/** The token in a file counts more than one beside it, as with Consul's own client. Throws `config.unreadable`. */
function tokenOf(file: string | undefined, token: string | undefined): string | undefined {
  if (!file) return token;
  try {
    return fs.readFileSync(file, 'utf8').trim() || token;
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read the token file ${file}: ${fileTrouble(cause)}`, {
      cause,
    });
  }
}

/** What the flags and, after them, the configuration say of TLS. Whoever says anything of it means it to be spoken. */
function tlsOf(flags: Given, ssl: NonNullable<ConfigFile['consul']>['ssl']): ClientOptions {
  const certFile = flags['consul-ssl-cert'] || ssl?.cert || undefined;
  const said = given({
    verifyTls: flags['consul-ssl-verify'] ?? ssl?.verify,
    caFile: flags['consul-ssl-ca-cert'] || ssl?.ca_cert || undefined,
    caPath: flags['consul-ssl-ca-path'] || ssl?.ca_path || undefined,
    caPem: ssl?.ca_cert_bytes || undefined,
    certFile,
    keyFile: flags['consul-ssl-key'] || ssl?.key || certFile,
    tlsServerName: flags['consul-ssl-server-name'] || ssl?.server_name || undefined,
  });
  const enabled = flags['consul-ssl'] ?? ssl?.enabled ?? Object.keys(said).length > 0;
  return { ...said, ...(enabled ? { tls: true } : {}) };
}

/** Consul-template's variables for the least important lines that are written. */
const LOG_LEVEL_VARIABLES = ['CT_LOG', 'CONSUL_TEMPLATE_LOG', 'CONSUL_TEMPLATE_LOG_LEVEL'];

export function loggerOf(flags: Given, { log_level, log_file: file }: ConfigFile, { env }: Terminal): Logger {
  const fromEnv = LOG_LEVEL_VARIABLES.map((name) => env[name]).find(
    (text) => text !== undefined && text !== '',
  );
  const level = log_level || fromEnv?.trim() || 'info';
  const name = level.toLowerCase() === 'err' ? 'error' : level.toLowerCase();
  if (!(LOG_LEVELS as readonly string[]).includes(name))
    throw new MusterError(
      flags['log-level'] === undefined ? 'config.invalid' : 'usage',
      `log level: expected one of ${LOG_LEVELS.join(', ')}, got "${level}"`,
    );
  const format = flags['log-json'] === true ? 'json' : 'pretty';
  const path = flags['log-file'] ?? file?.path;
  const logFile =
    path === undefined
      ? undefined
      : openLogFile(
          {
            path,
            rotateBytes: flags['log-rotate-bytes'] ?? file?.log_rotate_bytes ?? LOG_FILE_DEFAULTS.rotateBytes,
            rotateAfter:
              flags['log-rotate-duration'] ?? file?.log_rotate_duration ?? LOG_FILE_DEFAULTS.rotateAfter,
            keep: flags['log-rotate-max-files'] ?? file?.log_rotate_max_files ?? LOG_FILE_DEFAULTS.keep,
          },
          wakefulClock,
        );
  return createLogger({ level: name as LogLevel, sink: sinkOf(format, logFile) }).child('template');
}

/** What commands, the child and `env` of templates see of how the registry is asked. */
export function variablesOf(
  address: string,
  { token, basicAuth, tls, verifyTls }: ClientOptions,
  given: Given,
  { consul }: ConfigFile,
): Record<string, string> {
  const tokenFile = given['consul-token-file'] ?? consul?.token_file;
  return {
    CONSUL_HTTP_ADDR: address,
    ...(token ? { CONSUL_HTTP_TOKEN: token } : {}),
    ...(tokenFile ? { CONSUL_HTTP_TOKEN_FILE: tokenFile } : {}),
    ...(basicAuth ? { CONSUL_HTTP_AUTH: basicAuth } : {}),
    CONSUL_HTTP_SSL: String(tls === true),
    CONSUL_HTTP_SSL_VERIFY: String(verifyTls !== false),
  };
}
