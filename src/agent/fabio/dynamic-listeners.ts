import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { ProxyFleet } from '../../proxy/fleet.ts';
import type { TcpListenerSpec } from '../../proxy/listener-spec.ts';
import type { Router } from '../../route/router.ts';

export interface DynamicOptions {
  /** Where it listens for routes that name a port alone; "" for everywhere. */
  readonly host: string;
  /** How often it looks for addresses (ms). */
  readonly refresh: number;
  /** What each listener has but its id and address. */
  readonly spec: Omit<TcpListenerSpec, 'id' | 'host' | 'port'>;
  readonly router: Pick<Router, 'routes'>;
  readonly fleet: Pick<ProxyFleet, 'open' | 'close' | 'addresses'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Connections of a listener whose route is gone may go on for so long (ms). */
const PATIENCE = 30_000;

/** Listens on the addresses that TCP routes name ("10.0.0.1:5432", ":5432"), as they come and go. */
export class DynamicListeners {
  readonly #options: DynamicOptions;
  /** By id; those that could not be opened are tried again at the next look, and said once. */
  readonly #open = new Set<string>();
  readonly #failed = new Map<string, string>();
  #cancel = () => {};
  #stopped = false;

  constructor(options: DynamicOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#look();
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(this.#options.refresh, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    const { fleet, log, spec } = this.#options;
    const wanted = this.#wanted();
    for (const id of this.#open) {
      if (wanted.has(id)) continue;
      this.#open.delete(id);
      fleet.close(id, PATIENCE);
      log.info('no TCP route leads from there any more', { address: id });
    }
    for (const id of this.#failed.keys()) if (!wanted.has(id)) this.#failed.delete(id);
    for (const [id, place] of wanted) {
      if (this.#open.has(id)) continue;
      try {
        await fleet.open({ ...spec, ...place, id });
        this.#open.add(id);
        this.#failed.delete(id);
        log.info('listening for a TCP route', { address: id });
      } catch (error) {
        const why = messageOf(error);
        if (this.#failed.get(id) !== why)
          log.warn('a TCP route asks for an address that cannot be had', { address: id, why });
        this.#failed.set(id, why);
      }
    }
  }

  /** Addresses of TCP routes that somebody serves, but those that are listened on anyhow. */
  #wanted(): Map<string, HostPort> {
    const { router, fleet, host: anywhere } = this.#options;
    const others = [...fleet.addresses].flatMap(([id, place]) => (this.#open.has(id) ? [] : [place]));
    const taken = new Set(others.flatMap(({ host, port }) => [formatHostPort(host, port), `:${port}`]));
    const wanted = new Map<string, HostPort>();
    for (const { kind, host, isInForce } of router.routes()) {
      const place = kind === 'tcp' && isInForce ? parseHostPort(host) : undefined;
      if (place === undefined || taken.has(host)) continue;
      wanted.set(`dynamic ${host}`, { host: place.host || anywhere, port: place.port });
    }
    return wanted;
  }
}
