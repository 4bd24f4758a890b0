import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { many } from '../many.ts';
import { printable } from '../printable.ts';
import { verb } from '../verb.ts';
import { SERVICE_MAINTENANCE } from './maint.ts';
import type { ServiceAnswer } from './why.ts';

/** How often it is asked how much is still in flight, ms. */
const LOOK = 500;
const PATIENCE = 30_000;

/** What every drain gives as its reason, in front of what its operator says, and the dashboard's too: by it -undo tells it from other maintenance. */
const DRAINED = 'drained';
const IS_DRAINED = new RegExp(`^${DRAINED}\\b`);

export const drain = verb({
  about:
    'It is put into maintenance: no route, DNS answer or look-up of healthy instances leads to it any more. Exits with 1 when requests are still in flight, or connections over TCP open, after -timeout. The instance is named by its id and is one of the agent that is asked. Maintenance that was begun in another way (`muster maint`) keeps its reason, and -undo does not end it.',
  args: ['INSTANCE'],
  examples: [
    { command: 'muster drain web-1 && systemctl restart web' },
    { command: 'muster drain -undo web-1', does: 'it gets traffic again' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    undo: { kind: 'boolean', summary: 'Let it take part again.' },
    reason: {
      kind: 'string',
      value: 'TEXT',
      summary: `Shown to everyone who asks why, behind "${DRAINED}: ".`,
    },
    timeout: {
      kind: 'duration',
      summary: 'How long to wait; 0s does not.',
      default: formatDuration(PATIENCE),
    },
  },
  async run({ flags, args: [id = ''], terminal }) {
    const client = connect(flags, terminal);
    const { undo = false, reason, timeout = PATIENCE } = flags;
    const services = await client.agent.services();
    const service = services[id];
    if (service === undefined) {
      const known = Object.keys(services).join(', ');
      throw new MusterError(
        'request.rejected',
        `no instance "${id}" is registered with this agent. ${known === '' ? 'None is' : `There are: ${known}`}`,
      );
    }
    const maintenance = (await client.agent.checks())[`${SERVICE_MAINTENANCE}${id}`];
    const foreign =
      maintenance === undefined || IS_DRAINED.test(maintenance.Notes) ? undefined : maintenance.Notes;
    if (undo) {
      if (foreign !== undefined)
        throw new MusterError(
          'request.rejected',
          `"${id}" was not drained but is in maintenance: ${printable(foreign)}. \`muster maint -disable -service=${id}\` ends that`,
        );
      await client.agent.maintainService(id, false);
      terminal.out(`${id} takes part again\n`);
      return 0;
    }
    if (foreign === undefined)
      await client.agent.maintainService(id, true, {
        reason: reason === undefined ? DRAINED : `${DRAINED}: ${reason}`,
      });
    else terminal.err(`${id} is in maintenance already, and stays so: ${printable(foreign)}\n`);
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
