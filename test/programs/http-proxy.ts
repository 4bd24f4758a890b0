/**
 * A proxy with one static upstream, for the HTTP conformance suite and for profiling; set up as the suite's README asks:
 *
 *   npx esbuild test/programs/http-proxy.ts --bundle --platform=node --format=esm --packages=external --outfile=node_modules/.http-proxy.mjs
 *   node node_modules/.http-proxy.mjs 127.0.0.1:30080 127.0.0.1:30081 uring
 */
import { parseHostPort } from '../../src/lib/host-port.ts';
import { routeTo, targetAt } from '../../src/proxy/fixtures.ts';
import { ProxyServer, type ProxyServerOptions } from '../../src/proxy/net/server.ts';
import { describeShortage } from '../../src/proxy/shortage.ts';
import { startUring } from '../../src/proxy/uring/transport.ts';

const listen = parseHostPort(process.argv[2] ?? '127.0.0.1:30080');
const upstream = parseHostPort(process.argv[3] ?? '127.0.0.1:30081');
if (listen === undefined || upstream === undefined) {
  process.stderr.write('usage: http-proxy.mjs LISTEN_HOST:PORT UPSTREAM_HOST:PORT [uring]\n');
  process.exit(2);
}

const transport = process.argv[4] === 'uring' ? await startUring() : undefined;
const options: ProxyServerOptions = {
  routes: routeTo([targetAt(upstream.port)]),
  outcomes: {
    connectFailed: () => process.stderr.write('instance blamed\n'),
    cut: () => process.stderr.write('instance blamed\n'),
    answered() {},
    erred() {},
  },
  onShortage: (report) => process.stderr.write(`${describeShortage(report)}\n`),
  limits: {
    headTimeout: 3_000,
    keepAliveTimeout: 3_000,
    bodyTimeout: 3_000,
    responseTimeout: 3_000,
    responseSilence: 3_000,
    connectTimeout: 1_000,
  },
};
const server = new ProxyServer(options, transport);
const { port } = await server.open({ id: 'web', protocol: 'http', ...listen });
process.stdout.write(`ready, pid ${process.pid}, port ${port}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(
    signal,
    () => void server.stop({ patience: 1_000, isReplaced: false }).then(() => process.exit(0)),
  );
