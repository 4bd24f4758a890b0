import type { Door } from '../api/access.ts';
import { type Admin, startAdmin } from '../api/admin/admin.ts';
import { FABIO_SETTINGS, fabioConfig } from '../api/admin/fabio.ts';
import type { StrategyName } from '../balance/strategies.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Sockets } from '../lib/sockets.ts';
import { Board } from '../proxy/acme/board.ts';
import { Certificates } from '../proxy/certificates/certificates.ts';
import type { SourceOptions } from '../proxy/certificates/kinds.ts';
import type { Carriage } from '../proxy/choice.ts';
import { CounterReader, SLOTS } from '../proxy/counters.ts';
import type { Ejection } from '../proxy/ejector.ts';
import type { Farewell } from '../proxy/farewell.ts';
import { ProxyFleet } from '../proxy/fleet.ts';
import type { ProxyLimits } from '../proxy/limits.ts';
import type { ListenerSpec } from '../proxy/listener-spec.ts';
import type { ProxySettings } from '../proxy/settings.ts';
import type { TlsSettings } from '../proxy/tls/spec.ts';
import { DEFAULT_TABLE, type TableOptions } from '../route/byte-table.ts';
import type { MatcherName } from '../route/paths.ts';
import type { Policy } from '../route/policies.ts';
import { type Router, type RouterOptions, startRouter } from '../route/router.ts';
import { SHARED_SLOT } from '../route/slots.ts';
import { VERSION } from '../version.ts';
import type { Entrance } from './explain.ts';
import type { Tracing } from './telemetry/telemetry.ts';

/** A place where requests come in. */
export interface FrontListener extends HostPort {
  /** Undefined: in clear text. */
  readonly tls?: TlsSettings | undefined;
  /** HTTP/2 too. */
  readonly http2?: boolean | undefined;
  /** Connections begin with a PROXY header. */
  readonly acceptProxy?: boolean | undefined;
  /** Set: no requests but connections come in, for the TCP route of its port, or of the name that a TLS client asks for. */
  readonly relays?: 'address' | 'name' | undefined;
  /** Over TLS: clients that ask for a name with a TCP route are relayed as they are. */
  readonly relaysNames?: boolean | undefined;
}

