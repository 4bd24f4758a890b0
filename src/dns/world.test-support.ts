import { createSocket } from 'node:dgram';
import * as oracle from 'dns-packet';
import { register } from '../catalog/commands/register.ts';
import type { CheckStatus, ServiceAddress, Weights } from '../catalog/rows.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { type DnsServerOptions, startDns } from './server.ts';

export interface World {
  store: Store;
  port: number;
  node(
    name: string,
    address: string,
    meta?: Record<string, string> | null,
    taggedAddresses?: Record<string, string>,
  ): Promise<void>;
  service(node: string, address: string, service: ServiceInput): Promise<void>;
  /** A check of an instance, or of the node without a service ID. */
  check(node: string, address: string, status: CheckStatus, serviceId?: string): Promise<void>;
  /** The answer over UDP. */
  ask(name: string, type: string): Promise<oracle.Decoded>;
  stop(): Promise<void>;
}

export interface ServiceInput {
  id?: string;
  name: string;
  port?: number;
  address?: string;
  taggedAddresses?: Record<string, ServiceAddress>;
  tags?: string[];
  weights?: Weights;
}

/** For tests: a store in memory and a DNS server over it, both real. */
export async function startWorld(
  options: Partial<DnsServerOptions> = {},
  own = { name: 'self', address: '127.0.0.1' },
): Promise<World> {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const nodeRow = (
    name: string,
    address: string,
    meta: Record<string, string> | null = null,
    taggedAddresses: Record<string, string> | null = null,
  ) => ({
    id: '',
    name,
    address,
    datacenter: 'dc1',
    taggedAddresses,
    meta,
  });
  const world = {
    store,
    node: async (
      name: string,
      address: string,
      meta?: Record<string, string> | null,
      taggedAddresses?: Record<string, string>,
    ) => {
      await store.write((tx) => register(tx, { node: nodeRow(name, address, meta, taggedAddresses) }));
    },
    service: async (node: string, address: string, input: ServiceInput) => {
      const service = {
        id: input.id ?? input.name,
        name: input.name,
        kind: '',
        tags: input.tags ?? [],
        address: input.address ?? '',
        taggedAddresses: input.taggedAddresses ?? null,
        meta: null,
        port: input.port ?? 0,
        socketPath: '',
        weights: input.weights ?? { passing: 1, warning: 1 },
        enableTagOverride: false,
      };
      await store.write((tx) =>
        register(tx, { node: nodeRow(node, address), skipNodeUpdate: true, service }),
      );
    },
    check: async (node: string, address: string, status: CheckStatus, serviceId = '') => {
      const check = {
        id: `check-${serviceId}`,
        name: 'check',
        status,
        notes: '',
        output: '',
        serviceId,
        type: '',
        interval: '',
        timeout: '',
        definition: {},
      };
      await store.write((tx) =>
        register(tx, { node: nodeRow(node, address), skipNodeUpdate: true, checks: [check] }),
      );
    },
  };
  await world.node(own.name, own.address);
  const dns = await startDns({ catalog: store.catalog, port: 0, node: own, ...options });
  return {
    ...world,
    port: dns.port,
    ask: (name, type) => ask(dns.port, name, type),
    stop: async () => {
      await dns.stop();
      await store.close();
    },
  };
}

async function ask(port: number, name: string, type: string): Promise<oracle.Decoded> {
  const socket = createSocket('udp4');
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] };
  const packet = oracle.encode({ type: 'query', id: 1, questions: [{ type, name }], additionals: [opt] });
  try {
    return await new Promise<oracle.Decoded>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('message', (answer) => resolve(oracle.decode(answer)));
      socket.send(packet, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}
