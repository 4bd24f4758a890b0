/** Held TCP connections: opened at a rate, kept, counted. What the other side sends is read and dropped. */
import net from 'node:net';

export interface TcpLoad {
  host: string;
  port: number;
  connections: number;
  /** Connections opened a second. */
  rate: number;
  /** How long a connection may take to stand, in ms. */
  timeout: number;
  /** How long they are held once the last was tried, in ms. */
  duration: number;
  /** Ends it early. */
  signal?: AbortSignal;
  /** Told how many are open whenever that changes. */
  changed?: (open: number) => void;
}

export interface TcpLoadResult {
  /** Time until each connection stood, from its due time, in ms. */
  latencies: number[];
  failed: number;
  failures: Record<string, number>;
  /** Connections that stood and were ended by the other side. */
  dropped: number;
  /** Still open at the end. */
  held: number;
  took: number;
}

export async function runTcpLoad(load: TcpLoad): Promise<TcpLoadResult> {
  const { connections, rate, signal } = load;
  const result: TcpLoadResult = { latencies: [], failed: 0, failures: {}, dropped: 0, held: 0, took: 0 };
  const sockets = new Set<net.Socket>();
  const started = performance.now();
  const dueOf = (index: number): number => started + (index * 1000) / rate;
  let tried = 0;

  const open = (due: number, settled: () => void): void => {
    let stands = false;
    const socket = net.connect({ host: load.host, port: load.port, noDelay: true });
    sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), load.timeout);
    const end = (failure: string): void => {
      clearTimeout(timer);
      if (!sockets.delete(socket)) return;
      if (stands) {
        result.dropped++;
        result.held--;
        load.changed?.(result.held);
      } else {
        result.failed++;
        result.failures[failure] = (result.failures[failure] ?? 0) + 1;
        settled();
      }
    };
    socket.once('connect', () => {
      clearTimeout(timer);
      stands = true;
      result.latencies.push(performance.now() - due);
      result.held++;
      load.changed?.(result.held);
      socket.resume();
      settled();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once('close', () => end('closed'));
  };

  await new Promise<void>((resolve) => {
    let settled = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const settle = (): void => {
      settled++;
      if (settled === connections && !signal?.aborted) timer = setTimeout(finish, load.duration);
    };
    const tick = (): void => {
      while (tried < connections && dueOf(tried) <= performance.now()) open(dueOf(tried++), settle);
      if (tried < connections) timer = setTimeout(tick, Math.max(0, dueOf(tried) - performance.now()));
    };
    signal?.addEventListener('abort', finish, { once: true });
    if (connections === 0 || signal?.aborted) finish();
    else tick();
  });
  const left = [...sockets];
  sockets.clear();
  for (const socket of left) socket.destroy();
  result.took = performance.now() - started;
  return result;
}
