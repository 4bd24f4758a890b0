/** `[api]`: the HTTP API and the dashboard. */
import * as z from 'zod';
import { addresses, addressRangeField, bytes, duration } from './fields.ts';

const apiTlsSchema = z
  .strictObject({
    cert: z
      .string()
      .min(1)
      .optional()
      .describe('File with the certificate (PEM), relative to this one, what issued it behind it.'),
    key: z.string().min(1).optional().describe('File with its key. Default: in the same file.'),
    address: addresses()
      .optional()
      .describe('Addresses on which it listens. Default: those of `api.address` without TLS.'),
    clientCa: z
      .string()
      .min(1)
      .optional()
      .describe('File with who may have issued the certificates of clients.'),
    verifyIncoming: z
      .boolean()
      .default(false)
      .describe('Clients have to show a certificate by one of `client_ca`.'),
  })
  .superRefine(({ clientCa, verifyIncoming }, context) => {
    if (verifyIncoming && clientCa === undefined)
      context.addIssue({
        code: 'custom',
        path: ['verifyIncoming'],
        message: 'needs client_ca: who may have issued the certificates of clients',
      });
  })
  .describe(
    'Certificate of the HTTP API over TLS (`ports.https`); the files are read again when they change.',
  );

const unixSocketSchema = z
  .strictObject({
    mode: z
      .string()
      .regex(/^0?[0-7]{3}$/, 'expected three octal digits such as "0660"')
      .optional()
      .describe('Who may connect, as the mode of a file: those who may write it.'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('Whose it is, by name or number. Default: whose the agent is.'),
    group: z.string().min(1).optional().describe('Group that it belongs to, by name or number.'),
  })
  .prefault({})
  .describe('Sockets among `api.address`.');

export const apiSchema = z
  .strictObject({
    address: addresses()
      .optional()
      .describe(
        'Addresses on which the HTTP API and the dashboard listen, "unix:///path" for a socket. Default: `node.client`.',
      ),
    unixSocket: unixSocketSchema,
    tls: apiTlsSchema.optional(),
    ui: z.boolean().default(true).describe('Serve the dashboard under /ui.'),
    responseHeaders: z.record(z.string(), z.string()).default({}).describe('Headers added to every answer.'),
    blockEndpoints: z
      .array(z.string())
      .default([])
      .describe('Paths (and all below them) that are answered with 403, such as "/v1/agent/maintenance".'),
    kvMaxValueSize: bytes({ least: 1, most: 64 * 1024 * 1024 })
      .prefault('512KB')
      .describe("Largest value of a key. Consul's limit: a registry is no file server."),
    txnMaxReqLen: bytes({ least: 1, most: 64 * 1024 * 1024 })
      .prefault('512KB')
      .describe('Largest body of a transaction; at least as much as the largest value. For the same reason.'),
    historySize: bytes({ most: 1024 ** 3 })
      .prefault('16MB')
      .describe(
        'Memory for what changed about nodes, services and checks (`muster history`); a quarter of it besides is for values that keys had. The oldest is forgotten first, and all of it at a restart. Bounded, so that a busy registry does not grow for ever.',
      ),
    useCache: z
      .boolean()
      .default(true)
      .describe('Honour `?cached`. Costs nothing: every answer comes from memory and is never old.'),
    allowWriteFrom: z
      .array(addressRangeField())
      .default([])
      .describe(
        'From where requests that change something are taken, such as "127.0.0.0/8"; others are answered with 403. None: from wherever the API listens. Who may write a Unix socket is always let in.',
      ),
    defaultQueryTime: duration({ least: 1 })
      .prefault('5m')
      .describe("How long a blocking query waits that does not say it. Consul's."),
    maxQueryTime: duration({ least: 1 })
      .prefault('10m')
      .describe("Longest such wait. Consul's: connections that are silent for longer are cut on many ways."),
    sessionTtlMin: duration({ least: 1 })
      .prefault('10s')
      .describe(
        "Shortest TTL that a session may have. Consul's: shorter ones end by a hiccup of the network.",
      ),
  })
  .prefault({})
  .describe('HTTP API.');
