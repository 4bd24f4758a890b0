/** How verbs reach the agent: flags first, then Consul's environment variables, then 127.0.0.1:8500. */
import { Client, type ClientOptions, clientOptionsFromEnv, type ReadOptions } from '../client/index.ts';
import { readBytes } from './data.ts';
import type { Flags, FlagValues } from './flags.ts';
import type { Terminal } from './verb.ts';

export const CONNECTION_FLAGS = {
  'http-addr': {
    kind: 'string',
    group: 'connection',
    value: 'ADDRESS',
    summary: 'The agent: host:port, a URL or unix:///path.',
    default: '$CONSUL_HTTP_ADDR or 127.0.0.1:8500',
  },
  token: {
    kind: 'string',
    group: 'connection',
    value: 'SECRET',
    summary: 'ACL token.',
    default: '$CONSUL_HTTP_TOKEN',
  },
  'token-file': {
    kind: 'string',
    group: 'connection',
    value: 'FILE',
    summary: 'File that holds the ACL token.',
    default: '$CONSUL_HTTP_TOKEN_FILE',
  },
  'ca-file': {
    kind: 'string',
    group: 'connection',
    value: 'FILE',
    summary: 'Certificates of the authorities that may have issued that of the agent.',
    default: "$CONSUL_CACERT or the system's",
  },
  'ca-path': {
    kind: 'string',
    group: 'connection',
    value: 'FOLDER',
    summary: 'A folder of such files.',
    default: '$CONSUL_CAPATH',
  },
  'client-cert': {
    kind: 'string',
    group: 'connection',
    value: 'FILE',
    summary: 'Certificate to show to an agent that asks for one.',
    default: '$CONSUL_CLIENT_CERT',
  },
  'client-key': {
    kind: 'string',
    group: 'connection',
    value: 'FILE',
    summary: 'Its key.',
    default: '$CONSUL_CLIENT_KEY',
  },
  'tls-server-name': {
    kind: 'string',
    group: 'connection',
    value: 'NAME',
    summary: "Name that the agent's certificate must have.",
    default: '$CONSUL_TLS_SERVER_NAME or the host',
  },
  datacenter: {
    kind: 'string',
    group: 'connection',
    value: 'NAME',
    summary: 'Datacenter to ask.',
    default: "the agent's own",
  },
  stale: {
    kind: 'boolean',
    group: 'connection',
    summary: 'Let any server answer, even one that may lag behind.',
  },
} as const satisfies Flags;

/** The options of the client that flags set as they are. */
const OPTIONS = {
  'http-addr': 'address',
  'ca-file': 'caFile',
  'ca-path': 'caPath',
  'client-cert': 'certFile',
  'client-key': 'keyFile',
  'tls-server-name': 'tlsServerName',
  datacenter: 'datacenter',
} as const satisfies Partial<Record<keyof typeof CONNECTION_FLAGS, keyof ClientOptions>>;

export type ConnectionValues = FlagValues<typeof CONNECTION_FLAGS>;

/** A flag with nothing behind it (`-http-addr="$ADDR"` where that is not set) counts as left out, as in Consul. */
export function connect(flags: ConnectionValues, terminal: Terminal): Client {
  const options: ClientOptions = { ...clientOptionsFromEnv(terminal.env), transport: 'node:http' };
  for (const [flag, option] of Object.entries(OPTIONS)) {
    const value = flags[flag as keyof typeof OPTIONS];
    if (value) options[option] = value;
  }
  if (flags['token-file']) options.token = readBytes(flags['token-file']).toString().trim();
  if (flags.token) options.token = flags.token;
  return new Client(options);
}

/** How a read is meant: `-stale` or not. */
export function reading({ stale }: ConnectionValues): ReadOptions {
  return stale ? { consistency: 'stale' } : {};
}
