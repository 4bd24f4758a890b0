/** From files and flags to one checked configuration, with the place of everything that is wrong. */
import fs from 'node:fs';
import path from 'node:path';
import { fileTrouble, MusterError } from '../../errors.ts';
import { contentOf, statIfSeen } from '../../lib/content-of.ts';
import { nearest } from '../../lib/nearest.ts';
import { isConsul } from './consul/recognise.ts';
import { translateConsul } from './consul/translate.ts';
import { parseHclWithPlaces } from './consul/tree.ts';
import { parseJsonWithPlaces } from './json-places.ts';
import { isTable, toCodeNames, toFileNames } from './names.ts';
import { type Path, type Places, SyntaxFault } from './places.ts';
import { resolvePaths } from './relative-paths.ts';
import { type Config, configSchema } from './schema.ts';
import { pathText, sentence } from './sentences.ts';
import { parseTomlWithPlaces } from './toml-places.ts';

/** One part of the configuration as it was written. Later sources win over earlier ones; lists of tables add up. */
export interface ConfigSource {
  /** For error messages: the file's name as the user gave it, or "command line". */
  name: string;
  /** Relative paths in the source (`data_dir`, `cwd`) start here. */
  directory: string;
  value: unknown;
  /** Where a key or its value stands: "file:12:3", or the flag. */
  place(path: Path, what: 'key' | 'value'): string;
  /** A file of Consul's: lists add up, and what it does not say of the dashboard is said by Consul's defaults. */
  isConsul?: boolean;
  /** What was accepted and has no effect, each with its place. */
  warnings?: readonly string[];
  /** What cannot be started with and was found before it was merged, each with its place. */
  faults?: readonly string[];
}

/** How a file is written, when its name does not tell. */
export type ConfigFormat = 'json' | 'hcl';

/**
 * Reads a TOML (.toml) or JSON (.json) file of ours, or a JSON or HCL (.hcl) file of Consul's agent; a JSON file is
 * Consul's when its keys are. `format` is for names that end otherwise. Throws `config.unreadable` or `config.invalid`.
 */
export function readConfigFile(file: string, format?: ConfigFormat): ConfigSource {
  return parseConfigText(file, contentOf(file), format);
}

const PARSERS: Readonly<Record<string, (text: string) => { value: unknown; places: Places }>> = {
  '.toml': parseTomlWithPlaces,
  '.json': parseJsonWithPlaces,
  '.hcl': parseHclWithPlaces,
};

/** As `readConfigFile`, for a text that is already there. */
export function parseConfigText(file: string, text: string, format?: ConfigFormat): ConfigSource {
  const extension = path.extname(file).toLowerCase();
  const known = Object.hasOwn(PARSERS, extension) ? extension : format && `.${format}`;
  const parse = known && PARSERS[known];
  if (!parse)
    throw new MusterError(
      'config.invalid',
      `${file}: the name has to end in .toml, .json or .hcl, so that its format is known (-config-format says it otherwise)`,
    );
  try {
    // Consul's own test tools begin with an empty file and fill it in later.
    const { value, places } = parse(known === '.json' && text.trim() === '' ? '{}' : text);
    const source = { name: file, directory: path.dirname(path.resolve(file)) };
    if (isTable(value) && (known === '.hcl' || (known === '.json' && isConsul(value))))
      return { ...source, ...consulSource(file, value, places) };
    return { ...source, value, place: placeIn(file, places) };
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const { line, column } = error.place;
    throw new MusterError('config.invalid', `${file}:${line}:${column}: ${error.message}`, { cause: error });
  }
}

function consulSource(
  file: string,
  theirs: Record<string, unknown>,
  places: Places,
): Pick<ConfigSource, 'value' | 'place' | 'isConsul' | 'warnings' | 'faults'> {
  const { value, origin, warnings, faults } = translateConsul(theirs);
  const place = placeIn(file, places);
  const tell = (remarks: typeof warnings) =>
    remarks.map(({ at, message }) => `${place(at, 'key')}: ${message}`);
  return {
    value,
    isConsul: true,
    place: (where, what) => place(origin(where), what),
    warnings: tell(warnings),
    faults: tell(faults),
  };
}

function placeIn(file: string, places: Places): ConfigSource['place'] {
  return (where, what) => {
    const place = places[what](where);
    return place === undefined ? file : `${file}:${place.line}:${place.column}`;
  };
}

