/** Listeners that the kernel balances, fed from the catalog. */
import type { Catalog } from '../catalog/catalog.ts';
import { fold } from '../catalog/tables.ts';
import { followCatalog } from '../discovery/catalog.ts';
import type { DiscoveredInstance, Discovery } from '../discovery/instance.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import { KernelBalancer } from '../proxy/kernel/balancer.ts';
import type { KernelListener, KernelTarget } from '../proxy/kernel/ruleset.ts';
import type { Config } from './config/schema.ts';

type KernelConfig = Config['balancer']['kernel'][number];

/** Throws `kernel.refused`; nothing is left behind then. Resolves when the kernel knows the instances that are there. */
export async function startKernel(
  entries: readonly KernelConfig[],
  { catalog, node, logger }: { catalog: Catalog; node: string; logger: Logger },
): Promise<{ release(): void; stop(): Promise<void> }> {
  const listeners = entries.map((entry, index) => ({ entry, listener: listenerOf(entry, index) }));
  const balancer = await KernelBalancer.start({
    // Several agents of one machine have names of their own.
    table: `muster_${node.replaceAll(/[^A-Za-z0-9]/g, '_')}`,
    listeners: listeners.map(({ listener }) => listener),
    logger,
  });
  let discovery: Discovery | undefined;
  const tell = (concerned: (service: string) => boolean): void => {
    const wanted = listeners.filter(({ entry }) => concerned(fold(entry.service)));
    if (wanted.length === 0) return;
    // Of what is there at the start it hears before it stands.
    const instances = [...(discovery?.instances() ?? [])];
    for (const { entry, listener } of wanted)
      balancer.set(listener.id, instances.filter((one) => isWanted(one, entry)).map(targetOf));
  };
  discovery = followCatalog({ catalog }, (changes) => {
    const services = new Set<string>();
    for (const { before, after } of changes)
      for (const one of [before, after]) if (one !== undefined) services.add(fold(one.service));
    tell((service) => services.has(service));
  });
  tell(() => true);
  await balancer.settled();
  for (const { address, protocol, service } of entries)
    logger.info('the kernel balances', { address, protocol, service });
  return {
    // The rules stay in force until the process that takes over replaces them.
    release: () => discovery?.stop(),
    async stop() {
      discovery?.stop();
      await balancer.stop();
    },
  };
}

function listenerOf({ address, protocol, choice, masquerade }: KernelConfig, index: number): KernelListener {
  const { host, port } = parseHostPort(address) as HostPort;
  return { id: `l${index}`, protocol, host: host || '0.0.0.0', port, choice, masquerade };
}

function isWanted(
  { service, tags, out }: DiscoveredInstance,
  { service: wanted, tag }: KernelConfig,
): boolean {
  return out === '' && fold(service) === fold(wanted) && (tag === undefined || tags.includes(tag));
}

function targetOf({ host, port, weight }: DiscoveredInstance): KernelTarget {
  return { host, port, weight };
}
