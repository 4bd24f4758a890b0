import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

/** Ids of the checks that stand for maintenance. Consul's. */
const NODE = '_node_maintenance';
export const SERVICE_MAINTENANCE = '_service_maintenance:';

export const maint = verb({
  args: [],
  examples: [
    { command: 'muster maint -enable -service=web-1 -reason="new disk"' },
    { command: 'muster maint -disable', does: 'the node takes part again' },
    { command: 'muster maint', does: 'what is in maintenance' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    enable: { kind: 'boolean', summary: 'Begin maintenance.' },
    disable: { kind: 'boolean', summary: 'End maintenance.' },
    reason: { kind: 'string', value: 'TEXT', summary: 'Shown to everyone who asks why.' },
    service: {
      kind: 'string',
      value: 'ID',
      summary: 'Only this instance, by its id.',
      default: 'the whole node',
    },
  },
  async run({ flags, terminal }) {
    const { agent } = connect(flags, terminal);
    const { enable = false, disable = false, reason, service } = flags;
    if (enable && disable) throw new MusterError('usage', 'give -enable or -disable, not both');
    if (!enable && !disable) {
      if (reason !== undefined || service !== undefined)
        throw new MusterError('usage', '-reason and -service go with -enable or -disable');
      const checks = Object.values(await agent.checks()).filter(
        ({ CheckID }) => CheckID === NODE || CheckID.startsWith(SERVICE_MAINTENANCE),
      );
      if (flags.json) terminal.out(json(checks));
      for (const { CheckID, Node, ServiceID, Notes } of flags.json ? [] : checks)
        terminal.out(
          `${CheckID === NODE ? `Node:\n  Name:   ${Node}` : `Service:\n  ID:     ${ServiceID}`}\n  Reason: ${Notes}\n\n`,
        );
      return;
    }
    if (reason !== undefined && disable) throw new MusterError('usage', '-reason goes with -enable');
    const options = reason === undefined ? {} : { reason };
    if (service === undefined) {
      await agent.maintainNode(enable, options);
      terminal.out(`Node maintenance is now ${enable ? 'enabled' : 'disabled'}\n`);
    } else {
      await agent.maintainService(service, enable, options);
      terminal.out(`Service maintenance is now ${enable ? 'enabled' : 'disabled'} for "${service}"\n`);
    }
  },
});
