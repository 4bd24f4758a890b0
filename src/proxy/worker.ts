/** A worker thread of the proxy: its own event loop, listeners, pools and route table. Started by `fleet.ts`. */
import { connect } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Target } from '../balance/balancer.ts';
import { RateTable } from '../balance/rate-limit.ts';
import { StateCells } from '../balance/shared-state.ts';
import { TargetStates } from '../balance/states.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { Compiler } from '../route/compiler.ts';
import { Pools } from '../route/pools.ts';
import { SLOTS } from './counters.ts';
import { type Delta, DeltaReceiver } from './deltas.ts';
import { Ejector } from './ejector.ts';
import { completeLimits } from './limits.ts';
import type { ListenerSpec } from './listener-spec.ts';
import { lookUp } from './look-up.ts';
import type { FromWorker, ToWorker, WorkerOrders } from './messages.ts';
import { Neighbourly } from './neighbours.ts';
import { ProxyServer } from './net/server.ts';
import { SpanPost } from './span-post.ts';
import { Dialer } from './tls/dialer.ts';
import { Keyring } from './tls/keyring.ts';
import type { TransportKind } from './transport.ts';
import { Estate } from './uring/estate.ts';
import { isRingError } from './uring/loop.ts';
import { startUring } from './uring/transport.ts';

/** How often (ms) bandwidths and latencies are brought up to date. */
const MEASURE = 1_000;

/** The same in all workers, which share the states of instances; nobody sets it, as they do the time of day. */
const ejectionClock = { ...systemClock, now: () => Math.floor(Number(process.hrtime.bigint()) / 1e6) };

async function run(port: MessagePort, orders: WorkerOrders): Promise<void> {
  const tell = (message: FromWorker) => port.postMessage(message);
  let transport: TransportKind | undefined;
  try {
    transport = await openTransport(orders, tell);
  } catch (error) {
    tell({ type: 'refused', why: messageOf(error) });
    port.close();
    return;
  }
  const { connectTimeout, maxInFlight } = completeLimits(orders.limits);
  lookUp.onTrouble = (why) => tell({ type: 'trouble', why });
  const ejector = new Ejector({
    clock: ejectionClock,
    random: Math.random,
    connect: (target, signal) => canConnect(target, signal, connectTimeout),
    onEjected(ejection) {
      tell({ type: 'ejected', ejection });
    },
    onReturned(id) {
      tell({ type: 'returned', id });
    },
  });
  const states = new TargetStates((state) => {
    ejector.forget(state);
    server.forget(state);
  }, new StateCells(SLOTS, orders.states));
  const draw = { states, random: Math.random, turns: new Int32Array(orders.turns) };
  const catchUp = () => deltas.catchUp();
  const pools = new Pools({ ...draw, catchUp });
  pools.apply(orders.pools);
  const compiler = new Compiler({
    ...draw,
    maxInFlight,
    ...(orders.table === undefined ? {} : { table: orders.table }),
  });
  const { limits, counters, localAddress } = orders;
  const spans = new SpanPost((batch) => tell({ type: 'spans', ...batch }));
  const keyring = new Keyring();
  keyring.ticketKeys = orders.ticketKeys;
  for (const [name, spec] of orders.stores) keyring.store(name).replace(spec);
  const server = new ProxyServer(
    {
      keyring,
      pools,
      limits,
      counters,
      localAddress,
      catchUp,
      neighbours: new Neighbourly(orders.neighbourhood, Math.random),
      outcomes: ejector,
      rates: new RateTable(orders.rates),
      onShortage(report) {
        tell({ type: 'shortage', report });
      },
      onTrouble(why) {
        tell({ type: 'trouble', why });
      },
      onSpans: (finished) => spans.add(finished),
    },
    transport,
  );
  server.setRoutes(compiler.apply(orders.routes));
  const deltas = new DeltaReceiver(orders.deltas, ({ type, delta }: Delta) => {
    if (type === 'routes') {
      server.setRoutes(compiler.apply(delta));
      tell({ type: 'applied', version: compiler.version });
    } else {
      pools.apply(delta);
      tell({ type: 'pools-applied', version: pools.version });
    }
  });
  server.configure(orders.settings);
  const open = async (listener: ListenerSpec): Promise<void> => {
    const { id } = listener;
    try {
      tell({ type: 'listening', id, ...(await server.open(listener)) });
    } catch (error) {
      const code = isMusterError(error) ? error.code : 'internal';
      tell({ type: 'failed', id, code, message: messageOf(error) });
    }
  };
  const hear: { [Type in ToWorker['type']]: (message: Extract<ToWorker, { type: Type }>) => void } = {
    look() {},
    certificates({ store, spec }) {
      keyring.store(store).replace(spec);
    },
    challenges({ number, answers }) {
      server.setChallenges(answers);
      tell({ type: 'challenges', number });
    },
    'ticket-keys'({ keys }) {
      keyring.ticketKeys = keys;
    },
    settings({ settings }) {
      server.configure(settings);
    },
    'spans-taken'() {
      spans.taken();
    },
    open({ listener }) {
      void open(listener);
    },
    close({ id, farewell }) {
      void server.close(id, farewell).then(() => tell({ type: 'closed', id }));
    },
    drain({ farewell }) {
      void server.stop(farewell).then(() => {
        ejector.stop();
        spans.flush();
        tell({ type: 'drained' });
        port.close();
      });
    },
  };
  port.on('message', (message: ToWorker) => {
    // For a worker without traffic; and a listener may be for a pool that was told of before.
    catchUp();
    const act = hear[message.type] as (message: never) => void;
    act(message as never);
  });
  await Promise.all(orders.listeners.map(open));
  tell({ type: 'ready' });
  tell({ type: 'applied', version: compiler.version });
  tell({ type: 'pools-applied', version: pools.version });
  let measured = performance.now();
  setInterval(() => {
    const now = performance.now();
    states.tick(now - measured);
    measured = now;
  }, MEASURE).unref();
}

const dialer = new Dialer();

/** What the traffic goes through; undefined: Node's own sockets. Rejects when the system does not allow it. */
async function openTransport(
  { transport, estate }: WorkerOrders,
  tell: (message: FromWorker) => void,
): Promise<TransportKind | undefined> {
  if (transport === 'net') return undefined;
  const uring = await startUring({
    estate: new Estate(estate),
    onTrouble: (why) => tell({ type: 'trouble', why }),
  });
  process.once('exit', () => uring.loop.abandon());
  uring.loop.onBroken((error) => {
    if (isRingError(error)) tell({ type: 'refused', why: messageOf(error) });
    throw error;
  });
  return uring;
}

/** A probe: whether the instance takes a connection as requests need one. */
function canConnect(target: Target, signal: AbortSignal, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { host, port, tls, datagrams } = target;
    if (datagrams === true) {
      // Only traffic can tell: a datagram that is refused goes to another one.
      resolve(true);
      return;
    }
    const socket =
      tls === undefined ? connect({ host, port, lookup: lookUp.lookup }) : dialer.connect(target, tls);
    socket.setTimeout(timeout);
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => settle(true));
    socket.on('timeout', () => settle(false));
    socket.on('error', () => settle(false));
    signal.addEventListener('abort', () => settle(false), { once: true });
  });
}

if (parentPort !== null) void run(parentPort, workerData as WorkerOrders);
