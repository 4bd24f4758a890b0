/** From what configuration files and flags say to what the runner is told, with every default filled in. */
import { MusterError } from '../../errors.ts';
import type { ChildSettings } from '../child.ts';
import { DEFAULT_HAPROXY, type HaproxySettings } from '../haproxy/settings.ts';
import type { Delimiters } from '../language/index.ts';
import { DEFAULT_TEMPLATE, type EnvironmentFilter, type TemplateSettings, type Wait } from '../settings.ts';
import type { ConfigFile, ExecEntry, TemplateEntry } from './schema.ts';

/** "in:out:command"; what is behind the second colon is the command, colons and all. */
export function parseTemplateFlag(text: string): TemplateEntry {
  const [source = '', destination = '', ...command] = text.split(':');
  if (source.trim() === '')
    throw new MusterError(
      'usage',
      `-template: expected "in:out" or "in:out:command", got ${JSON.stringify(text)}`,
    );
  return {
    source,
    ...(destination === '' ? {} : { destination }),
    ...(command.length === 0 ? {} : { command: [command.join(':')] }),
  };
}

function environmentFilter(env: ExecEntry['env']): EnvironmentFilter {
  return {
    pristine: env?.pristine ?? false,
    custom: env?.custom ?? [],
    allow: [...(env?.allowlist ?? []), ...(env?.whitelist ?? [])],
    deny: [...(env?.denylist ?? []), ...(env?.blacklist ?? [])],
  };
}

/** Undefined where nothing is said; `min` is 0 where it is switched off. */
export function waitOf(entry: ConfigFile['wait']): Wait | undefined {
  if (entry === undefined) return undefined;
  const { bool, enabled = bool, min = 0, max = min * 4 } = entry;
  return { min: enabled === false ? 0 : min, max };
}

/** Templates of the whole configuration. `needsDestination`: they are written, not printed. */
export function templatesOf(config: ConfigFile, needsDestination: boolean): TemplateSettings[] {
  const delimiters: Delimiters = {
    left: config.default_delimiters?.left ?? DEFAULT_TEMPLATE.delimiters.left,
    right: config.default_delimiters?.right ?? DEFAULT_TEMPLATE.delimiters.right,
  };
  return (config.template ?? []).map((entry, i) => {
    // Who writes configurations by a program says "" for what is not there.
    const name = entry.source || `template ${i + 1}`;
    if (entry.source && entry.contents)
      throw new MusterError('config.invalid', `${name}: give source or contents, not both`);
    if (!entry.source && !entry.contents)
      throw new MusterError('config.invalid', `${name}: give source (a file) or contents`);
    if (needsDestination && (entry.destination ?? '') === '')
      throw new MusterError(
        'config.invalid',
        `${name}: destination is missing: say which file to write (or print it with -dry)`,
      );
    return templateOf(entry, delimiters, config.template_error_fatal);
  });
}

function templateOf(
  entry: TemplateEntry,
  delimiters: Delimiters,
  fatal: boolean | undefined,
): TemplateSettings {
  const { exec } = entry;
  const usual = DEFAULT_TEMPLATE;
  return {
    source: entry.source || undefined,
    contents: entry.contents || undefined,
    destination: entry.destination ?? '',
    createDestDirs: entry.create_dest_dirs ?? usual.createDestDirs,
    // 0 is consul-template's word for "not said".
    perms: entry.perms === 0 ? undefined : entry.perms,
    user: entry.user ?? ownerOf(entry.uid),
    group: entry.group ?? ownerOf(entry.gid),
    backup: entry.backup ?? usual.backup,
    command: withoutEmpty(exec?.enabled === false ? [] : (exec?.command ?? entry.command ?? [])),
    commandTimeout: exec?.timeout ?? entry.command_timeout ?? usual.commandTimeout,
    commandEnvironment: environmentFilter(exec?.env),
    check: entry.check ?? usual.check,
    checkTimeout: entry.check_timeout ?? usual.checkTimeout,
    errorOnMissingKey: entry.error_on_missing_key ?? usual.errorOnMissingKey,
    errorFatal: entry.error_fatal ?? fatal ?? usual.errorFatal,
    delimiters: {
      left: entry.left_delimiter || delimiters.left,
      right: entry.right_delimiter || delimiters.right,
    },
    wait: waitOf(entry.wait),
    minEntries: entry.min_entries ?? usual.minEntries,
    functionDenylist: [...(entry.function_denylist ?? []), ...(entry.function_blacklist ?? [])],
    sandboxPath: entry.sandbox_path ?? usual.sandboxPath,
  };
}

/** -1 says as nothing does that the owner stays as it is. */
const ownerOf = (id: number | undefined): string => (id === undefined || id < 0 ? '' : String(id));

export function haproxiesOf({ haproxy }: ConfigFile): HaproxySettings[] {
  return (haproxy ?? []).map(({ socket, backend, service, server_options, drain, min_entries }) => ({
    socket,
    backend,
    service,
    serverOptions: server_options ?? DEFAULT_HAPROXY.serverOptions,
    drain: drain ?? DEFAULT_HAPROXY.drain,
    minEntries: min_entries ?? DEFAULT_HAPROXY.minEntries,
  }));
}

const withoutEmpty = (words: readonly string[]): readonly string[] =>
  words.length === 1 && words[0]?.trim() === '' ? [] : words;

/** Consul-template's: a child that reads what is written is asked to end as by Ctrl-C, and has half a minute. */
const KILL_SIGNAL: NodeJS.Signals = 'SIGINT';
const KILL_TIMEOUT = 30_000;

export function childOf({ exec }: ConfigFile): ChildSettings | undefined {
  const command = withoutEmpty(exec?.command ?? []);
  if (exec === undefined || exec.enabled === false || command.length === 0) return undefined;
  return {
    command,
    environment: environmentFilter(exec.env),
    reloadSignal: exec.reload_signal === '' ? 'none' : exec.reload_signal,
    killSignal: exec.kill_signal === '' || exec.kill_signal === undefined ? KILL_SIGNAL : exec.kill_signal,
    killTimeout: exec.kill_timeout ?? KILL_TIMEOUT,
    splay: exec.splay ?? 0,
  };
}
