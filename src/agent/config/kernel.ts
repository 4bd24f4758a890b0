/** `[[balancer.kernel]]`: TCP and UDP that the kernel balances. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { parseHostPort } from '../../lib/host-port.ts';
import { KERNEL_CHOICES } from '../../proxy/kernel/ruleset.ts';
import { hostPort } from './fields.ts';

export const kernelSchema = z
  .strictObject({
    address: hostPort()
      .refine((text) => isIP(parseHostPort(text)?.host || '0.0.0.0') !== 0, {
        error: 'expected an IP address and a port: the kernel resolves no names',
      })
      .describe(
        'Where clients connect to: an address of this machine and a port; `:5432` is all of its addresses.',
      ),
    protocol: z.enum(['tcp', 'udp']).default('tcp').describe('What is balanced.'),
    service: z.string().min(1).describe('The service whose passing instances get the flows.'),
    tag: z.string().min(1).optional().describe('Only instances with this tag.'),
    choice: z
      .enum(KERNEL_CHOICES)
      .default('rr')
      .describe('`rr`: in turn, by weight. `client`: the same client address, the same instance.'),
    masquerade: z
      .boolean()
      .default(true)
      .describe(
        "Instances see this machine's address in place of the client's. Without it their answers must come back through this machine by their own routes.",
      ),
  })
  .describe(
    'A TCP or UDP listener that the kernel balances (nftables; Linux, root): no byte of it enters this program. Flows that stand go on when instances change or Muster stops.',
  );
