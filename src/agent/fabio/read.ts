/** Where fabio's settings come from: flags before variables before the file before the defaults. */
import { readFile } from 'node:fs/promises';
import { fetchTrouble, fileTrouble, MusterError } from '../../errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { parseProperties } from '../../lib/properties.ts';
import {
  FABIO_SETTINGS,
  readSetting,
  SETTING_NAMES,
  type SettingName,
  type SettingValues,
} from './settings.ts';

export interface SettingSources {
  /** As given on the command line; a value that cannot be read is an error there. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of the properties file; "" for none. */
  readonly file: string;
}

/** What is wrong or without effect; the rest holds. */
export interface SettingProblem {
  /** Where it stands: "line 3", "FABIO_PROXY_ADDR". */
  readonly place: string;
  readonly message: string;
  /** A value could not be used: `validate` fails. Otherwise it is only said. */
  readonly isWrong: boolean;
}

export interface ReadSettings {
  readonly values: SettingValues;
  /** Those that were given, by where: to tell a default from a wish, and to say the line of what is wrong. */
  readonly given: ReadonlyMap<SettingName, string>;
  readonly problems: readonly SettingProblem[];
}

/** Throws `usage` for a flag's bad value. */
export function readSettings({ flags, env, file }: SettingSources): ReadSettings {
  const problems: SettingProblem[] = [];
  const { properties, problems: circles } = parseProperties(file, env);
  for (const { line, reason } of circles)
    problems.push({ place: `line ${line}`, message: reason, isWrong: true });
  const upper = new Map(Object.entries(env).map(([key, value]) => [key.toUpperCase(), value]));
  const values: Record<string, unknown> = {};
  const given = new Map<SettingName, string>();
  for (const name of SETTING_NAMES) {
    const { usual } = FABIO_SETTINGS[name];
    const ignored = 'ignored' in FABIO_SETTINGS[name] ? FABIO_SETTINGS[name].ignored : undefined;
    values[name] = usual;
    const found = textOf(name, flags, upper, properties);
    if (found === undefined) continue;
    const { text, place } = found;
    const read = readSetting(name, text);
    if ('value' in read) {
      values[name] = read.value;
      given.set(name, place);
      if (ignored !== undefined)
        problems.push({ place, message: `${name} has no effect: ${ignored}`, isWrong: false });
      continue;
    }
    const message = `${name}: expected ${read.expects}, got "${text}"`;
    if (place.startsWith('-')) throw new MusterError('usage', `-${message}`);
    problems.push({ place, message: `${message}; the default (${shown(usual)}) is used`, isWrong: true });
  }
  for (const [key, { line }] of properties) {
    if (Object.hasOwn(FABIO_SETTINGS, key)) continue;
    const near = nearest(key, SETTING_NAMES);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    problems.push({ place: `line ${line}`, message: `there is no setting ${key}${hint}`, isWrong: false });
  }
  return { values: values as SettingValues, given, problems };
}

function textOf(
  name: SettingName,
  flags: Readonly<Record<string, string>>,
  env: ReadonlyMap<string, string | undefined>,
  properties: ReturnType<typeof parseProperties>['properties'],
): { text: string; place: string } | undefined {
  const flag = flags[name];
  if (flag !== undefined) return { text: flag, place: `-${name}` };
  for (const prefix of ['FABIO_', '']) {
    const variable = `${prefix}${name.replaceAll('.', '_')}`.toUpperCase();
    const text = env.get(variable);
    if (text !== undefined) return { text, place: variable };
  }
  const property = properties.get(name);
  return property === undefined ? undefined : { text: property.value, place: `line ${property.line}` };
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : value === '' ? 'nothing' : String(value);
}

/** The text of a properties file by its path or URL. Throws `config.unreadable`. */
export async function loadSettings(where: string): Promise<string> {
  const isUrl = /^https?:\/\//.test(where);
  try {
    if (!isUrl) return await readFile(where, 'utf8');
    const response = await fetch(where, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return await response.text();
  } catch (cause) {
    throw new MusterError(
      'config.unreadable',
      `cannot read the settings at ${where}: ${isUrl ? fetchTrouble(cause) : fileTrouble(cause)}. Give the path or URL of a properties file.`,
      { cause },
    );
  }
}
