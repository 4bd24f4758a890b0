/** Text to values and back. */
import { messageOf } from '../../errors.ts';
import {
  ANY,
  BOOL,
  FLOAT64,
  fn,
  fromJson,
  INT64,
  quote,
  Scalar,
  STRING,
  UINT64,
  type Value,
  ValueError,
} from '../language/index.ts';
import { type Group, pure } from './entry.ts';
import { encodeJson } from './json.ts';
import { decodeToml, encodeToml } from './toml.ts';
import { decodeYaml, encodeYaml } from './yaml.ts';

const TRUTHS: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

function invalid(name: string, call: string, text: string, why = 'invalid syntax'): ValueError {
  return new ValueError(`${name}: strconv.${call}: parsing ${quote(text)}: ${why}`);
}

function parseBool(text: string): Value {
  if (text === '') return false;
  if (!Object.hasOwn(TRUTHS, text)) throw invalid('parseBool', 'ParseBool', text);
  return TRUTHS[text];
}

function parseWhole(
  name: string,
  call: string,
  text: string,
  least: bigint,
  most: bigint,
  signed: boolean,
): bigint {
  if (text === '') return 0n;
  if (!(signed ? /^[+-]?\d+$/ : /^\d+$/).test(text)) throw invalid(name, call, text);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value < least || value > most) throw invalid(name, call, text, 'value out of range');
  return value;
}

function parseFloat64(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}

function fractionOf(text: string): number {
  if (text === '') return 0;
  const value = parseFloat64(text);
  if (value === undefined) throw invalid('parseFloat', 'ParseFloat', text);
  if (!Number.isFinite(value) && /\d/.test(text))
    throw invalid('parseFloat', 'ParseFloat', text, 'value out of range');
  return value;
}

export function parseJson(text: string): Value {
  if (text === '') return new Map();
  try {
    return fromJson(JSON.parse(text));
  } catch (cause) {
    if (brokeOff(text, messageOf(cause))) throw new ValueError('unexpected end of JSON input', { cause });
    throw new ValueError(`invalid JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Did the text end where more was expected? The engine says so, or names the place. */
function brokeOff(text: string, message: string): boolean {
  const at = /position (\d+)/.exec(message)?.[1];
  return /end of JSON input|Unterminated/i.test(message) || Number(at) >= text.trimEnd().length;
}

/** Writes values; what goes wrong is said to be of the function `name`. */
const encoder = (name: string, encode: (value: Value) => string) =>
  fn([ANY], STRING, (value: Value) => {
    try {
      return encode(value);
    } catch (cause) {
      throw new ValueError(`${name}: ${messageOf(cause)}`, { cause });
    }
  });

const jsonEncoder = (name: string, pretty: boolean, escapeHtml: boolean) =>
  encoder(name, (value) => encodeJson(value, { pretty, escapeHtml }));

export const PARSE_FUNCTIONS: Group = {
  parseBool: pure(
    fn([STRING], BOOL, parseBool),
    'Text as truth; no text is false.',
    '{{ if key "on" | parseBool }}',
  ),
  parseFloat: pure(
    fn([STRING], FLOAT64, fractionOf),
    'Text as a fraction; no text is 0.',
    '{{ key "ratio" | parseFloat }}',
  ),
  parseInt: pure(
    fn(
      [STRING],
      INT64,
      (text: string) =>
        new Scalar(INT64, parseWhole('parseInt', 'ParseInt', text, -(2n ** 63n), 2n ** 63n - 1n, true)),
    ),
    'Text as a whole number; no text is 0.',
    '{{ key "port" | parseInt | add 1 }}',
  ),
  parseUint: pure(
    fn(
      [STRING],
      UINT64,
      (text: string) =>
        new Scalar(UINT64, parseWhole('parseUint', 'ParseUint', text, 0n, 2n ** 64n - 1n, false)),
    ),
    'Text as a whole number without a sign.',
    '{{ key "port" | parseUint }}',
  ),
  parseJSON: pure(
    fn([STRING], ANY, parseJson),
    'JSON as a value; no text is an empty map.',
    '{{ with key "conf" | parseJSON }}{{ .host }}{{ end }}',
  ),
  parseYAML: pure(
    fn([STRING], ANY, (text: string) => (text === '' ? new Map() : decodeYaml(text))),
    'YAML as a value; no text is an empty map.',
    '{{ with key "conf" | parseYAML }}{{ .host }}{{ end }}',
  ),
  parseTOML: pure(
    fn([STRING], ANY, (text: string) => (text === '' ? new Map() : decodeToml(text))),
    "TOML as a value. Muster's own.",
    '{{ with key "conf" | parseTOML }}{{ .host }}{{ end }}',
  ),
  toJSON: pure(jsonEncoder('toJSON', false, true), 'A value as JSON.', '{{ service "web" | toJSON }}'),
  toJSONPretty: pure(
    jsonEncoder('toJSONPretty', true, true),
    'JSON over several lines.',
    '{{ tree "conf" | explode | toJSONPretty }}',
  ),
  toUnescapedJSON: pure(
    jsonEncoder('toUnescapedJSON', false, false),
    'JSON in which `<`, `>` and `&` stay.',
    '{{ key "html" | toUnescapedJSON }}',
  ),
  toUnescapedJSONPretty: pure(
    jsonEncoder('toUnescapedJSONPretty', true, false),
    'Both.',
    '{{ key "html" | toUnescapedJSONPretty }}',
  ),
  toTOML: pure(encoder('toTOML', encodeToml), 'A map as TOML.', '{{ tree "conf" | explode | toTOML }}'),
  toYAML: pure(encoder('toYAML', encodeYaml), 'A value as YAML.', '{{ tree "conf" | explode | toYAML }}'),
};
