/** How verbs reach the agent: flags first, then Consul's environment variables, then 127.0.0.1:8500. */
import fs from 'node:fs';
import { Client, type ClientOptions, clientOptionsFromEnv } from '../client/index.ts';
import { MusterError, messageOf } from '../errors.ts';
import type { Flags, FlagValues } from './flags.ts';
import type { Terminal } from './verb.ts';

export const CONNECTION_FLAGS = {
  'http-addr': {
    kind: 'string',
    value: 'ADDRESS',
    summary: 'The agent: host:port or a URL.',
    default: '$CONSUL_HTTP_ADDR or 127.0.0.1:8500',
  },
  token: { kind: 'string', value: 'SECRET', summary: 'ACL token.', default: '$CONSUL_HTTP_TOKEN' },
  'token-file': {
    kind: 'string',
    value: 'FILE',
    summary: 'File that holds the ACL token.',
    default: '$CONSUL_HTTP_TOKEN_FILE',
  },
  datacenter: { kind: 'string', value: 'NAME', summary: 'Datacenter to ask.', default: "the agent's own" },
} as const satisfies Flags;

export const JSON_FLAG = {
  json: { kind: 'boolean', summary: 'Print JSON, for programs.' },
} as const satisfies Flags;

export const STALE_FLAG = {
  stale: { kind: 'boolean', summary: 'Let any server answer, even one that may lag behind.' },
} as const satisfies Flags;

export function connect(flags: FlagValues<typeof CONNECTION_FLAGS>, terminal: Terminal): Client {
  const options: ClientOptions = clientOptionsFromEnv(terminal.env);
  if (flags['http-addr'] !== undefined) options.address = flags['http-addr'];
  if (flags.datacenter !== undefined) options.datacenter = flags.datacenter;
  if (flags['token-file'] !== undefined) options.token = tokenFrom(flags['token-file']);
  if (flags.token !== undefined) options.token = flags.token;
  return new Client(options);
}

function tokenFrom(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read the token file ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** `value` as JSON that a person can read too. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
