/**
 * What the balancer does with HTTP besides routing: `[[balancer.auth]]`, `[balancer.headers]`, `[balancer.compression]`,
 * `[balancer.access_log]`, `[balancer.no_route]`. A section that is not written is off.
 */
import * as z from 'zod';
import { isFieldName } from '../../lib/field-name.ts';
import { checkAccessFormat } from '../../proxy/access-log.ts';
import { duration } from './fields.ts';

/** How often files are looked at. As those of certificates: soon enough, nothing for the machine. */
const REFRESH = '3s';

export const authSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^\S+$/, { error: 'expected a name without spaces' })
      .describe('What tags call it: `auth=NAME`.'),
    realm: z
      .string()
      .regex(/^[\x20-\x7e]+$/, { error: 'expected a text of ASCII without control characters' })
      .optional()
      .describe('What browsers show when they ask for a password. Default: the name.'),
    file: z
      .string()
      .min(1)
      .describe(
        'Users and hashes of their passwords, relative to this file, as `htpasswd` writes them: bcrypt (`htpasswd -B`), apr1, {SHA} or {SSHA}.',
      ),
    refresh: duration({ least: 1_000 })
      .prefault(REFRESH)
      .describe('Time between two looks at the file. A user who is taken out is refused soon.'),
  })
  .describe(
    'Basic authentication for routes whose tags say `auth=NAME`. A tag that names another scheme is reported, and its route lets nobody in.',
  );

function fieldName() {
  return z.string().refine(isFieldName, {
    error: ({ input }) => `expected the name of a header field such as "X-Client-Ip", got "${String(input)}"`,
  });
}

const strictTransportSchema = z
  .strictObject({
    maxAge: duration({ least: 1_000 }).describe(
      'How long clients are to come over TLS only, such as "8760h" (a year). No default: it cannot be taken back before.',
    ),
    subdomains: z
      .boolean()
      .default(false)
      .describe('For the names below too. Off, since they may be others’.'),
    preload: z
      .boolean()
      .default(false)
      .describe('Let browsers be shipped with it. Off, since that is all but final.'),
  })
  .describe('Strict-Transport-Security in answers over TLS. Left out: not sent.');

export const headersSchema = z
  .strictObject({
    clientIp: fieldName()
      .optional()
      .describe(
        'Field that tells instances the address of the client, besides X-Forwarded-For. Left out: none.',
      ),
    requestId: fieldName()
      .optional()
      .describe('Field that carries a new id for each request to instances. Left out: none.'),
    tls: fieldName()
      .optional()
      .describe(
        'Field that instances get with requests over TLS; it is taken off others, so that no client can claim it. Left out: none.',
      ),
    tlsValue: z
      .string()
      .regex(/^[\x20-\x7e]*$/, { error: 'expected a text of ASCII without control characters' })
      .default('true')
      .describe('What it says.'),
    trace: z
      .boolean()
      .default(false)
      .describe(
        'Take part in traces (W3C `traceparent`): instances are told the trace of the request, or a new one, with a span of the balancer, which the access log has as `$trace_id` and `$span_id`. Off: what clients send is passed on as it is.',
      ),
    strictTransport: strictTransportSchema.optional(),
  })
  .prefault({})
  .describe(
    'Header fields for instances and clients, besides those that are always there (X-Forwarded-For, Forwarded).',
  );

/** By definition without a body. */
const WITHOUT_BODY = [204, 205, 304];

/** Texts shrink to a fifth; images, videos and archives are compressed already. */
const TEXTS = [
  'text/*',
  'application/javascript',
  'application/json',
  'application/xml',
  'application/*+json',
  'application/*+xml',
  'application/wasm',
  'image/svg+xml',
];

export const compressionSchema = z
  .strictObject({
    types: z
      .array(
        z.string().regex(/^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+$/, {
          error: ({ input }) =>
            `expected a type such as "text/*" or "application/json", got "${String(input)}"`,
        }),
      )
      .min(1, { error: 'name a type, or leave [balancer.compression] out' })
      .default(TEXTS)
      .describe(
        `Content types that are compressed; \`*\` stands for anything. Default: those that gain by it, ${TEXTS.join(', ')}.`,
      ),
  })
  .describe(
    'Compresses answers as the client likes best (zstd, brotli, gzip), event streams too. Left out: nothing is compressed, since it costs time that instances may have spent already.',
  );

export const accessLogSchema = z
  .strictObject({
    format: z
      .string()
      .min(1)
      .superRefine((format, context) => {
        const wrong = checkAccessFormat(format);
        if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong });
      })
      .default('common')
      .describe(
        '`common` and `combined` (as Apache has them), `json`, or a text with fields such as `$remote_host $request $response_status $response_time_ms $header.User-Agent`; fields of requests as instances are sent them.',
      ),
    target: z
      .string()
      .min(1)
      .default('stdout')
      .describe(
        '`stdout`, or a file, relative to this one, which is made anew when it is moved away. The log of the agent itself goes to standard error.',
      ),
  })
  .describe('A line for each request. Left out: none are written.');

export const noRouteSchema = z
  .strictObject({
    status: z
      .int()
      .min(200)
      .max(599)
      .refine((status) => !WITHOUT_BODY.includes(status), { error: 'answers with this status have no page' })
      .default(404)
      .describe('Status of the answer.'),
    page: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with the page (HTML), relative to this one; looked at every three seconds. Default: a sentence.',
      ),
  })
  .prefault({})
  .describe('What a request gets that no route leads anywhere.');

export interface HttpConfig {
  readonly auth: readonly z.output<typeof authSchema>[];
  readonly headers: z.output<typeof headersSchema>;
  readonly compression?: z.output<typeof compressionSchema> | undefined;
  readonly accessLog?: z.output<typeof accessLogSchema> | undefined;
  readonly noRoute: z.output<typeof noRouteSchema>;
}

/** What cannot be seen in one scheme alone: whether its name is taken. */
export function checkAuth(
  { auth }: Pick<HttpConfig, 'auth'>,
  complain: (path: readonly (string | number)[], message: string) => void,
): void {
  const names = auth.map(({ name }) => name);
  for (const [i, name] of names.entries())
    if (names.indexOf(name) < i)
      complain(['auth', i, 'name'], `there is another scheme of the name "${name}"`);
}
