import * as z from 'zod';
import { listenPort } from './fields.ts';

export const portsSchema = z
  .strictObject({
    http: listenPort().default(8500).describe("HTTP API and dashboard. Consul's port."),
    https: listenPort()
      .default(-1)
      .describe(
        'The same over TLS, with the certificate of `[api.tls]`; off unless given, as in Consul, whose port is 8501.',
      ),
    dns: listenPort().default(8600).describe("DNS, UDP and TCP. Consul's port."),
    server: listenPort()
      .default(8300)
      .describe("Links between nodes of a cluster, on `node.bind`. Consul's port."),
    serfLan: listenPort()
      .default(8301)
      .describe('Shown to clients as the port of the node; nothing listens on it yet.'),
    serfWan: listenPort().default(8302).describe('Shown to clients; nothing listens on it yet.'),
  })
  .prefault({})
  .describe('Ports on the addresses of `node.client` and `node.bind`.');
