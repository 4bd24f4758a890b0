import type { CheckDefinition, ServiceAddress, ServiceRegistration } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { pairsOf } from '../pairs.ts';
import { readServiceFiles } from '../service-files.ts';
import { verb } from '../verb.ts';

export const servicesRegister = verb({
  args: ['[FILE...]'],
  examples: [
    {
      command:
        'muster services register -name=web -port=8080 -tag=urlprefix-/web -check=http://127.0.0.1:8080/health',
    },
    { command: 'muster services register web.json', does: 'a Consul service definition' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    name: { kind: 'string', value: 'NAME', summary: 'Name of the service.' },
    id: { kind: 'string', value: 'ID', summary: 'Unique on the agent.', default: 'the name' },
    address: { kind: 'string', value: 'HOST', summary: 'Where it listens.', default: "the node's address" },
    port: { kind: 'integer', value: 'PORT', summary: 'On which port.' },
    tag: { kind: 'list', value: 'TAG', summary: 'A tag.' },
    meta: { kind: 'list', value: 'KEY=VALUE', summary: 'A piece of metadata.' },
    socket: { kind: 'string', value: 'PATH', summary: 'Unix socket on which it listens.' },
    'tagged-address': {
      kind: 'list',
      value: 'NAME=HOST:PORT',
      summary: 'Another address of it, such as lan or wan.',
    },
    kind: { kind: 'string', value: 'KIND', summary: 'Kind of service, for programs that tell them apart.' },
    check: {
      kind: 'string',
      value: 'URL',
      summary:
        'Check that it is well: http://…, https://…, tcp://HOST:PORT or grpc://HOST:PORT/SERVICE. The balancer sends nothing to services without a check.',
    },
    'check-interval': { kind: 'duration', summary: 'How often.', default: '10s' },
  },
  async run({ flags, args, terminal }) {
    const { agent } = connect(flags, terminal);
    let services: ServiceRegistration[];
    if (args.length > 0) {
      if (flags.name !== undefined) throw new MusterError('usage', 'give -name or files, not both');
      services = readServiceFiles(args);
    } else {
      if (flags.name === undefined)
        throw new MusterError('usage', 'give -name and the other flags, or a file');
      services = [
        {
          Name: flags.name,
          ...(flags.id === undefined ? {} : { ID: flags.id }),
          ...(flags.address === undefined ? {} : { Address: flags.address }),
          ...(flags.port === undefined ? {} : { Port: flags.port }),
          ...(flags.tag === undefined ? {} : { Tags: flags.tag }),
          ...(flags.meta === undefined ? {} : { Meta: pairsOf(flags.meta, 'meta') }),
          ...(flags.socket === undefined ? {} : { SocketPath: flags.socket }),
          ...(flags.kind === undefined ? {} : { Kind: flags.kind }),
          ...(flags.check === undefined ? {} : { Check: checkOf(flags.check, flags['check-interval']) }),
          ...(flags['tagged-address'] === undefined
            ? {}
            : {
                TaggedAddresses: Object.fromEntries(
                  Object.entries(pairsOf(flags['tagged-address'], 'tagged-address')).map(taggedAddressOf),
                ),
              }),
        },
      ];
    }
    for (const service of services) {
      await agent.register(service);
      terminal.out(`Registered service: ${service.Name}\n`);
    }
  },
});

const CHECK_INTERVAL = 10_000;

/** Kinds of checks by the scheme of what they ask. */
const CHECKS: Readonly<Record<string, (url: URL, text: string) => CheckDefinition>> = {
  'http:': (_, text) => ({ HTTP: text }),
  'https:': (_, text) => ({ HTTP: text }),
  'tcp:': ({ host }) => ({ TCP: host }),
  'grpc:': ({ host, pathname }) => ({ GRPC: `${host}${pathname === '/' ? '' : pathname}` }),
};

/** Throws `usage`. */
function checkOf(text: string, interval = CHECK_INTERVAL): CheckDefinition {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = CHECKS[url?.protocol ?? ''];
  if (url === undefined || kind === undefined)
    throw new MusterError(
      'usage',
      `-check: expected a URL that begins with ${Object.keys(CHECKS)
        .map((scheme) => `${scheme}//`)
        .join(', ')}; got "${text}"`,
    );
  return { ...kind(url, text), Interval: formatDuration(interval) };
}

/** `lan=10.0.0.1:80` names an address that others are told. Throws `usage`. */
function taggedAddressOf([name, text]: [string, string]): [string, ServiceAddress] {
  const address = parseHostPort(text);
  if (address === undefined)
    throw new MusterError('usage', `-tagged-address: expected NAME=HOST:PORT, got "${name}=${text}"`);
  return [name, { Address: address.host, Port: address.port }];
}

export const servicesDeregister = verb({
  args: ['[FILE...]'],
  examples: [
    { command: 'muster services deregister -id=web' },
    { command: 'muster services deregister web.json' },
  ],
  flags: { ...CONNECTION_FLAGS, id: { kind: 'string', value: 'ID', summary: 'Id of the instance.' } },
  async run({ flags, args, terminal }) {
    const { agent } = connect(flags, terminal);
    if ((flags.id === undefined) === (args.length === 0))
      throw new MusterError('usage', 'give -id, or the files it was registered from');
    const ids =
      flags.id !== undefined ? [flags.id] : readServiceFiles(args).map(({ ID, Name }) => ID ?? Name);
    for (const id of ids) {
      await agent.deregister(id);
      terminal.out(`Deregistered service: ${id}\n`);
    }
  },
});
