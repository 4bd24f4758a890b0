import type { ConfigEntry } from '../../../catalog/rows.ts';
import { nanoseconds, parseDuration } from '../../../lib/duration.ts';
import { MsgpackReader, type Packed } from '../../../lib/msgpack.ts';
import { type Packable, pack } from '../../../lib/msgpack-write.ts';
import { CONFIG_KINDS } from '../../config/kinds.ts';
import { ShapeError } from '../../config/shape.ts';
import { FieldError, Fields, jsonOf, textOf, unwrapped } from './fields.ts';
import type { Gathered } from './gathered.ts';
import { indexes, type RecordKind } from './kind.ts';

/** Its kind stands in front of it, in bytes of their own with it. */
export const configEntry: RecordKind = {
  name: 'ConfigEntry',
  take(value, into) {
    if (!Buffer.isBuffer(value)) throw new FieldError('it is no encoded request');
    const inner = new MsgpackReader(value);
    const kind = textOf(inner.read(), 'the kind');
    const entry = unwrapped(new Fields(inner.read()).packed('Entry') ?? null);
    const fields = new Fields(entry, 'Entry');
    if (into.isElsewhere(fields)) return;
    const name = fields.text('Name');
    const content = contentOf(kind, name, entry);
    if (content === undefined) into.leaveOut(`config entries of kind ${kind}`);
    else put(kind, name, content, into);
  },
};

function put(kind: string, name: string, content: Record<string, unknown>, into: Gathered): void {
  const known = CONFIG_KINDS.get(kind);
  into.put('configEntries', { kind, name: known?.unnamed ? (known.onlyName ?? name) : name, content });
}

/** undefined: nobody here could read it. Nothing here acts on these entries, so that one fewer does no harm. */
function contentOf(kind: string, name: string, entry: Packed): Record<string, unknown> | undefined {
  const known = CONFIG_KINDS.get(kind);
  if (known === undefined) return undefined;
  let content: Record<string, unknown>;
  try {
    content = known.fields.read(jsonOf(entry), '', 'loose') as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return undefined;
  }
  try {
    return known.normalize?.(content, name) ?? content;
  } catch {
    // What it says is for whoever writes the entry.
    return undefined;
  }
}

/** Fields that answers have as text and structs as a duration. */
const DURATIONS: ReadonlySet<string> = new Set(['ConnectTimeout', 'RequestTimeout', 'Interval']);
/** What users wrote for their proxies stays as it is; and this kind encodes itself once more. */
const OPAQUE = 'Config';
const ENCODED = 'proxy-defaults';

export function configEntryRecord(row: ConfigEntry): Packable {
  const { kind, name } = row;
  const content = structOf(row.content) as Record<string, Packable>;
  const entry = { Kind: kind, Name: name, ...content, ...indexes(row) };
  const request = { Op: '', Datacenter: '', Entry: kind === ENCODED ? pack(entry) : entry, Token: '' };
  return Buffer.concat([pack(kind), pack(request)]);
}

function structOf(content: unknown): Packable {
  if (Array.isArray(content)) return content.map(structOf);
  if (typeof content !== 'object' || content === null) return content as Packable;
  return Object.fromEntries(
    Object.entries(content).map(([name, value]: [string, unknown]) => {
      if (DURATIONS.has(name) && typeof value === 'string') return [name, nanoseconds(parseDuration(value))];
      return [name, name === OPAQUE ? (value as Packable) : structOf(value)];
    }),
  );
}
