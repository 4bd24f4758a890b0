import { posix } from 'node:path';
import type { KvPair, PutOptions } from '../../client/index.ts';
import { MusterError, messageOf } from '../../errors.ts';
import { readBase64 } from '../../lib/base64.ts';
import { formatUint64, parseUint64 } from '../../lib/json-uint64.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { bytesOf, dataFrom } from '../data.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

const text = (value: Uint8Array): string => Buffer.from(value).toString('utf8');
/** Keys begin with no slash; who writes one means the same. */
const bare = (key: string): string => key.replace(/^\//, '');
const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64');

/** Throws `config.invalid`: who meant something else should not get half of it. `name` is what is said of the text. */
function decoded(text: string, name: string): Buffer {
  const bytes = readBase64(text);
  if ('fault' in bytes) throw new MusterError('config.invalid', `${name} is not base64: ${bytes.fault}`);
  return bytes;
}

export const kvGet = verb({
  about: 'Exits with 1 when there is no such key.',
  args: ['[KEY]'],
  examples: [
    { command: 'muster kv get config/limit' },
    { command: 'muster kv get -recurse config/', does: 'all keys below config/ with their values' },
    { command: 'muster kv get -keys config/', does: 'only their names' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    detailed: { kind: 'boolean', summary: 'Show indexes, flags and session too.' },
    base64: { kind: 'boolean', summary: 'Print values in base64.' },
    recurse: { kind: 'boolean', summary: 'All keys that begin with KEY.' },
    keys: { kind: 'boolean', summary: 'Only the names of keys that begin with KEY, up to the separator.' },
    separator: { kind: 'string', value: 'TEXT', summary: 'Where -keys cuts.', default: '/' },
  },
  async run({ flags, args: [written = ''], terminal }) {
    const key = bare(written);
    const { kv } = connect(flags, terminal);
    const shown = (value: Uint8Array): string => (flags.base64 ? base64(value) : text(value));
    if (flags.keys) {
      const keys = await kv.keys(key, { ...reading(flags), separator: flags.separator ?? '/' });
      terminal.out(flags.json ? json(keys) : keys.map((one) => `${one}\n`).join(''));
      return;
    }
    if (key === '' && !flags.recurse)
      throw new MusterError('usage', 'KEY is missing (-recurse or -keys go without one)');
    if (flags.recurse) {
      const pairs = await kv.list(key, reading(flags));
      if (flags.json) terminal.out(pairJson(pairs.map(plain)));
      else if (flags.detailed) terminal.out(pairs.map((pair) => details(pair, shown)).join('\n'));
      else terminal.out(pairs.map((pair) => `${pair.Key}:${shown(pair.Value)}\n`).join(''));
      return;
    }
    const pair = await kv.get(key, reading(flags));
    if (pair === undefined) {
      terminal.err(`Error! No key exists at: ${key}\n`);
      return 1;
    }
    if (flags.json) terminal.out(pairJson(plain(pair)));
    else terminal.out(flags.detailed ? details(pair, shown) : `${shown(pair.Value)}\n`);
    return 0;
  },
});

const pairJson = (value: unknown): string => `${formatUint64(value, 'Flags', 2)}\n`;

/** As the API gives it. */
function plain(pair: KvPair): Record<string, unknown> {
  return { ...pair, Value: base64(pair.Value) };
}

/** Between the columns of Consul's details. */
const CONSULS_GAP = 6;

function details(pair: KvPair, shown: (value: Uint8Array) => string): string {
  const { Key, Value, Flags, LockIndex, Session, CreateIndex, ModifyIndex } = pair;
  return columns(
    [
      ['CreateIndex', CreateIndex],
      ['Flags', String(Flags)],
      ['Key', Key],
      ['LockIndex', LockIndex],
      ['ModifyIndex', ModifyIndex],
      ['Session', Session ?? '-'],
      ['Value', shown(Value)],
    ],
    CONSULS_GAP,
  );
}

/** Other programs mark their keys with numbers that need all of the 64 bits. */
function readFlags(text: string): bigint {
  const flags = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (flags === undefined || flags >= 2n ** 64n)
    throw new MusterError('usage', `-flags: expected a whole number of 64 bits, got ${JSON.stringify(text)}`);
  return flags;
}

export const kvPut = verb({
  args: ['KEY', '[VALUE]'],
  examples: [
    { command: 'muster kv put config/limit 100' },
    {
      command: 'muster kv put config/file @config.json',
      does: 'the contents of a file; "-" is standard input',
    },
    { command: 'muster kv put -cas -modify-index=0 leader me', does: 'only if the key does not exist' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    cas: { kind: 'boolean', summary: 'Write only if the key was not changed since -modify-index.' },
    'modify-index': { kind: 'integer', summary: 'For -cas. Left out, or 0: the key must not exist.' },
    flags: { kind: 'string', value: 'N', summary: 'A number kept with the value.' },
    base64: { kind: 'boolean', summary: 'VALUE is base64.' },
    acquire: { kind: 'boolean', summary: "Take the key's lock for -session." },
    release: { kind: 'boolean', summary: "Give the key's lock back for -session." },
    session: { kind: 'string', value: 'ID', summary: 'Session, for -acquire and -release.' },
  },
  async run({ flags, args: [written = '', value = ''], terminal }) {
    const key = bare(written);
    if (flags.acquire && flags.release) throw new MusterError('usage', 'give -acquire or -release, not both');
    if ((flags.acquire || flags.release) && flags.session === undefined)
      throw new MusterError('usage', '-acquire and -release need -session, the ID of a session');
    let bytes = await dataFrom(value, terminal);
    if (flags.base64) bytes = decoded(bytes.toString('latin1'), 'VALUE');
    const options: PutOptions = {};
    if (flags.cas) options.cas = flags['modify-index'] ?? 0;
    if (flags.flags !== undefined) options.flags = readFlags(flags.flags);
    if (flags.acquire && flags.session !== undefined) options.acquire = flags.session;
    if (flags.release && flags.session !== undefined) options.release = flags.session;
    const done = await connect(flags, terminal).kv.put(key, bytes, options);
    const [success, failure] = flags.acquire
      ? [`Lock acquired on: ${key}`, 'Did not acquire lock']
      : flags.release
        ? [`Lock released on: ${key}`, 'Did not release lock']
        : [
            `Data written to: ${key}`,
            `Did not write to ${key}: CAS ${options.cas === 0 ? 'performed with index=0 and key already exists.' : 'failed'}`,
          ];
    if (done) terminal.out(`Success! ${success}\n`);
    else terminal.err(`Error! ${failure}\n`);
    return done ? 0 : 1;
  },
});

export const kvDelete = verb({
  args: ['[KEY]'],
  examples: [
    { command: 'muster kv delete config/limit' },
    { command: 'muster kv delete -recurse config/', does: 'everything below config/' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    recurse: { kind: 'boolean', summary: 'All keys that begin with KEY.' },
    cas: { kind: 'boolean', summary: 'Delete only if the key was not changed since -modify-index.' },
    'modify-index': { kind: 'integer', summary: 'For -cas.' },
  },
  async run({ flags, args: [written = ''], terminal }) {
    const key = bare(written);
    if (key === '' && !flags.recurse)
      throw new MusterError('usage', 'KEY is missing (-recurse without one deletes everything)');
    if (flags.cas && (flags.recurse || !flags['modify-index']))
      throw new MusterError('usage', '-cas needs -modify-index above 0 and a single key');
    if (!flags.cas && flags['modify-index'] !== undefined)
      throw new MusterError('usage', '-modify-index goes with -cas');
    const { kv } = connect(flags, terminal);
    const done = await kv.delete(key, {
      recurse: flags.recurse ?? false,
      ...(flags.cas ? { cas: flags['modify-index'] as number } : {}),
    });
    if (!done) terminal.err(`Error! Did not delete key ${key}: CAS failed\n`);
    else if (flags.recurse) terminal.out(`Success! Deleted keys with prefix: ${key}\n`);
    else terminal.out(`Success! Deleted key: ${key}\n`);
    return done ? 0 : 1;
  },
});

export const kvList = verb({
  args: ['[PREFIX]'],
  examples: [{ command: 'muster kv list config/' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, args: [prefix = ''], terminal }) {
    const keys = await connect(flags, terminal).kv.keys(bare(prefix), reading(flags));
    terminal.out(flags.json ? json(keys) : keys.map((key) => `${key}\n`).join(''));
  },
});

/** One pair in the files that `kv export` writes: Consul's format. */
interface ExportedPair {
  key: string;
  flags: number | bigint;
  value: string;
}

export const kvExport = verb({
  args: ['[PREFIX]'],
  examples: [{ command: 'muster kv export config/ > config.json' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, args: [prefix = ''], terminal }) {
    const pairs = await connect(flags, terminal).kv.list(bare(prefix), reading(flags));
    const exported: ExportedPair[] = pairs.map(({ Key, Flags, Value }) => ({
      key: Key,
      flags: Flags,
      value: base64(Value),
    }));
    terminal.out(`${formatUint64(exported, 'flags', '\t')}\n`);
  },
});

export const kvImport = verb({
  args: ['FILE'],
  examples: [
    { command: 'muster kv import config.json' },
    {
      command: 'muster kv export a/ | muster kv import -prefix=b/ -',
      does: 'from standard input, below another prefix',
    },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    prefix: { kind: 'string', value: 'TEXT', summary: 'In front of every key, with a slash between.' },
  },
  async run({ flags, args: [file = ''], terminal }) {
    const { kv } = connect(flags, terminal);
    // Consul takes the pairs themselves as an argument, too.
    const bytes = /^\s*\[/.test(file) ? Buffer.from(file) : await bytesOf(file.replace(/^@/, ''), terminal);
    const pairs = parsePairs(bytes.toString('utf8'), file);
    const values = pairs.map(({ key, value }) => decoded(value, `${file}: the value of ${key}`));
    for (const [i, pair] of pairs.entries()) {
      const key = flags.prefix ? posix.join(flags.prefix, pair.key) : pair.key;
      await kv.put(key, values[i] as Buffer, { flags: pair.flags });
      terminal.out(`Imported: ${key}\n`);
    }
  },
});

function parsePairs(source: string, file: string): ExportedPair[] {
  let value: unknown;
  try {
    value = parseUint64(source, 'flags');
  } catch (cause) {
    throw new MusterError('config.invalid', `${file} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const isPair = (one: unknown): one is ExportedPair => {
    const { key, value: text, flags = 0 } = (one ?? {}) as Partial<ExportedPair>;
    return typeof key === 'string' && typeof text === 'string' && ['number', 'bigint'].includes(typeof flags);
  };
  if (!Array.isArray(value) || !value.every(isPair))
    throw new MusterError(
      'config.invalid',
      `${file}: expected a list of {"key", "flags", "value"}, as \`muster kv export\` prints it`,
    );
  return value.map((pair) => ({ ...pair, flags: pair.flags ?? 0 }));
}