/** All .toml, .json and .hcl files of a directory in the order of their names; with a `format` all others too. */
function filesOfConfigDirectory(directory: string, format?: ConfigFormat): string[] {
  try {
    return (
      fs
        .readdirSync(directory, { withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .filter((name) => format !== undefined || /\.(?:toml|json|hcl)$/i.test(name))
        // By bytes, as Go sorts.
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map((name) => path.join(directory, name))
    );
  } catch (cause) {
    throw new MusterError(
      'config.unreadable',
      `cannot read the directory ${directory}: ${fileTrouble(cause)}`,
      { cause },
    );
  }
}

/** Files, and the configuration files of directories, in the order given. */
export function readConfigFiles(names: readonly string[], format?: ConfigFormat): ConfigSource[] {
  return names
    .flatMap((name) => (statIfSeen(name)?.isDirectory() ? filesOfConfigDirectory(name, format) : [name]))
    .map((file) => readConfigFile(file, format));
}

/**
 * Merges the sources, fills in the defaults and checks the whole. Throws one `config.invalid` that lists
 * everything that is wrong, each with its place.
 */
export function readConfig(sources: readonly ConfigSource[]): Config {
  return readWritten(sources).config;
}

export interface Written {
  readonly config: Config;
  /** What was written, its keys in camelCase. */
  readonly written: unknown;
  /** What was accepted and has no effect, each with its place. */
  readonly warnings: readonly string[];
  /** Where something stands that was written, or what it is part of, and what it is called: "m.toml:3:8: log.file". */
  place(path: Path): string;
}

/** The same, together with what was written and what has no effect. */
export function readWritten(sources: readonly ConfigSource[]): Written {
  const faults: string[] = [];
  const origins = new Map<string, string>();
  let merged: unknown = {};
  for (const source of sources) {
    faults.push(...(source.faults ?? []));
    if (!isTable(source.value)) {
      faults.push(`${source.name}: expected a table at the top`);
      continue;
    }
    const named = toCodeNames(configSchema, source.value, ({ path: at, known }) => {
      const key = String(at[at.length - 1]);
      const near = nearest(key, known);
      const where = at.length > 1 ? ` in ${pathText(at.slice(0, -1))}` : '';
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
      faults.push(`${source.place(at, 'key')}: unknown key "${key}"${where}; ${hint}`);
    });
    // In Consul's files they are relative to where the program was started, as there.
    resolvePaths(named, source.isConsul === true ? process.cwd() : source.directory);
    const note = (target: Path, from: Path) => {
      origins.set(JSON.stringify(target), source.place(toFileNames(configSchema, from), 'value'));
    };
    merged = merge(merged, named, [], [], { note, listsAddUp: source.isConsul ?? false });
  }
  const warnings = sources.flatMap((source) => source.warnings ?? []);
  if (sources.some(({ isConsul }) => isConsul)) {
    merged = withConsulDefaults(merged);
    if (asksForHttpsInVain(merged)) {
      const where = nearestOrigin(origins, ['ports', 'https']) ?? 'configuration';
      warnings.push(`${where}: ports.https has no effect without a certificate (cert_file and key_file)`);
      merged = { ...(merged as object), ports: { ...(merged as { ports: object }).ports, https: -1 } };
    }
  }
  const checked = configSchema.safeParse(merged, { reportInput: true, jitless: true });
  const where = (at: Path): string =>
    nearestOrigin(origins, at) ?? sources[sources.length - 1]?.name ?? 'configuration';
  const place = (at: Path): string => `${where(at)}: ${pathText(toFileNames(configSchema, at))}`;
  if (!checked.success) {
    for (const issue of checked.error.issues) {
      const at = issue.path as Path;
      faults.push(`${at.length === 0 ? where(at) : place(at)}: ${sentence(issue)}`);
    }
  }
  // What is missing may be there under a name that nobody knows.
  if (faults.length > 0 || !checked.success)
    throw new MusterError('config.invalid', [...faults, ...warnings].join('\n'));
  return {
    config: checked.data,
    written: merged,
    warnings,
    place,
  };
}

/** Whoever writes Consul's files and does not ask for the dashboard wants none at `/`, except with -dev. */
function withConsulDefaults(merged: unknown): unknown {
  const { api, node } = merged as { api?: Record<string, unknown>; node?: Record<string, unknown> };
  return { ...(merged as object), api: { ui: node?.dev === true, ...api } };
}

/** Consul's own test tools always give the port, and a certificate seldom: Consul then answers no HTTPS, and starts. */
function asksForHttpsInVain(merged: unknown): boolean {
  const { ports, api } = merged as { ports?: { https?: unknown }; api?: { tls?: { cert?: unknown } } };
  return typeof ports?.https === 'number' && ports.https >= 0 && api?.tls?.cert === undefined;
}

/**
 * `over` on top of `base`; lists of tables add up, other lists with `listsAddUp` too. `note` is told, for each value taken over, its path in
 * the result and in its source.
 */
function merge(
  base: unknown,
  over: unknown,
  target: Path,
  from: Path,
  how: { note: (target: Path, from: Path) => void; listsAddUp: boolean },
): unknown {
  if (from.length > 0) how.note(target, from);
  if (isTable(over)) {
    const result: Record<string, unknown> = isTable(base) ? { ...base } : {};
    for (const [key, value] of Object.entries(over))
      result[key] = merge(result[key], value, [...target, key], [...from, key], how);
    return result;
  }
  if (!Array.isArray(over)) return over;
  const kept: unknown[] = Array.isArray(base) && (how.listsAddUp || over.some(isTable)) ? base : [];
  return [
    ...kept,
    ...over.map((one, index) =>
      merge(undefined, one, [...target, kept.length + index], [...from, index], how),
    ),
  ];
}

function nearestOrigin(origins: ReadonlyMap<string, string>, at: readonly PropertyKey[]): string | undefined {
  for (let length = at.length; length > 0; length--) {
    const origin = origins.get(JSON.stringify(at.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}
