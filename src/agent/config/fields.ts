/** Building blocks of the configuration's schema: each knows how it is written, checked and described. */
import * as z from 'zod';
import { parseRecursor } from '../../dns/recursors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import { addressRange, isAny } from '../../lib/ip.ts';
import { parseBytes } from '../../lib/size.ts';

/** Has the reference name a field by `text`; zod itself only knows "string". */
function written(schema: z.ZodType, text: string): void {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), written: text });
}

/** A text that stands for something else; `read` answers undefined for one that does not. */
function parsed<T>(kind: string, expected: string, read: (text: string) => T | undefined) {
  const schema = z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', input: text, message: `expected ${expected}, got "${text}"` });
    return z.NEVER;
  });
  written(schema, kind);
  return schema;
}

/** A duration as Go writes it ("1m30s"); milliseconds behind the schema. `least` in ms. */
export function duration({ least = 0 }: { least?: number } = {}) {
  const schema = z
    .string({ error: 'expected a duration in quotes, such as "10s" or "1m30s"' })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= least) return ms;
      context.issues.push({
        code: 'custom',
        input: text,
        message:
          ms === undefined
            ? `expected a duration such as "10s" or "1m30s", got "${text}"`
            : `expected a duration of at least ${least} ms, got "${text}"`,
      });
      return z.NEVER;
    });
  written(schema, 'duration');
  return schema;
}

/** A time of day as "08:30"; minutes since midnight behind the schema. */
export function timeOfDay() {
  return parsed('time of day', 'a time of day such as "08:30"', (text) => {
    const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
    return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
  });
}

/** A port to listen on: 0 takes any free one, -1 switches the listener off. */
export function listenPort() {
  const schema = z.int().min(-1).max(65535);
  written(schema, 'port (0: any free one, -1: off)');
  return schema;
}

/** One address or several to listen on: a text with spaces between them, or a list. */
export function addresses() {
  const schema = z
    .union([z.string(), z.array(z.string())], { error: 'expected an address or a list of addresses' })
    .transform((value) =>
      typeof value === 'string' ? value.split(/\s+/).filter((one) => one !== '') : value,
    );
  written(schema, 'text or list of text');
  return schema;
}

/** A port of another program. */
export function port() {
  const schema = z.int().min(1).max(65535);
  written(schema, 'port');
  return schema;
}

/** "127.0.0.1:9999", "[::1]:9999", ":9999" (all addresses). */
export function hostPort() {
  const schema = z.string().refine((text) => parseHostPort(text) !== undefined, {
    error: (issue) => `expected host:port such as "127.0.0.1:9999", got "${String(issue.input)}"`,
  });
  written(schema, 'host:port');
  return schema;
}

/** A name server: an address with a port or without. */
export function recursor() {
  return parsed(
    'address or address:port',
    'the address of a name server such as "10.0.0.53" or "10.0.0.53:5353"',
    (text) => {
      const server = parseRecursor(text);
      return server === undefined || isAny(server.host) ? undefined : server;
    },
  );
}

/** "10.0.0.0/8", "fe80::/10" or an address. */
export function addressRangeField() {
  return parsed('range of addresses', 'a range of addresses such as "10.0.0.0/8"', addressRange);
}

/** A size in bytes: a number, or text with a unit of 1,024 ("512KB", "1MB"). */
export function bytes({ least = 0, most = 2 ** 40 }: { least?: number; most?: number } = {}) {
  const schema = z
    .union([z.number(), z.string()], { error: 'expected a size such as 1048576 or "1MB"' })
    .transform((value, context) => {
      const size = typeof value === 'number' ? value : parseBytes(value);
      if (size !== undefined && Number.isInteger(size) && size >= least && size <= most) return size;
      context.issues.push({
        code: 'custom',
        input: value,
        message: `expected a size such as 1048576 or "1MB" between ${least} and ${most} bytes, got ${JSON.stringify(value)}`,
      });
      return z.NEVER;
    });
  written(schema, 'size');
  return schema;
}

/** "20000-29999", both ends included. */
export function portRange() {
  return parsed('range of ports', 'a range of ports such as "20000-29999"', (text) => {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    const first = Number(match?.[1]);
    const last = Number(match?.[2]);
    return match !== null && first >= 1 && last <= 65535 && first <= last ? { first, last } : undefined;
  });
}

/** A name that can stand in a DNS label and in a path: letters, digits, `-` and `_`. */
export function label() {
  const schema = z.string().regex(/^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})$/, {
    error: (issue) =>
      `expected a name of letters, digits, "-" and "_" (63 at most), got ${JSON.stringify(issue.input)}`,
  });
  written(schema, 'name');
  return schema;
}

/** A secret; "" when there is none. Wherever the configuration is shown, it is not. `fault` says what is wrong with one, and does not quote it. */
export function secret(fault: (text: string) => string | undefined = () => undefined) {
  const schema = z.string().superRefine((text, context) => {
    const message = text === '' ? undefined : fault(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
  written(schema, SECRET);
  return schema.default('');
}

/** A secret that is the value of a header field. */
export function secretField() {
  const schema = z
    .string()
    .regex(/^[\t\x20-\x7e]*$/, { error: 'expected a text of ASCII without control characters' });
  written(schema, SECRET);
  return schema;
}

/** How the reference names secrets, and how they are known. */
const SECRET = 'secret';

export function isSecret(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.written === SECRET;
}
