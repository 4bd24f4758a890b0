/** A worker thread of the proxy: its own event loop, listener, pools and route table. Started by `fleet.ts`. */
import { connect } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Target } from '../balance/balancer.ts';
import { TargetStates } from '../balance/states.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { Compiler } from '../route/compiler.ts';
import { Ejector } from './ejector.ts';
import { completeLimits } from './limits.ts';
import type { FromWorker, ToWorker, WorkerOrders } from './messages.ts';
import { ProxyServer } from './net/server.ts';

async function run(port: MessagePort, orders: WorkerOrders): Promise<void> {
  const tell = (message: FromWorker) => port.postMessage(message);
  const { connectTimeout } = completeLimits(orders.limits);
  const ejector = new Ejector({
    clock: systemClock,
    random: Math.random,
    connect: (target, signal) => canConnect(target, signal, connectTimeout),
    onEjected(ejection) {
      tell({ type: 'ejected', ejection });
    },
    onReturned(id) {
      tell({ type: 'returned', id });
    },
  });
  let server: ProxyServer | undefined;
  const compiler = new Compiler({
    states: new TargetStates((state) => {
      ejector.forget(state);
      server?.forget(state);
    }),
    random: Math.random,
    turns: new Int32Array(orders.turns),
    ...(orders.table === undefined ? {} : { table: orders.table }),
  });
  const { host, port: listenPort, limits, counters, localAddress } = orders;
  try {
    server = await ProxyServer.start({
      host,
      port: listenPort,
      limits,
      counters,
      localAddress,
      outcomes: ejector,
      onShortage(report) {
        tell({ type: 'shortage', report });
      },
      routes: compiler.apply(orders.routes),
    });
  } catch (error) {
    tell({ type: 'failed', code: isMusterError(error) ? error.code : 'internal', message: messageOf(error) });
    port.close();
    return;
  }
  const running = server;
  tell({ type: 'listening', ...running.address });
  tell({ type: 'applied', version: compiler.version });
  port.on('message', (message: ToWorker) => {
    if (message.type === 'routes') {
      running.setRoutes(compiler.apply(message.delta));
      tell({ type: 'applied', version: compiler.version });
      return;
    }
    void running.stop(message.patience).then(() => {
      ejector.stop();
      tell({ type: 'drained' });
      port.close();
    });
  });
}

/** A probe: whether the instance takes a connection. */
function canConnect(target: Target, signal: AbortSignal, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port, timeout });
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on('connect', () => settle(true));
    socket.on('timeout', () => settle(false));
    socket.on('error', () => settle(false));
    signal.addEventListener('abort', () => settle(false), { once: true });
  });
}

if (parentPort !== null) void run(parentPort, workerData as WorkerOrders);
