import * as z from 'zod';
import { secret } from './fields.ts';

export const aclSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Ask for tokens on every read and write. Off, as in Consul, so that trying things out needs none.',
      ),
    defaultPolicy: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe(
        'What holds where no rule of a token says anything. The default is that of Consul; set "deny" once every client has a token.',
      ),
    enableKeyListPolicy: z
      .boolean()
      .default(false)
      .describe('Let listing keys take the right "list", not only "read". Off, as in Consul.'),
    enableTokenPersistence: z
      .boolean()
      .default(false)
      .describe(
        'Keep tokens that are set over the API (`/v1/agent/token`) in the data directory. Off, so that secrets lie nowhere unasked.',
      ),
    tokens: z
      .strictObject({
        initialManagement: secret().describe(
          'Secret of a token that may do everything; it is made when access control begins. Left out, `PUT /v1/acl/bootstrap` makes one.',
        ),
        default: secret().describe(
          'Counts for requests and DNS questions that bring none, instead of the anonymous one.',
        ),
        agent: secret().describe(
          'Taken for compatibility: what this agent registers itself needs no token here.',
        ),
        agentRecovery: secret().describe(
          'Good for everything about this agent, also when no other token works.',
        ),
        replication: secret().describe('Taken for compatibility: there is nothing to replicate from.'),
      })
      .prefault({})
      .describe('Tokens of the agent itself. Files with them should be readable for its user only.'),
  })
  .prefault({})
  .describe('Access control, as Consul has it: tokens, policies, roles.');
