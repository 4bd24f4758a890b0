/** `[[watch]]`: a command or a web hook that is told of changes. */
import * as z from 'zod';
import { missingOf, STATES, SUBJECT_TYPES } from '../../client/subject.ts';
import { duration, secret } from './fields.ts';

const text = () => z.string().min(1).optional();

export const hookSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL that begins with http:// or https://' })
      .describe('Where it is told.'),
    method: z.string().min(1).default('POST').describe('How it is asked.'),
    headers: z
      .record(z.string(), z.union([z.string().transform((value) => [value]), z.array(z.string())]))
      .default({})
      .describe('Fields of the request besides.'),
    timeout: duration({ least: 1 })
      .prefault('10s')
      .describe('After that it is given up until the next change.'),
    skipVerify: z.boolean().default(false).describe('Take any certificate.'),
  })
  .describe('A web hook that gets the view as JSON, and its index in X-Consul-Index.');

export const watchSchema = z
  .strictObject({
    type: z.enum(SUBJECT_TYPES).describe('What is watched.'),
    key: text().describe('The key, for `key`.'),
    prefix: text().describe('What the keys begin with, for `keyprefix`.'),
    service: text().describe('The service, for `service`; for `checks` those of its instances.'),
    tag: z
      .union([z.string().min(1), z.array(z.string().min(1))], { error: 'expected a tag or a list of tags' })
      .transform((value) => (typeof value === 'string' ? [value] : value))
      .optional()
      .describe('Only instances with this tag, or with all of these, for `service`.'),
    passingOnly: z.boolean().default(false).describe('Only instances that pass, for `service`.'),
    state: z.enum(STATES).optional().describe('Only checks in this state, for `checks`.'),
    name: text().describe('Only events of this name, for `event`.'),
    token: secret().describe(
      'ACL token with which it is read. Default: that of the agent for requests that bring none.',
    ),
    command: z
      .union([z.string().min(1), z.array(z.string()).min(1)])
      .optional()
      .describe(
        'Gets the view as JSON on standard input, and its index in CONSUL_INDEX: a text for a shell, or a program with its arguments.',
      ),
    http: hookSchema.optional(),
  })
  .superRefine((watch, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const missing = missingOf(watch);
    if (missing !== undefined) problem(missing, `is needed to watch a ${watch.type}`);
    if ((watch.command === undefined) === (watch.http === undefined))
      problem('command', 'give one of command and http: who is to be told');
  });
