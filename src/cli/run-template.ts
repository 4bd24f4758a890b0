/** `muster template` in the foreground: configuration and flags, the runner, signals, the exit code. */
import fs from 'node:fs';
import { familiesOf } from '../agent/metrics/metric.ts';
import { templateMetrics } from '../agent/metrics/templates.ts';
import { Client, type ClientOptions, clientOptionsFromEnv } from '../client/index.ts';
import { fileTrouble, MusterError, messageOf } from '../errors.ts';
import { wakefulClock } from '../lib/clock.ts';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../lib/log.ts';
import { LOG_FILE_DEFAULTS, openLogFile, sinkOf } from '../lib/log-file.ts';
import { LOCAL_CONFIG, mergeConfig, type ReadConfig, readConfig } from '../template/config/read.ts';
import { type ConfigFile, parseWait, signalOf } from '../template/config/schema.ts';
import { childOf, haproxiesOf, parseTemplateFlag, templatesOf, waitOf } from '../template/config/settings.ts';
import { followHaproxy, parseHaproxyFlag } from '../template/haproxy/output.ts';
import { Runner, type RunnerEnd } from '../template/runner.ts';
import { RegistrySource } from '../template/sources/registry.ts';
import { TemplateUnit } from '../template/unit.ts';
import { VERSION } from '../version.ts';
import type { FlagValues } from './flags.ts';
import { keepWatchdog, tellServiceManager } from './foreground/service-manager.ts';
import { metricsPlace, serveOwnMetrics } from './own-metrics.ts';
import { writePidFile } from './pid-file.ts';
import type { Terminal } from './verb.ts';
import { type TemplateFlags, WITHOUT_EFFECT } from './verbs/template.ts';

type Given = FlagValues<TemplateFlags>;

/** Consul-template's exit codes. */
const EXIT = { interrupted: 12, failed: 14 } as const;

/** Consul-template's: enough for a restart of the registry, little enough for a job that waits. */
const ONCE_ATTEMPTS = 12;
const BACKOFF = 250;
const MAX_BACKOFF = 60_000;
const MAX_STALE = 2_000;
/** How long one question waits (ms). */
const QUESTION_WAIT = 60_000;

/** Handed on to a child, and without effect when there is none. */
const HANDED_ON: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGTERM',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGALRM',
];

export async function runTemplate(given: Given, terminal: Terminal): Promise<number> {
  if (given.v === true || given.version === true) {
    terminal.out(`muster ${VERSION}\n`);
    return 0;
  }
  const fromFlags = configOf(given);
  const read = (): ReadConfig =>
    withFlags(readConfig(given.config ?? [], terminal.env[LOCAL_CONFIG]), fromFlags);
  const { config, warnings } = read();
  const log = loggerOf(given, config, terminal);
  for (const warning of [...warnings, ...ignoredFlags(given)]) log.warn(warning);
  const dry = given.dry === true;
  const templates = templatesOf(config, !dry && given['parse-only'] !== true);
  const outputs = [...haproxiesOf(config), ...(given.haproxy ?? []).map(parseHaproxyFlag)];
  const child = childOf(config);
  if (templates.length === 0 && outputs.length === 0 && child === undefined)
    throw new MusterError(
      'usage',
      'there is nothing to render: give -template in:out, or -config with templates',
    );
  if (given['parse-only'] === true) return parseOnly(config, log);

  const clientOptions = clientOptionsOf(given, config, terminal);
  const client = new Client(clientOptions);
  const { retry } = config.consul ?? {};
  const source = new RegistrySource({
    client,
    maxStale: config.max_stale ?? MAX_STALE,
    backoff: { base: Math.max(1, retry?.backoff ?? BACKOFF), max: retry?.max_backoff || MAX_BACKOFF },
    wait: `${Math.max(1, Math.round(config.block_query_wait ?? QUESTION_WAIT))}ms`,
    clock: wakefulClock,
    random: Math.random,
  });
  const once = given.once ?? config.once ?? false;
  const variables = variablesOf(clientOptions.address ?? client.address, clientOptions, given, config);
  const runner = new Runner({
    templates,
    source,
    wait: waitOf(config.wait),
    once,
    print: dry ? (text) => terminal.out(text) : undefined,
    child,
    variables,
    attempts: attemptsOf(config, once),
    failOnAbsence: config.err_on_failed_lookup === true,
    exitAfter: config.exit_after,
    environment: (name) => variables[name] ?? terminal.env[name],
    clock: wakefulClock,
    random: Math.random,
    log,
  });
  const haproxies = outputs.map((output) =>
    followHaproxy(output, { source, clock: wakefulClock, log: log.child('haproxy') }),
  );

  const metrics = await serveOwnMetrics({
    place: metricsPlace(given),
    log,
    families: () =>
      familiesOf(templateMetrics, {
        templates: { reports: () => runner.reports(), sourceErrors: () => runner.sourceErrors },
      }),
  });
  const removePidFile = writePidFile(config.pid_file);
  const signals = listen(config, runner, () => reload(runner, read, dry, log));
  // Timers that wait for nothing else keep the program alive.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const hasWork = templates.length > 0 || child !== undefined;
  try {
    if (hasWork) runner.start();
    void (hasWork ? runner.ready : Promise.resolve()).then(async () => {
      await tell('READY=1');
      keepWatchdog();
    });
    const code = await Promise.race([
      signals.interrupted,
      (hasWork ? runner.ended : new Promise<RunnerEnd>(() => {})).then((end) => codeOf(end, terminal)),
    ]);
    await tell('STOPPING=1');
    await Promise.all([runner.stop(), metrics.stop(), ...haproxies.map((haproxy) => haproxy.stop())]);
    return code;
  } finally {
    clearInterval(keepAlive);
    signals.leave();
    removePidFile();
  }
}

