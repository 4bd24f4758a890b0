/** `[balancer]`: the whole of it; its larger tables have files of their own. */
import * as z from 'zod';
import { STRATEGY_NAMES } from '../../balance/strategies.ts';
import { MATCHER_NAMES } from '../../route/paths.ts';
import { duration, hostPort, secret } from './fields.ts';
import {
  accessLogSchema,
  authSchema,
  checkAuth,
  compressionSchema,
  headersSchema,
  noRouteSchema,
} from './http.ts';
import { kernelSchema } from './kernel.ts';
import { limitsSchema } from './limits.ts';
import { certificatesSchema, checkListeners, listenerSchema } from './listeners.ts';
import { policySchema } from './policies.ts';
import { balancedServiceSchema, checkServices } from './tcp-services.ts';

/** Where the balancer is unless it is told otherwise: several agents on a machine need not be configured for it. */
export const DEFAULT_BALANCER = { listen: ['127.0.0.1:9999'], admin: '127.0.0.1:9998' } as const;

export const balancerSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Balance traffic on this node.'),
    listen: z
      .array(hostPort())
      .optional()
      .describe(
        `Where requests come in; port 0 takes a free one. Default: "${DEFAULT_BALANCER.listen[0]}", fabio's port on loopback; when it is taken, and only then, the agent goes on without the balancer. None by default when there is a \`[[balancer.listener]]\`.`,
      ),
    listener: z.array(listenerSchema).default([]),
    kernel: z.array(kernelSchema).default([]),
    certificates: z.array(certificatesSchema).default([]),
    service: z.array(balancedServiceSchema).default([]),
    admin: hostPort()
      .optional()
      .describe(
        `Routes and counters of the balancer (\`/api/routes\`). Default: "${DEFAULT_BALANCER.admin}", fabio's port on loopback, given up when it is taken.`,
      ),
    strategy: z
      .enum(STRATEGY_NAMES)
      .default('rr')
      .describe(
        'How the next instance is chosen: in turn, at random, or the one with the fewest requests in flight.',
      ),
    matcher: z
      .enum(MATCHER_NAMES)
      .default('prefix')
      .describe(
        'How the path of a route is compared: as the beginning, as the beginning whatever the case (`iprefix`), or as a pattern (`glob`). A change takes a restart.',
      ),
    tagPrefix: z
      .string()
      .min(1)
      .default('urlprefix-')
      .describe("Tags that begin with this are routes. fabio's prefix."),
    workers: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'Threads that carry traffic. Default: one for each core that the process may use, where io_uring works. Elsewhere there is one, whatever is said here: Node 20 cannot share a port between threads.',
      ),
    policy: z.array(policySchema).default([]),
    zone: z
      .string()
      .default('')
      .describe(
        'Where this balancer stands. Instances whose metadata (`zone`), or whose node’s, name another zone get traffic when those here are too few or too busy. Default: `zone` of `node.meta`.',
      ),
    stickyKey: secret().describe(
      'What cookies of `sticky=` routes are made with; the same on balancers that stand in for each other. Left out, it comes from `cluster.encrypt`, or else from the identity of this node.',
    ),
    auth: z.array(authSchema).default([]),
    headers: headersSchema,
    compression: compressionSchema.optional(),
    accessLog: accessLogSchema.optional(),
    noRoute: noRouteSchema,
    limits: limitsSchema,
    drainTimeout: duration({ least: 0 })
      .prefault('30s')
      .describe('How long requests in flight may take to end when Muster stops; then they are cut.'),
  })
  .superRefine((balancer, context) => {
    const complain = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    checkListeners(balancer, complain);
    checkAuth(balancer, complain);
    checkServices(balancer, complain);
  })
  .prefault({})
  .describe('Load balancer.');
