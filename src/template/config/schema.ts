/** Consul-template's configuration files: every key that it knows. What has no effect here says so. */
import os from 'node:os';
import * as z from 'zod';
import { parseDuration } from '../../lib/duration.ts';

/** "10s"; milliseconds behind the schema. A bare number is Go's: nanoseconds. */
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = typeof value === 'number' ? value / 1e6 : parseDuration(value);
  if (ms !== undefined && ms >= 0) return ms;
  context.issues.push({
    code: 'custom',
    input: value,
    message: `expected a duration such as "10s", got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

/** As Go's mapstructure is asked to be: "1", 1 and true are the same. */
const boolean = z.union([z.boolean(), z.string(), z.number()]).transform((value, context) => {
  if (typeof value === 'boolean') return value;
  if (/^(?:1|t|true)$/i.test(String(value))) return true;
  if (/^(?:0|f|false|)$/i.test(String(value))) return false;
  context.issues.push({
    code: 'custom',
    input: value,
    message: `expected true or false, got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const whole = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const texts = z.union([z.string().transform((one) => [one]), z.array(text)]);
/** A list, or one text with commas. */
const names = z.union([
  z.string().transform((list) => list.split(',').filter((one) => one !== '')),
  z.array(text),
]);

/** What older files say as one text, beside the block that there is for it now. */
const block = <S extends z.ZodType>(
  ofText: (text: string, context: z.core.$RefinementCtx) => unknown,
  schema: S,
) => z.preprocess((value, context) => (typeof value === 'string' ? ofText(value, context) : value), schema);

const wait = block(
  (value, context) => {
    const said = parseWait(value);
    // Both, so that nothing of an earlier file stays. Numbers are nanoseconds.
    if (said !== undefined) return { min: said.min * 1e6, max: said.max * 1e6 };
    context.issues.push({
      code: 'custom',
      input: value,
      message: `expected "min" or "min:max" such as "5s:10s", got ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  },
  z.strictObject({
    enabled: boolean.optional(),
    // What consul-template itself calls it, other than its manual.
    bool: boolean.optional(),
    min: duration.optional(),
    max: duration.optional(),
  }),
);

/** "5s" or "5s:10s"; the longest wait is four times the shortest unless it is said. */
export function parseWait(value: string): { min: number; max: number } | undefined {
  const parts = value.split(':').map((part) => parseDuration(part.trim()));
  const [min, max] = parts;
  if (parts.length > 2 || min === undefined || min < 0 || (parts.length === 2 && max === undefined))
    return undefined;
  const longest = max ?? min * 4;
  return longest < min ? undefined : { min, max: longest };
}

/** 0644 in HCL, "0644" in JSON. */
const perms = z.union([z.number(), z.string()]).transform((value, context) => {
  const mode =
    typeof value === 'number' ? value : /^[0-7]{1,5}$/.test(value) ? Number.parseInt(value, 8) : Number.NaN;
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode;
  context.issues.push({
    code: 'custom',
    input: value,
    message: `expected permissions such as 0644, got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

/** "SIGHUP", "HUP"; "" for none. */
const signal = z.string().transform((value, context) => {
  const name = signalOf(value);
  if (name !== undefined) return name;
  context.issues.push({
    code: 'custom',
    input: value,
    message: `expected a signal such as "SIGHUP", got ${JSON.stringify(value)}`,
  });
  return z.NEVER;
});

/** The signal's name; "" for none, undefined for what is none. */
export function signalOf(value: string): NodeJS.Signals | '' | undefined {
  const name = value.toUpperCase().replace(/^SIG/, '');
  if (name === '' || name === 'NULL') return '';
  return Object.hasOwn(os.constants.signals, `SIG${name}`) ? (`SIG${name}` as NodeJS.Signals) : undefined;
}

const environment = z.strictObject({
  pristine: boolean.optional(),
  custom: names.optional(),
  allowlist: names.optional(),
  whitelist: names.optional(),
  denylist: names.optional(),
  blacklist: names.optional(),
});

const exec = z.strictObject({
  command: texts.optional(),
  enabled: boolean.optional(),
  env: environment.optional(),
  kill_signal: signal.optional(),
  kill_timeout: duration.optional(),
  reload_signal: signal.optional(),
  splay: duration.optional(),
  timeout: duration.optional(),
});

/** Taken as it is, without effect. */
const ignored = z.unknown();

const retry = z.strictObject({
  enabled: boolean.optional(),
  attempts: whole.optional(),
  backoff: duration.optional(),
  max_backoff: duration.optional(),
});

const ssl = z.strictObject({
  enabled: boolean.optional(),
  verify: boolean.optional(),
  ca_cert: text.optional(),
  ca_cert_bytes: text.optional(),
  ca_path: text.optional(),
  cert: text.optional(),
  key: text.optional(),
  server_name: text.optional(),
});

const logFile = z.strictObject({
  path: text.optional(),
  log_rotate_bytes: whole.optional(),
  log_rotate_duration: duration.optional(),
  log_rotate_max_files: whole.optional(),
});

const auth = block(
  (value) => ({ username: value.split(':')[0], password: value.split(':').slice(1).join(':') }),
  z.strictObject({ enabled: boolean.optional(), username: text.optional(), password: text.optional() }),
);

const consul = block(
  (address) => ({ address }),
  z.strictObject({
    address: text.optional(),
    namespace: text.optional(),
    token: text.optional(),
    token_file: text.optional(),
    auth: auth.optional(),
    retry: retry.optional(),
    ssl: ssl.optional(),
    transport: ignored.optional(),
  }),
);

const template = z.strictObject({
  source: z
    .string({ error: ({ input }) => `expected the name of a file in quotes, got ${JSON.stringify(input)}` })
    .optional(),
  contents: text.optional(),
  destination: text.optional(),
  create_dest_dirs: boolean.optional(),
  perms: perms.optional(),
  user: text.optional(),
  uid: whole.optional(),
  group: text.optional(),
  gid: whole.optional(),
  backup: boolean.optional(),
  command: texts.optional(),
  command_timeout: duration.optional(),
  exec: exec.optional(),
  check: text.optional(),
  check_timeout: duration.optional(),
  error_on_missing_key: boolean.optional(),
  error_fatal: boolean.optional(),
  left_delimiter: text.optional(),
  right_delimiter: text.optional(),
  wait: wait.optional(),
  min_entries: whole.optional(),
  function_denylist: names.optional(),
  function_blacklist: names.optional(),
  sandbox_path: text.optional(),
});

const haproxy = z.strictObject({
  socket: text,
  backend: text,
  service: text,
  server_options: text.optional(),
  drain: duration.optional(),
  min_entries: whole.optional(),
});

export const configFileSchema = z.strictObject({
  consul: consul.optional(),
  template: z.array(template).optional(),
  haproxy: z.array(haproxy).optional(),
  exec: exec.optional(),
  wait: wait.optional(),
  once: boolean.optional(),
  max_stale: duration.optional(),
  block_query_wait: duration.optional(),
  exit_after: duration.optional(),
  reload_signal: signal.optional(),
  kill_signal: signal.optional(),
  pid_file: text.optional(),
  log_level: text.optional(),
  template_error_fatal: boolean.optional(),
  err_on_failed_lookup: boolean.optional(),
  default_delimiters: z.strictObject({ left: text.optional(), right: text.optional() }).optional(),
  log_file: logFile.optional(),
  syslog: ignored.optional(),
  deduplicate: ignored.optional(),
  vault: ignored.optional(),
  nomad: ignored.optional(),
});

export type ConfigFile = z.output<typeof configFileSchema>;
export type TemplateEntry = NonNullable<ConfigFile['template']>[number];
export type ExecEntry = z.output<typeof exec>;

/** Keys that may be written several times; each is one of a list. */
export const REPEATED: readonly string[] = ['template', 'haproxy'];

/** Lists to which a later file, or a flag, adds. */
export const ADDED: readonly string[] = ['custom', 'allowlist', 'whitelist', 'denylist', 'blacklist'];

/** Why a key, named with the blocks it stands in, has no effect. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'consul.namespace': 'there are no namespaces here',
  'consul.transport': 'connections are kept open, and given up when nothing answers',
  deduplicate: 'not needed: questions wait for changes, they are not repeated',
  vault: 'Muster does not read from Vault',
  nomad: 'Muster does not read from Nomad',
  syslog: 'log lines go to standard error; let the init system keep them',
};