/** What commands, the child and `env` of templates see of how the registry is asked. */
function variablesOf(
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

/** Failures in a row after which it ends; undefined: it goes on for ever, which 0 says too. */
function attemptsOf({ consul }: ConfigFile, once: boolean): number | undefined {
  const { enabled, attempts = once ? ONCE_ATTEMPTS : 0 } = consul?.retry ?? {};
  return enabled === false ? 1 : attempts || undefined;
}

/** Takes signals until it leaves them alone: one has it read everything again, one ends it, the others are the child's. */
function listen(
  { kill_signal, reload_signal = 'SIGHUP' }: ConfigFile,
  runner: Runner,
  readAgain: () => void,
): { interrupted: Promise<number>; leave: () => void } {
  const killSignal = kill_signal ?? 'SIGINT';
  let interrupt: (code: number) => void = () => {};
  const interrupted = new Promise<number>((resolve) => {
    interrupt = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === reload_signal) readAgain();
    else if (signal === killSignal) interrupt(EXIT.interrupted);
    // A child decides for itself what a signal means; without one there is nobody to hand it on to.
    else if (!runner.signal(signal) && (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGQUIT'))
      interrupt(0);
  };
  const taken = new Set([...HANDED_ON, killSignal, reload_signal].filter(canBeTaken));
  for (const signal of taken) process.on(signal, onSignal);
  return {
    interrupted,
    leave() {
      for (const signal of taken) process.off(signal, onSignal);
    },
  };
}

/** "" is none at all; some end a program whatever it says. */
const canBeTaken = (signal: NodeJS.Signals | ''): signal is NodeJS.Signals =>
  signal !== '' && signal !== 'SIGKILL' && signal !== 'SIGSTOP';

function codeOf(end: RunnerEnd, terminal: Terminal): number {
  if (end.kind === 'child') return end.code;
  if (end.kind === 'done') return 0;
  terminal.err(`muster template: ${end.message}\n`);
  return EXIT.failed;
}

/** Templates that parse, or why they do not. */
function parseOnly(config: ConfigFile, log: Logger): number {
  let failed = 0;
  for (const settings of templatesOf(config, false)) {
    try {
      new TemplateUnit(settings, {
        valueOf: () => undefined,
        environment: () => undefined,
        now: () => 0,
        random: () => 0,
      });
    } catch (error) {
      failed++;
      log.error(messageOf(error));
    }
  }
  return failed > 0 ? EXIT.failed : 0;
}

/** What was given and has no effect. */
function ignoredFlags(given: Given): string[] {
  return Object.keys(given)
    .filter((name) => Object.hasOwn(WITHOUT_EFFECT, name))
    .map((name) => `-${name} has no effect`);
}

/** A service manager that cannot be told is no reason not to render. */
function tell(state: string): Promise<void> {
  return tellServiceManager(state).catch(() => {});
}

function reload(runner: Runner, read: () => ReadConfig, dry: boolean, log: Logger): void {
  try {
    const { config, warnings } = read();
    for (const warning of warnings) log.warn(warning);
    runner.reload(templatesOf(config, !dry));
    log.info('configuration and templates were read again');
  } catch (error) {
    log.error(`what was read stays in force: ${messageOf(error)}`);
  }
}

/** Flags win; templates of both are rendered. */
function withFlags({ config, warnings }: ReadConfig, flags: ConfigFile): ReadConfig {
  const merged = mergeConfig(config, flags);
  const fatal = flags.template_error_fatal;
  // Other than what the configuration says for all, the flag counts more than what a template says.
  const template = merged.template?.map((entry) =>
    fatal === undefined ? entry : { ...entry, error_fatal: fatal },
  );
  return { config: template === undefined ? merged : { ...merged, template }, warnings };
}

/** Only what is there. */
function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function configOf(flags: Given): ConfigFile {
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

function clientOptionsOf(flags: Given, { consul }: ConfigFile, terminal: Terminal): ClientOptions {
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

function loggerOf(flags: Given, { log_level, log_file: file }: ConfigFile, { env }: Terminal): Logger {
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
