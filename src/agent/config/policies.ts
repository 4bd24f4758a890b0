/** `[[balancer.policy]]`: options of routes by the name of their service, as tags have them. */
import * as z from 'zod';
import { checkPolicy } from '../../route/policies.ts';

export const policySchema = z
  .strictObject({
    service: z
      .string()
      .min(1)
      .default('*')
      .describe('Name of a service; `*` stands for any letters. Default: all services.'),
    options: z
      .string()
      .superRefine((options, context) => {
        for (const message of checkPolicy({ options })) context.addIssue({ code: 'custom', message });
      })
      .describe('As behind a `urlprefix-` tag, such as "rate=20/s timeout=5s sticky=true".'),
  })
  .describe(
    'Options for all routes of a service, for what should not stand in tags. Of several that fit, what comes later counts more, and what a tag says itself most.',
  );
