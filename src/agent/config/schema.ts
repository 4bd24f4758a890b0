/**
 * The whole configuration, once: from this schema come the checks, the defaults, the types and
 * docs/reference/config.md. In files the keys are written in snake_case (`data_dir`), here and behind the
 * schema in camelCase; `read.ts` renames along the schema, so that free keys (`env`, `meta`) stay as they are.
 * Every default carries its reason in its description.
 */
import * as z from 'zod';
import { aclSchema } from './acl.ts';
import { apiSchema } from './api.ts';
import { balancerSchema } from './balancer.ts';
import { clusterSchema, storeSchema } from './cluster.ts';
import { nodeCheckSchema, serviceSchema } from './definitions.ts';
import { dnsSchema } from './dns.ts';
import { groupSchema, refuseSameNames } from './group.ts';
import { healthSchema } from './health.ts';
import { logSchema } from './log.ts';
import { nodeSchema } from './node.ts';
import { balancerListening, clashes } from './places-taken.ts';
import { portsSchema } from './ports.ts';
import { registratorSchema } from './registrator.ts';
import { telemetrySchema } from './telemetry.ts';
import { haproxySchema, templateSchema } from './template.ts';
import { watchSchema } from './watch.ts';

export const configSchema = z
  .strictObject({
    node: nodeSchema,
    ports: portsSchema,
    dns: dnsSchema,
    api: apiSchema,
    acl: aclSchema,
    health: healthSchema,
    cluster: clusterSchema,
    store: storeSchema,
    balancer: balancerSchema,
    registrator: registratorSchema,
    telemetry: telemetrySchema,
    log: logSchema,
    service: z.array(serviceSchema).default([]).describe('Services that this node registers at start.'),
    check: z
      .array(nodeCheckSchema)
      .default([])
      .describe('Checks of this node itself, and further ones of its services.'),
    group: z
      .array(groupSchema)
      .superRefine(refuseSameNames)
      .default([])
      .describe('Groups of like processes that this node runs.'),
    template: z.array(templateSchema).default([]).describe('Files that this node renders from the catalog.'),
    watch: z
      .array(watchSchema)
      .default([])
      .describe('Commands and web hooks that are told of changes, at the start of what there is.'),
    haproxy: z
      .array(haproxySchema)
      .default([])
      .describe('Backends of a HAProxy on this machine whose servers are instances of a service.'),
  })
  .superRefine(({ ports, api, dns, node, cluster, balancer }, context) => {
    if (cluster.bootstrapExpect > 0 && !cluster.server)
      context.addIssue({
        code: 'custom',
        path: ['cluster', 'bootstrapExpect'],
        message: 'is for servers: server = true',
      });
    const own = (name: 'http' | 'https' | 'dns', hosts: readonly string[]) =>
      ({ path: ['ports', name], name, port: ports[name], hosts, protocol: 'tcp' }) as const;
    const forDns = own('dns', dns.address ?? node.client);
    for (const { path, message } of clashes([
      forDns,
      { ...forDns, protocol: 'udp' },
      own('http', api.address ?? node.client),
      own('https', api.tls?.address ?? node.client),
      ...balancerListening(balancer),
    ]))
      context.addIssue({ code: 'custom', path: [...path], message });
    if (ports.https >= 0 && api.tls?.cert === undefined)
      context.addIssue({
        code: 'custom',
        path: ['ports', 'https'],
        message: 'needs a certificate: [api.tls] cert and key',
      });
  });

/** A checked configuration: durations in ms, sizes in bytes, every default filled in. */
export type Config = z.output<typeof configSchema>;
/** What a file may say, in camelCase. */
export type ConfigInput = z.input<typeof configSchema>;
