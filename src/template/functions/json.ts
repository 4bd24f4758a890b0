/** Go's encoding/json: keys in order, `<`, `>` and `&` escaped unless told otherwise. */
import {
  floatOf,
  GoFunction,
  integerOf,
  isStruct,
  Scalar,
  sortedEntries,
  typeName,
  typeOf,
  type Value,
  ValueError,
} from '../language/index.ts';

export interface JsonStyle {
  /** Two spaces for each level. */
  readonly pretty: boolean;
  /** `<` as `\u003c`, as Go does for the sake of HTML. */
  readonly escapeHtml: boolean;
}

const MAX_DEPTH = 1000;

function jsonText(text: string, escapeHtml: boolean): string {
  const quoted = JSON.stringify(
    text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'),
  );
  const safe = quoted.replace(/[\u2028\u2029]/g, (char) => (char === '\u2028' ? '\\u2028' : '\\u2029'));
  return escapeHtml
    ? safe.replace(/[<>&]/g, (char) => (char === '<' ? '\\u003c' : char === '>' ? '\\u003e' : '\\u0026'))
    : safe;
}

/** As in JavaScript, which is what Go follows, but for `1e+21` and `1e-7` which read `1e+21` and `1e-07`. */
function jsonNumber(value: number): string {
  if (!Number.isFinite(value))
    throw new ValueError(
      `json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`,
    );
  return Object.is(value, -0) ? '-0' : String(value);
}

export function encodeJson(value: Value, style: JsonStyle): string {
  return encode(value, style, '', 0);
}

function encode(value: Value, style: JsonStyle, indent: string, depth: number): string {
  if (value === null || value === undefined) return 'null';
  if (depth > MAX_DEPTH) throw new ValueError('json: nested too deeply');
  if (typeof value === 'string') return jsonText(value, style.escapeHtml);
  if (typeof value === 'boolean') return String(value);
  const whole = integerOf(value);
  if (whole !== undefined) return whole.toString();
  const fraction = floatOf(value);
  if (fraction !== undefined) return jsonNumber(fraction);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  const inside = `${indent}  `;
  const inner = (one: Value): string => encode(one, style, inside, depth + 1);
  const wrap = (open: string, parts: readonly string[], close: string): string => {
    if (parts.length === 0) return open + close;
    return style.pretty
      ? `${open}\n${inside}${parts.join(`,\n${inside}`)}\n${indent}${close}`
      : open + parts.join(',') + close;
  };
  if (Array.isArray(value)) return wrap('[', value.map(inner), ']');
  const pair = (key: string, one: Value): string =>
    `${jsonText(key, style.escapeHtml)}:${style.pretty ? ' ' : ''}${inner(one)}`;
  if (value instanceof Map)
    return wrap(
      '{',
      sortedEntries(value).map(([key, one]) => pair(keyText(key), one)),
      '}',
    );
  if (isStruct(value) && !(value instanceof Scalar)) {
    const fields = [...(typeOf(value)?.elem?.fields?.keys() ?? [])];
    return wrap(
      '{',
      fields.map((name) => pair(name, value[name])),
      '}',
    );
  }
  throw new ValueError(`json: unsupported type: ${value instanceof GoFunction ? 'func' : typeName(value)}`);
}

/** Keys of JSON are text. */
export function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  return String(integerOf(key) ?? floatOf(key) ?? key);
}
