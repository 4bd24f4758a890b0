/** `muster template` in the foreground: the runner, signals, the exit code. */
import { familiesOf } from '../agent/metrics/metric.ts';
import { templateMetrics } from '../agent/metrics/templates.ts';
import { Client } from '../client/index.ts';
import { MusterError, messageOf } from '../errors.ts';
import { wakefulClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { LOCAL_CONFIG, type ReadConfig, readConfig } from '../template/config/read.ts';
import type { ConfigFile } from '../template/config/schema.ts';
import { childOf, haproxiesOf, templatesOf, waitOf } from '../template/config/settings.ts';
import { followHaproxy } from '../template/haproxy/output.ts';
import { parseHaproxyFlag } from '../template/haproxy/settings.ts';
import { Runner } from '../template/runner.ts';
import type { RunnerEnd } from '../template/runner-options.ts';
import { RegistrySource } from '../template/sources/registry.ts';
import { TemplateUnit } from '../template/unit.ts';
import { VERSION } from '../version.ts';
import { takeOverFirst } from './foreground/first-signals.ts';
import { keepWatchdog, tellServiceManager } from './foreground/service-manager.ts';
import { metricsPlace, serveOwnMetrics } from './own-metrics.ts';
import { writePidFile } from './pid-file.ts';
import {
  clientOptionsOf,
  configOf,
  type Given,
  ignoredFlags,
  loggerOf,
  variablesOf,
  withFlags,
} from './template-options.ts';
import type { Terminal } from './verb.ts';

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
      'there is nothing to do: give -template in:out, -config with templates, or -exec',
    );
  if (given['parse-only'] === true) return parseOnly(config, log);

  const clientOptions = clientOptionsOf(given, config, terminal);
  const once = given.once ?? config.once ?? false;
  const client = new Client(once ? { ...clientOptions, transport: 'node:http' } : clientOptions);
  const { retry } = config.consul ?? {};
  const source = new RegistrySource({
    client,
    maxStale: config.max_stale ?? MAX_STALE,
    backoff: { base: Math.max(1, retry?.backoff ?? BACKOFF), max: retry?.max_backoff || MAX_BACKOFF },
    wait: `${Math.max(1, Math.round(config.block_query_wait ?? QUESTION_WAIT))}ms`,
    clock: wakefulClock,
    random: Math.random,
  });
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
    environment: terminal.env,
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
    signals.takeOver();
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
): { interrupted: Promise<number>; takeOver: () => void; leave: () => void } {
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
    takeOver: () => takeOverFirst([...taken]),
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
