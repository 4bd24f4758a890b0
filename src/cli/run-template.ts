/** `muster template` in the foreground: configuration and flags, the runner, signals, the exit code. */
import fs from 'node:fs';
import { familiesOf } from '../agent/metrics/metric.ts';
import { templateMetrics } from '../agent/metrics/templates.ts';
import { Client, type ClientOptions, clientOptionsFromEnv } from '../client/index.ts';
import { MusterError, messageOf } from '../errors.ts';
import { wakefulClock } from '../lib/clock.ts';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../lib/log.ts';
import { LOG_FILE_DEFAULTS, openLogFile, sinkOf } from '../lib/log-file.ts';
import { type ReadConfig, readConfig } from '../template/config/read.ts';
import { type ConfigFile, parseWait, signalOf } from '../template/config/schema.ts';
import { childOf, haproxiesOf, parseTemplateFlag, templatesOf } from '../template/config/settings.ts';
import { followHaproxy, parseHaproxyFlag } from '../template/haproxy/output.ts';
import { Runner, type RunnerEnd } from '../template/runner.ts';
import { RegistrySource } from '../template/sources/registry.ts';
import { TemplateUnit } from '../template/unit.ts';
import { VERSION } from '../version.ts';
import type { FlagValues } from './flags.ts';
import { metricsPlace, serveOwnMetrics } from './own-metrics.ts';
import { writePidFile } from './pid-file.ts';
import type { Terminal } from './verb.ts';
import type { TemplateFlags } from './verbs/template.ts';

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
  const read = (): ReadConfig => withFlags(readConfig(given.config ?? []), fromFlags);
  const { config, warnings } = read();
  const log = loggerOf(given, config);
  for (const warning of warnings) log.warn(warning);
  const dry = given.dry === true;
  const templates = templatesOf(config, !dry && given['parse-only'] !== true);
  const outputs = [...haproxiesOf(config), ...(given.haproxy ?? []).map(parseHaproxyFlag)];
  if (templates.length === 0 && outputs.length === 0)
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
  const once = given.once === true;
  const runner = new Runner({
    templates,
    source,
    wait: config.wait,
    once,
    print: dry ? (text) => terminal.out(text) : undefined,
    child: childOf(config),
    variables: {
      CONSUL_HTTP_ADDR: client.address,
      ...(clientOptions.token ? { CONSUL_HTTP_TOKEN: clientOptions.token } : {}),
    },
    attempts: attemptsOf(config, once),
    exitAfter: config.exit_after,
    environment: (name) => terminal.env[name],
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
  try {
    if (templates.length > 0) runner.start();
    const code = await Promise.race([
      signals.interrupted,
      (templates.length > 0 ? runner.ended : new Promise<RunnerEnd>(() => {})).then((end) =>
        codeOf(end, terminal),
      ),
    ]);
    await Promise.all([runner.stop(), metrics.stop(), ...haproxies.map((haproxy) => haproxy.stop())]);
    return code;
  } finally {
    clearInterval(keepAlive);
    signals.leave();
    removePidFile();
  }
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
  const killSignal = kill_signal || 'SIGINT';
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
  const taken = new Set([...HANDED_ON, killSignal]);
  for (const signal of taken) process.on(signal, onSignal);
  return {
    interrupted,
    leave() {
      for (const signal of taken) process.off(signal, onSignal);
    },
  };
}

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

function withFlags({ config, warnings }: ReadConfig, flags: ConfigFile): ReadConfig {
  return { config: mergeFlags(config, flags), warnings };
}

/** Flags win; templates of both are rendered. */
function mergeFlags(config: ConfigFile, flags: ConfigFile): ConfigFile {
  return {
    ...config,
    ...flags,
    consul: { ...config.consul, ...flags.consul, retry: { ...config.consul?.retry, ...flags.consul?.retry } },
    ...(config.exec === undefined && flags.exec === undefined
      ? {}
      : {
          exec: {
            ...config.exec,
            ...flags.exec,
            ...(flags.exec?.env === undefined ? {} : { env: { ...config.exec?.env, ...flags.exec.env } }),
          },
        }),
    default_delimiters: { ...config.default_delimiters, ...flags.default_delimiters },
    template: [...(config.template ?? []), ...(flags.template ?? [])],
    haproxy: config.haproxy ?? [],
  };
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
    backoff: flags['consul-retry-backoff'],
    max_backoff: flags['consul-retry-max-backoff'] ?? flags.retry,
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
  const options: ClientOptions = clientOptionsFromEnv(terminal.env);
  const address = flags['consul-addr'] ?? consul?.address;
  if (address !== undefined) options.address = address;
  Object.assign(options, tlsOf(flags, consul?.ssl));
  const file = flags['consul-token-file'] ?? consul?.token_file;
  if (file !== undefined) options.token = fs.readFileSync(file, 'utf8').trim();
  const token = flags['consul-token'] ?? consul?.token;
  if (token !== undefined) options.token = token;
  const auth = consul?.auth;
  const configured = auth?.username === undefined ? undefined : `${auth.username}:${auth.password ?? ''}`;
  const basicAuth = flags['consul-auth'] ?? configured;
  if (basicAuth !== undefined) options.basicAuth = basicAuth;
  return options;
}

/** What the flags and, after them, the configuration say of TLS. */
function tlsOf(flags: Given, ssl: NonNullable<ConfigFile['consul']>['ssl']): ClientOptions {
  const certFile = flags['consul-ssl-cert'] ?? ssl?.cert;
  return given({
    tls: (flags['consul-ssl'] ?? ssl?.enabled) || undefined,
    verifyTls: flags['consul-ssl-verify'] ?? ssl?.verify,
    caFile: flags['consul-ssl-ca-cert'] ?? ssl?.ca_cert,
    caPath: flags['consul-ssl-ca-path'] ?? ssl?.ca_path,
    caPem: ssl?.ca_cert_bytes,
    certFile,
    keyFile: flags['consul-ssl-key'] ?? ssl?.key ?? certFile,
    tlsServerName: flags['consul-ssl-server-name'] ?? ssl?.server_name,
  });
}

function loggerOf(flags: Given, { log_level: level = 'info', log_file: file }: ConfigFile): Logger {
  const name = level.toLowerCase() === 'err' ? 'error' : level.toLowerCase();
  if (!(LOG_LEVELS as readonly string[]).includes(name))
    throw new MusterError('usage', `-log-level: expected one of ${LOG_LEVELS.join(', ')}, got "${level}"`);
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
