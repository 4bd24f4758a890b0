/** Consul's service and check definitions, in any of its spellings, in ours. */
import type { z } from 'zod';
import { checkSchema, nodeCheckSchema, serviceSchema } from '../definitions.ts';
import { isTable, toSnake, writtenSchema } from '../names.ts';
import type { Path } from '../places.ts';
import { hookSchema, watchSchema } from '../watch.ts';
import { bare } from './rules.ts';

/** Told of what was understood: where a value of ours came from; and of what was not. */
export interface Notes {
  from(ours: Path, theirs: Path): void;
  /** A key that nobody knows, with its siblings. */
  unknown(theirs: Path, known: readonly string[]): void;
  /** A key that has no effect. */
  idle(theirs: Path, why: string): void;
}

interface Spelling {
  /** Our keys in snake_case by Consul's, bare. */
  readonly keys: ReadonlyMap<string, string>;
  /** Why a key has no effect, by its bare name. */
  readonly idle: Readonly<Record<string, string>>;
}

const MESH = 'Muster has no service mesh';
const ENTERPRISE = 'it belongs to Consul Enterprise';
const TOKEN = 'what the configuration defines is registered by the agent itself';

function spelling(
  schema: z.core.$ZodType,
  aliases: Record<string, string>,
  idle: Record<string, string>,
): Spelling {
  const { shape } = (writtenSchema(schema) as z.ZodObject).def;
  const names = Object.keys(shape).map(toSnake);
  return {
    keys: new Map([...names.map((name) => [bare(name), name] as const), ...Object.entries(aliases)]),
    idle,
  };
}

const CHECK_ALIASES = { checkid: 'id', scriptargs: 'args' };
const CHECK_IDLE = {
  token: TOKEN,
  script: 'give args = ["sh", "-c", "…"]',
  namespace: ENTERPRISE,
  partition: ENTERPRISE,
  enterprisemeta: ENTERPRISE,
  exposedport: MESH,
  proxyhttp: MESH,
  proxygrpc: MESH,
};

const CHECK = spelling(checkSchema, CHECK_ALIASES, {
  ...CHECK_IDLE,
  serviceid: 'the check belongs to the service around it',
});
const NODE_CHECK = spelling(nodeCheckSchema, CHECK_ALIASES, CHECK_IDLE);
const SERVICE = spelling(
  serviceSchema,
  { serviceid: 'id', service: 'name' },
  {
    token: TOKEN,
    proxy: MESH,
    connect: MESH,
    locality: ENTERPRISE,
    namespace: ENTERPRISE,
    partition: ENTERPRISE,
    enterprisemeta: ENTERPRISE,
  },
);

const WATCH = spelling(
  watchSchema,
  { handler: 'command', args: 'args', handlertype: 'handler_type', httphandlerconfig: 'http' },
  {
    datacenter: 'there is one datacenter as yet',
    stale: 'the agent reads its own copy',
    filter: 'the view is told whole',
    namespace: ENTERPRISE,
    partition: ENTERPRISE,
  },
);
const HOOK = spelling(hookSchema, { path: 'url', header: 'headers', tlsskipverify: 'skip_verify' }, {});

/** A value with where it is in their file and where it comes to be in our configuration. */
export interface Located {
  readonly value: unknown;
  readonly theirs: Path;
  readonly ours: Path;
}

export function readService(located: Located, notes: Notes): unknown {
  const service = renamed(located, SERVICE, notes);
  if (!isTable(service)) return service;
  // The name then, in Consul as on its wire.
  if (service.id === '') delete service.id;
  const at = (key: string): Path | undefined => keyOf(located.value, SERVICE, key);
  const child = (value: unknown, key: string): Located => ({
    value,
    theirs: [...located.theirs, ...(at(key) ?? [])],
    ours: [...located.ours, key],
  });
  if (service.check !== undefined) {
    const { check, ...rest } = service;
    const written = child(check, 'check');
    // HCL blocks of one name; or a check with nothing in it, which is none.
    if (Array.isArray(check))
      return { ...rest, checks: [...many(written, readCheck, notes), ...list(rest.checks)] };
    if (isTable(check) && Object.keys(check).length === 0) return rest;
    service.check = readCheck(written, notes);
  }
  if (service.checks !== undefined) service.checks = many(child(service.checks, 'checks'), readCheck, notes);
  if (isTable(service.tagged_addresses))
    service.tagged_addresses = Object.fromEntries(
      Object.entries(service.tagged_addresses).map(([tag, one]) => [tag, lowerKeys(one)]),
    );
  if (isTable(service.weights)) service.weights = lowerKeys(service.weights);
  return service;
}

function readCheck(located: Located, notes: Notes): unknown {
  return withoutNothing(renamed(located, CHECK, notes));
}

export function readNodeCheck(located: Located, notes: Notes): unknown {
  return withoutNothing(renamed(located, NODE_CHECK, notes));
}

/** Consul runs a `handler` by a shell, and `args` as they are. */
export function readWatch(located: Located, notes: Notes): unknown {
  const watch = renamed(located, WATCH, notes);
  if (!isTable(watch)) return watch;
  const { args, handler_type: _type, http, ...rest } = watch;
  if (args !== undefined) rest.command = args;
  const at = keyOf(located.value, WATCH, 'http');
  if (http !== undefined)
    rest.http = renamed(
      { value: http, theirs: [...located.theirs, ...(at ?? [])], ours: [...located.ours, 'http'] },
      HOOK,
      notes,
    );
  return withoutNothing(rest);
}

/** A list, or the one thing that stands for a list of one. */
export function many(
  { value, theirs, ours }: Located,
  read: (one: Located, notes: Notes) => unknown,
  notes: Notes,
): unknown[] {
  if (!Array.isArray(value)) return [read({ value, theirs, ours: [...ours, 0] }, notes)];
  return value.map((one, at) => read({ value: one, theirs: [...theirs, at], ours: [...ours, at] }, notes));
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The table with our keys, one level deep; null stands for "not given". */
function renamed({ value, theirs, ours }: Located, { keys, idle }: Spelling, notes: Notes): unknown {
  notes.from(ours, theirs);
  if (!isTable(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const at = [...theirs, key];
    const own = keys.get(bare(key));
    if (own === undefined) {
      const why = Object.hasOwn(idle, bare(key)) ? idle[bare(key)] : undefined;
      if (why === undefined) notes.unknown(at, [...keys.values()]);
      else if (one !== null && one !== '') notes.idle(at, why);
    } else if (one !== null) {
      notes.from([...ours, own], at);
      result[own] = one;
    }
  }
  return result;
}

/** Under which key of theirs `ours` was written. */
function keyOf(value: unknown, { keys }: Spelling, ours: string): Path | undefined {
  const key = isTable(value) ? Object.keys(value).find((one) => keys.get(bare(one)) === ours) : undefined;
  return key === undefined ? undefined : [key];
}

/** In checks "", "0s" and 0 stand for "not given", in Consul as on its wire. */
function withoutNothing(check: unknown): unknown {
  if (!isTable(check)) return check;
  return Object.fromEntries(
    Object.entries(check).filter(
      ([, one]) =>
        one !== '' && one !== '0' && one !== '0s' && one !== 0 && !(Array.isArray(one) && one.length === 0),
    ),
  );
}

function lowerKeys(value: unknown): unknown {
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]));
}
