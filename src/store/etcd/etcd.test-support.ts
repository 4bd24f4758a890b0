import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, type Running, start, until } from '../../../scripts/support/processes.mjs';
import { EtcdClient, type EtcdTls } from './client.ts';
import { type EtcdStore, type EtcdStoreOptions, openEtcdStore } from './store.ts';

export interface TestEtcd {
  readonly endpoint: string;
  readonly program: () => Running;
  /** Where it keeps everything. */
  readonly data: string;
  /** Starts it again on what it kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A real etcd of one member. */
export async function startEtcd(args: string[] = [], scheme = 'http', tls: EtcdTls = {}): Promise<TestEtcd> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-etcd-'));
  const [client = 0, peer = 0] = await freePorts(2);
  const endpoint = `${scheme}://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const flags = [
    ['--name', 'test'],
    ['--data-dir', join(folder, 'data')],
    ['--listen-client-urls', endpoint],
    ['--advertise-client-urls', endpoint],
    ['--listen-peer-urls', peerUrl],
    ['--initial-advertise-peer-urls', peerUrl],
    ['--initial-cluster', `test=${peerUrl}`],
    ['--log-level', 'warn'],
  ].flat();
  const begin = async () => {
    const program = start('etcd', [...flags, ...args]);
    const probe = new EtcdClient({ endpoints: [endpoint], tls });
    try {
      await until(
        'etcd to answer',
        async () => (await probe.range({ key: 'x' }).catch(() => undefined)) !== undefined,
        {
          program,
        },
      );
    } finally {
      probe.close();
    }
    return program;
  };
  let program = await begin();
  return {
    endpoint,
    data: join(folder, 'data'),
    program: () => program,
    async restart() {
      program = await begin();
    },
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A store on it; a subscriber that throws fails the test. */
export function openTestStore(
  { endpoint }: Pick<TestEtcd, 'endpoint'>,
  options: Partial<EtcdStoreOptions> = {},
): Promise<EtcdStore> {
  return openEtcdStore({
    endpoints: [endpoint],
    prefix: '/test',
    onSubscriberError: (error) => {
      throw error;
    },
    ...options,
  });
}

/** A way to an endpoint that can be cut and mended. */
export interface Line {
  readonly endpoint: string;
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function startLine(endpoint: string): Promise<Line> {
  const { hostname, port } = new URL(endpoint);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend() {
      isCut = false;
    },
    stop: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
