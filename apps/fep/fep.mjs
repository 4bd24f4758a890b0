#!/usr/bin/env node
// A service that people stay connected to: echoes what it is sent over TCP, and says over HTTP how many are connected.
//
//   TCP  $PORT         each line comes back
//   HTTP $PORT_INFO    GET /conns   the number of connections, as text
//
// It registers as two services, fep and fepinfo, so that both can be found.
//
// Environment:
//   PORT, PORT_INFO       where to listen (0: any free port)
//   HOST                  on which address, which is also the one that is registered (127.0.0.1)
//   CONSUL_HTTP_ADDR      the registry (127.0.0.1:8500)
//   FEP_DRAIN_MS          how long connections may stay after SIGTERM (5000)
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { Client, clientOptionsFromEnv, registerSelf } from '@muster/muster';

const { env } = process;
const host = env.HOST || '127.0.0.1';
const name = env.MUSTER_INSTANCE || `fep-${process.pid}`;
const drainMs = Number(env.FEP_DRAIN_MS || 5000);
const connections = new Set();

const echo = createServer((socket) => {
  connections.add(socket);
  socket.on('close', () => connections.delete(socket));
  // Whoever resets a connection has left, nothing more.
  socket.on('error', () => {});
  socket.pipe(socket);
});
const info = createHttpServer((request, response) => {
  response.statusCode = request.url === '/conns' ? 200 : 404;
  response.setHeader('Content-Type', 'text/plain');
  response.end(request.url === '/conns' ? `${connections.size}\n` : 'not here: try /conns\n');
});
for (const [server, port] of [
  [echo, env.PORT],
  [info, env.PORT_INFO],
]) {
  server.listen(Number(port || 0), host);
  await once(server, 'listening');
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());
const client = new Client(clientOptionsFromEnv(env));
const infoPort = info.address().port;
const registered = await Promise.all([
  registerSelf(client, {
    name: 'fep',
    id: name,
    address: host,
    port: echo.address().port,
    check: { TCP: `${host}:${echo.address().port}`, Interval: '2s', DeregisterCriticalServiceAfter: '1m' },
    signal: stopping.signal,
  }),
  registerSelf(client, {
    name: 'fepinfo',
    id: `${name}-info`,
    address: host,
    port: infoPort,
    check: { HTTP: `http://${host}:${infoPort}/conns`, Interval: '2s', DeregisterCriticalServiceAfter: '1m' },
    signal: stopping.signal,
  }),
]);
console.log(`${name} on ${host}:${echo.address().port}, connections at http://${host}:${infoPort}/conns`);

if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
// No new ones, then time for those that are there.
await Promise.all(registered.map((self) => self.close()));
echo.close();
const until = Date.now() + drainMs;
while (connections.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
for (const socket of connections) socket.destroy();
process.exit(0);