export interface FrontOptions {
  readonly discover: RouterOptions['discover'];
  readonly listen: readonly FrontListener[];
  /** Where certificates come from, by the name of their store. */
  readonly certificates?: ReadonlyMap<string, readonly SourceOptions[]>;
  /** For certificates in our own key/value store. */
  readonly catalog?: Catalog;
  /** Undefined: no admin API. */
  readonly admin: HostPort | undefined;
  /** Go on without the admin API, with a warning, when its address is taken. */
  readonly mayLackAdmin: boolean;
  /** What the admin API asks tokens of; without one it is open. */
  readonly door?: Door | undefined;
  readonly limits: Partial<ProxyLimits>;
  readonly strategy: StrategyName;
  readonly tagPrefix: string;
  /** What to do with HTTP besides; `configure` changes it later. */
  readonly settings?: ProxySettings;
  /** Options for routes of some services. */
  readonly policies?: readonly Policy[];
  /** Where it stands; default: nowhere in particular. */
  readonly zone?: string;
  /** Default "prefix". */
  readonly matcher?: MatcherName;
  readonly log: Logger;
  /** Threads that carry the traffic; default: as `ProxyFleet` has it. */
  readonly workers?: number | undefined;
  /** The bundled worker of the proxy; default: beside the bundle this runs from. */
  readonly worker?: URL;
  /** Undefined: no spans. */
  readonly tracing?: Tracing | undefined;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

/** Routes from wherever instances are learned, the proxy's workers on every listener, the admin API. */
export interface Front {
  /** Each listener, in the order of `listen`. */
  readonly entrances: readonly Entrance[];
  readonly admin: string | undefined;
  readonly router: Router;
  readonly counters: CounterReader;
  carriage(): Carriage;
  /** What to do with HTTP besides from now on. */
  configure(settings: ProxySettings): void;
  ejections(): readonly Ejection[];
  /** Takes no new connections and lets requests in flight end. Idempotent. */
  drain(farewell: Farewell): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** How long (ms) the start waits for certificates, so that the first clients find them. */
const CERTIFICATES_WAIT = 3_000;

function listenerSpec(listener: FrontListener, index: number): ListenerSpec {
  const { host, port, tls, http2, acceptProxy = false, relays, relaysNames = false } = listener;
  if (relays !== undefined) {
    const place = { id: `tcp-${index}`, host, port };
    return { ...place, protocol: 'tcp', pool: '', byRoute: relays, slot: SHARED_SLOT, acceptProxy };
  }
  const place = { id: `http-${index}`, host, port, http2, acceptProxy };
  return tls === undefined
    ? { ...place, protocol: 'http' }
    : { ...place, protocol: 'https', tls, relaysNames };
}

function protocolOf({ tls, relays, relaysNames = false }: FrontListener): Entrance['protocol'] {
  if (relays !== undefined) return relays === 'name' ? 'tcp+sni' : 'tcp';
  if (tls === undefined) return 'http';
  return relaysNames ? 'https+tcp+sni' : 'https';
}

/** Throws `listen.*`; nothing is left running then. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const {
    discover,
    listen,
    limits,
    strategy,
    tagPrefix,
    settings = {},
    log,
    workers,
    worker,
    sockets,
    tracing,
    policies = [],
    zone = '',
  } = options;
  const table: TableOptions = { ...DEFAULT_TABLE, matcher: options.matcher ?? DEFAULT_TABLE.matcher };
  const counters = new CounterReader();
  let started: ProxyFleet | undefined;
  const router = startRouter({
    discover,
    // A static list publishes at once, before there is a fleet, whose workers begin with the snapshot.
    publish: (delta) => started?.publish(delta),
    slots: {
      capacity: SLOTS,
      isIdle: (slot) => counters.isIdle(slot),
      onAssign: (slot) => counters.clear(slot),
    },
    log,
    tagPrefix,
    strategy,
    table,
    authSchemes: schemesOf(settings),
    policies,
    zone,
    // Its clients hear "none of web's instances is healthy" rather than "no such route".
    whenNoneHealthy: 'unavailable',
  });
  const specs = listen.map(listenerSpec);
  // Before it listens: what is published meanwhile reaches its workers behind the snapshot.
  const fleet: ProxyFleet = new ProxyFleet(
    {
      listeners: specs,
      log,
      snapshot: () => router.snapshot(),
      limits,
      table,
      settings: { ...settings, sampler: tracing?.sampler },
      onSpans: (batch) => tracing?.take(batch),
      workers,
      sockets,
      onApplied: (version) => router.settled(version),
      ...(worker === undefined ? {} : { worker }),
    },
    counters,
  );

  started = fleet;
  let isListening = () => {};
  const listening = new Promise<void>((resolve) => {
    isListening = resolve;
  });
  const challenges = new Board(async (answers) => {
    // An authority that is sent here before is sent to nobody.
    await listening;
    await fleet.setChallenges(answers);
  }, Date.now);
  const certificates = new Certificates({
    challenges,
    stores: options.certificates ?? new Map(),
    catalog: options.catalog,
    clock: systemClock,
    log: log.child('tls'),
    publish: (store, spec) => fleet.setCertificates(store, spec),
  });
  let admin: Admin | undefined;
  try {
    await certificates.ready(CERTIFICATES_WAIT);
    await fleet.listen();
    isListening();
    if (options.admin !== undefined) {
      const shown = fabioConfig({ ...FABIO_SETTINGS, strategy, tagPrefix, access: 'ro' });
      admin = await startAdmin({
        router,
        log,
        address: options.admin,
        sockets,
        version: VERSION,
        settings: () => shown,
        door: options.door,
      }).catch((error: unknown) => {
        if (!options.mayLackAdmin || !isMusterError(error, 'listen.in_use')) throw error;
        log.warn(`going on without the balancer's admin API: ${messageOf(error)}`);
        return undefined;
      });
    }
  } catch (error) {
    certificates.stop();
    router.stop();
    await fleet.stop();
    throw error;
  }

  let stopping: Promise<void> | undefined;
  const entrances = listen.map((listener, index): Entrance => {
    const { host, port } = fleet.addresses.get(listenerSpec(listener, index).id) ?? listener;
    return { address: formatHostPort(host, port), protocol: protocolOf(listener) };
  });
  return {
    entrances,
    admin: admin && formatHostPort(admin.address.host, admin.address.port),
    router,
    counters,
    carriage: () => fleet.carriage,
    configure(changed) {
      fleet.configure({ ...changed, sampler: tracing?.sampler });
      router.setAuthSchemes(schemesOf(changed));
    },
    ejections: () => fleet.ejections(),
    drain: (farewell) => fleet.stop(farewell),
    stop() {
      stopping ??= (async () => {
        certificates.stop();
        router.stop();
        await Promise.all([fleet.stop(), admin?.stop()]);
      })();
      return stopping;
    },
  };
}

/** Names that `auth=` may give. */
function schemesOf({ auth = {} }: ProxySettings): string[] {
  return Object.keys(auth);
}
