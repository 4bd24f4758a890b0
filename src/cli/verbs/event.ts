import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

export const event = verb({
  args: ['[PAYLOAD]'],
  examples: [{ command: 'muster event -name=deploy 7f3a2c' }],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    name: { kind: 'string', value: 'NAME', summary: 'Name of the event.' },
    node: { kind: 'string', value: 'REGEXP', summary: 'Only nodes with such a name.' },
    service: { kind: 'string', value: 'REGEXP', summary: 'Only nodes with such a service.' },
    tag: { kind: 'string', value: 'REGEXP', summary: 'Only where such a service has such a tag.' },
  },
  async run({ flags, args: [payload = ''], terminal }) {
    const { name, node, service, tag } = flags;
    if (name === undefined) throw new MusterError('usage', 'give -name, the name of the event');
    if (tag !== undefined && service === undefined) throw new MusterError('usage', '-tag goes with -service');
    const fired = await connect(flags, terminal).event.fire(name, payload, {
      ...(node === undefined ? {} : { node }),
      ...(service === undefined ? {} : { service }),
      ...(tag === undefined ? {} : { tag }),
    });
    terminal.out(flags.json ? json(fired) : `Event ID: ${fired.ID}\n`);
  },
});
