import type { ServiceRegistration } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { readServiceFiles } from '../service-files.ts';
import { verb } from '../verb.ts';

export const servicesRegister = verb({
  summary: 'Registers services with the agent, from flags or from files.',
  args: ['[FILE...]'],
  examples: [
    { command: 'muster services register -name=web -port=8080 -tag=urlprefix-/web' },
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
          ...(flags.meta === undefined ? {} : { Meta: Object.fromEntries(flags.meta.map(pairOf)) }),
        },
      ];
    }
    for (const service of services) {
      await agent.register(service);
      terminal.out(`Registered service: ${service.Name}\n`);
    }
  },
});

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new MusterError('usage', `-meta: expected KEY=VALUE, got "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export const servicesDeregister = verb({
  summary: 'Takes services back, by id or by the files they were registered from.',
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
