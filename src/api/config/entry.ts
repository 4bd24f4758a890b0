import type { ConfigEntry } from '../../catalog/rows.ts';
import type { Draft } from '../../catalog/transaction.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { type Json, JsonError, parseJson } from '../json/parse.ts';
import type { Query } from '../query.ts';
import { CONFIG_KINDS, type ConfigKind } from './kinds.ts';
import { ShapeError } from './shape.ts';

/** Throws `HttpError` with `status` where there is no such kind. */
export function kindOf(kind: string, status: number, prefix = ''): ConfigKind {
  const known = CONFIG_KINDS.get(kind);
  if (known === undefined) throw new HttpError(status, `${prefix}invalid config entry kind: ${kind}`);
  return known;
}

const FAILED = 'Bad request: Request decoding failed: ';

/** Fields that everything has; where they stand in an answer they may come back with the next write. */
const COMMON = new Set(['kind', 'createindex', 'modifyindex']);

/** Reads a config entry from the text of a body. Throws 400 for what cannot be read and 500 for what is refused. */
export function readEntry(body: string): Draft<ConfigEntry> {
  let json: Json;
  try {
    json = parseJson(body);
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(`${FAILED}${error.message}`);
    throw error;
  }
  if (!(json instanceof Map))
    throw badRequest(`${FAILED}json: cannot unmarshal value into Go value of type map[string]interface {}`);
  const kind = json.get('Kind') ?? json.get('kind');
  if (kind === undefined)
    throw badRequest(`${FAILED}Payload does not contain a kind/Kind key at the top level`);
  if (typeof kind !== 'string') throw badRequest(`${FAILED}Kind value in payload is not a string`);
  const { fields, normalize, onlyName, unnamed } = kindOf(kind, 400, FAILED);
  const rest = new Map(json);
  let named: Json = '';
  for (const [key, value] of json) {
    const lower = key.replaceAll('_', '').toLowerCase();
    if (lower === 'name' && !unnamed) named = value;
    if (COMMON.has(lower) || (lower === 'name' && !unnamed)) rest.delete(key);
  }
  const name = onlyName !== undefined && unnamed ? onlyName : String(named ?? '');
  let content: Record<string, unknown>;
  try {
    content = fields.read(rest, '') as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ShapeError) throw badRequest(`${FAILED}${several(error.faults)}`);
    throw error;
  }
  if (name === '') throw new HttpError(500, 'Name is required');
  if (onlyName !== undefined && name !== onlyName)
    throw new HttpError(
      500,
      `invalid name (${JSON.stringify(name)}), only ${JSON.stringify(onlyName)} is supported`,
    );
  try {
    return { kind, name, content: normalize?.(content, name) ?? content };
  } catch (error) {
    throw new HttpError(500, (error as Error).message);
  }
}

/** Consul's way to tell several things at once. */
export function several(faults: readonly string[]): string {
  const count = faults.length === 1 ? '1 error' : `${faults.length} errors`;
  return `${count} occurred:\n${faults.map((fault) => `\t* ${fault}\n`).join('')}\n`;
}

/** Consul's JSON of a config entry. */
export function configWire({ kind, name, content, createIndex, modifyIndex }: ConfigEntry) {
  return {
    Kind: kind,
    ...(CONFIG_KINDS.get(kind)?.unnamed ? {} : { Name: name }),
    ...content,
    CreateIndex: createIndex,
    ModifyIndex: modifyIndex,
  };
}

/** `?cas`, or undefined when there is none. Throws 500 in Go's words. */
export function casOf(query: Query): number | undefined {
  const text = query.get('cas');
  if (text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new HttpError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
