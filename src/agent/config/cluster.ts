import * as z from 'zod';
import { parseKey } from '../../cluster/link/keyring.ts';
import { messageOf } from '../../errors.ts';
import { duration, listenPort, secret } from './fields.ts';

/** As `contacts.ts` takes it apart. */
const SOURCE = /^(?:(?:srv|file|exec):.+|[^\s/=]+)$/s;

export const clusterSchema = z
  .strictObject({
    server: z
      .boolean()
      .default(false)
      .describe(
        'Take part in keeping the catalog. An agent that joins others without this keeps none: it follows a server. An agent that joins nobody keeps its own catalog either way.',
      ),
    bootstrapExpect: z
      .int()
      .min(0)
      .max(9)
      .default(0)
      .describe(
        'So many servers found the cluster together, once they know each other; the same on all of them, 3 or 5. A server that finds a cluster joins it whatever this says.',
      ),
    retryJoin: z
      .array(
        z.string().regex(SOURCE, {
          error:
            'expected "host", "host:port", "srv:NAME", "file:PATH" or "exec:COMMAND" (in a cloud: a command that prints addresses)',
        }),
      )
      .default([])
      .describe(
        'Where servers may be found: "host", "host:port", "srv:NAME" for SRV records, "file:PATH" or "exec:COMMAND" for addresses, one per line. Asked again and again; only the first contact hangs on it.',
      ),
    autoJoin: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, {
        error: 'expected a name of letters, digits and hyphens, such as "shop"',
      })
      .optional()
      .describe(
        'Find servers on the local network by multicast (port 5353, UDP): those of the same name and with the same key answer. Off unless a name is given.',
      ),
    reconnectTimeout: duration({ least: 60_000 })
      .prefault('72h')
      .describe(
        'An agent that has failed and was silent for so long is taken out of the catalog, with all that is registered on it. It registers anew when it comes back.',
      ),
    encrypt: secret(keyFault).describe(
      'Key that all nodes of the cluster have, 16 or 32 bytes in base64 (`muster keygen`). All trust comes from it.',
    ),
    runGroups: z
      .boolean()
      .default(false)
      .describe(
        'Run instances of any group of the cluster that has `[group.placement]`, also of those that this configuration has not: whoever has the key of the cluster then starts programs here.',
      ),
    etcd: z
      .string()
      .min(1)
      .default('etcd')
      .describe('The program that keeps the catalog on servers: a name on the PATH, or a path.'),
    peerPort: listenPort()
      .default(8310)
      .describe(
        'First of the ports on loopback at which the etcds of the servers believe each other, one for each server. That of the server that founds the cluster counts.',
      ),
  })
  .prefault({})
  .describe('Several machines.');

export const storeSchema = z
  .strictObject({
    etcd: z
      .strictObject({
        endpoints: z
          .array(z.string().min(1))
          .default([])
          .describe(
            'An etcd that is there already, "http://host:port" or "https://host:port": the catalog is kept there instead of in the data directory. None: each machine keeps its own, or the servers of a cluster run one.',
          ),
        prefix: z
          .string()
          .regex(/^\/.*[^/]$/, { error: 'expected a path such as "/muster"' })
          .default('/muster')
          .describe('All keys begin with it: several catalogs can share an etcd.'),
        caFile: z
          .string()
          .optional()
          .describe(
            "Certificates that etcd's is checked with, relative to this file. Default: the system's.",
          ),
        certFile: z.string().optional().describe('Certificate to show to etcd, relative to this file.'),
        keyFile: z.string().optional().describe('Its key, relative to this file.'),
        user: z.string().default('').describe('User of etcd; none when it is left out.'),
        password: secret().describe('Its password.'),
      })
      .prefault({})
      .describe('An existing etcd.'),
  })
  .prefault({})
  .describe('Where the catalog is kept.');

function keyFault(text: string): string | undefined {
  try {
    parseKey(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
