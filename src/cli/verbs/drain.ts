import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { many } from '../many.ts';
import { verb } from '../verb.ts';
import type { ServiceAnswer } from './why.ts';

/** How often it is asked how much is still in flight, ms. */
const LOOK = 500;
const PATIENCE = 30_000;

export const drain = verb({
  about:
    'It is put into maintenance: no route, DNS answer or look-up of healthy instances leads to it any more. Exits with 1 when requests are still in flight, or connections over TCP open, after -timeout. The instance is named by its id and is one of the agent that is asked.',
  args: ['INSTANCE'],
  examples: [
    { command: 'muster drain web-1 && systemctl restart web' },
    { command: 'muster drain -undo web-1', does: 'it gets traffic again' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    undo: { kind: 'boolean', summary: 'Let it take part again.' },
    reason: { kind: 'string', value: 'TEXT', summary: 'Shown to everyone who asks why.', default: 'drained' },
    timeout: {
      kind: 'duration',
      summary: 'How long to wait; 0s does not.',
      default: formatDuration(PATIENCE),
    },
  },
  async run({ flags, args: [id = ''], terminal }) {
    const client = connect(flags, terminal);
    const { undo = false, reason = 'drained', timeout = PATIENCE } = flags;
    const services = await client.agent.services();
    const service = services[id];
    if (service === undefined) {
      const known = Object.keys(services).join(', ');
      throw new MusterError(
        'request.rejected',
        `no instance "${id}" is registered with this agent. ${known === '' ? 'None is' : `There are: ${known}`}`,
      );
    }
    await client.agent.maintainService(id, !undo, undo ? {} : { reason });
    if (undo) {
      terminal.out(`${id} takes part again\n`);
      return 0;
    }
    const path = `/v1/muster/services/${encodeURIComponent(service.Service)}`;
    const until = Date.now() + timeout;
    for (;;) {
      const { value } = await client.read<ServiceAnswer>(path);
      const inFlight = value.instances.find((one) => one.id === id)?.traffic?.inFlight ?? 0;
      if (inFlight === 0) {
        terminal.out(`${id} gets no new requests, and none is in flight\n`);
        return 0;
      }
      if (Date.now() >= until) {
        terminal.err(
          `${id} gets no new requests, but ${many(inFlight, 'request or connection', 'requests or connections')} still in flight\n`,
        );
        return timeout === 0 ? 0 : 1;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  },
});
