import * as z from 'zod';
import { formatDuration } from '../../lib/duration.ts';
import { DEFAULT_OPTIONS } from '../../registrator/options.ts';
import { duration } from './fields.ts';

const text = () => z.string().default('');

export const registratorSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Register the containers of an engine on this machine, by the rules of gliderlabs/registrator. Off: who may start containers could register anything.',
      ),
    engine: z
      .string()
      .optional()
      .describe(
        'Where the engine listens: "unix:///path" or "tcp://host:port". Default: DOCKER_HOST, else /var/run/docker.sock.',
      ),
    certPath: z
      .string()
      .optional()
      .describe(
        'Folder with `ca.pem`, `cert.pem` and `key.pem` for TLS, relative to this file. Default: DOCKER_CERT_PATH.',
      ),
    tlsVerify: z
      .boolean()
      .optional()
      .describe("Speak TLS and check the engine's certificate. Default: DOCKER_TLS_VERIFY."),
    ip: text().describe('Address of services on published ports. Default: that of the node.'),
    internal: z
      .boolean()
      .default(false)
      .describe("Register the containers' own addresses and ports instead of published ones."),
    networks: z
      .array(z.string().min(1))
      .default([])
      .describe(
        "Networks whose address is a container's own, in this order. Default: the one that the container was started with.",
      ),
    explicit: z.boolean().default(false).describe('Only containers that set SERVICE_NAME.'),
    tags: text().describe('Tags for every service, with commas; may be a template over the container.'),
    useIpFromLabel: text().describe('Take the address from this label of the container.'),
    deregister: z
      .enum(['always', 'on-success'])
      .default('always')
      .describe('Whether services of containers that failed go, too.'),
    cleanup: z
      .boolean()
      .default(true)
      .describe(
        "Remove this node's registrations that no container stands for, whoever left them. On, so that nothing that happened while the agent was down leaves a ghost.",
      ),
    resync: duration()
      .prefault(formatDuration(DEFAULT_OPTIONS.resync))
      .describe(
        'How often everything is compared though nothing was heard; 0: only after trouble. A comparison that finds nothing writes nothing.',
      ),
    hostname: text().describe('First part of IDs. Default: the name of the node.'),
    health: z
      .boolean()
      .default(false)
      .describe("A container's own HEALTHCHECK becomes the check of its services. Off, as in registrator."),
  })
  .prefault({})
  .describe('Containers as services.');
