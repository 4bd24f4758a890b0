import { FORMATS, type GobetweenFormat, usualFormat } from '../../agent/gobetween/formats.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { Flag, FlagValues } from '../flags.ts';
import type { GobetweenOrigin } from '../gobetween-origin.ts';
import { verb } from '../verb.ts';

/** How long connections may take to end after a signal (ms). */
const DRAIN = 30_000;

const format = {
  kind: 'string',
  choices: FORMATS,
  summary: 'How the configuration is written. Default: toml, json for a file that is called so.',
} as const satisfies Flag;
const pidFile = {
  kind: 'string',
  value: 'FILE',
  summary: 'Write the process id there while it serves.',
} as const satisfies Flag;
const useEnv = {
  kind: 'boolean',
  summary: 'Replace $-and-braces placeholders in the configuration by variables of the environment.',
} as const satisfies Flag;

/** gobetween's own, short and long. */
export const gobetweenFlags = {
  f: format,
  format,
  p: pidFile,
  pidfile: pidFile,
  e: useEnv,
  'use-config-env-vars': useEnv,
} as const;

const drain = {
  'timeout-drain': {
    kind: 'duration',
    summary: 'How long connections may take to end when it stops.',
    default: formatDuration(DRAIN),
  },
} as const;

/** Where the process id is to stand; undefined: nowhere. */
export function pidFileOf({ p, pidfile = p }: FlagValues<typeof gobetweenFlags>): string | undefined {
  return pidfile;
}

type Given = FlagValues<typeof gobetweenFlags & typeof drain>;

/** Runs the configuration until a signal. */
export async function runFrom(
  origin: GobetweenOrigin,
  given: Given,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { runGobetween } = await import('../run-gobetween.ts');
  return runGobetween({
    origin,
    format: (given.format ??
      given.f ??
      usualFormat(origin.kind === 'file' ? origin.path : '')) as GobetweenFormat,
    env,
    substitutes: given['use-config-env-vars'] ?? given.e ?? false,
    pidFile: pidFileOf(given),
    drainTimeout: given['timeout-drain'] ?? DRAIN,
  });
}

export const lbFromFile = verb({
  about: 'The file is taken as it is; keys without effect are named. The same as "muster lb -c FILE".',
  args: ['FILE'],
  examples: [
    { command: 'muster lb from-file gobetween.toml' },
    { command: 'muster lb from-file -f json gobetween.json' },
  ],
  flags: { ...gobetweenFlags, ...drain },
  run: ({ flags, args: [path = ''], terminal }) => runFrom({ kind: 'file', path }, flags, terminal.env),
});

export const lbFromUrl = verb({
  args: ['URL'],
  examples: [{ command: 'muster lb from-url http://config.internal/gobetween.toml' }],
  flags: { ...gobetweenFlags, ...drain },
  run: ({ flags, args: [url = ''], terminal }) => runFrom({ kind: 'url', url }, flags, terminal.env),
});

const key = {
  kind: 'string',
  value: 'KEY',
  summary: 'The key that holds it.',
  default: 'gobetween',
} as const satisfies Flag;
const scheme = {
  kind: 'string',
  choices: ['http', 'https'],
  summary: 'How Consul is spoken to.',
  default: 'http',
} as const satisfies Flag;

export const lbFromConsul = verb({
  about: "Consul's variables say how it is asked: CONSUL_HTTP_TOKEN, CONSUL_CACERT and the others.",
  args: ['HOST:PORT'],
  examples: [{ command: 'muster lb from-consul -key lb/config 127.0.0.1:8500' }],
  flags: { ...gobetweenFlags, ...drain, k: key, key, s: scheme, scheme },
  run: ({ flags, args: [host = ''], terminal }) =>
    runFrom(
      {
        kind: 'consul',
        host,
        key: flags.key ?? flags.k ?? 'gobetween',
        scheme: flags.scheme ?? flags.s ?? 'http',
      },
      flags,
      terminal.env,
    ),
});
