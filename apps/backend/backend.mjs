#!/usr/bin/env node
// Tells about the instance that answers, as JSON. It knows of no registry: whoever starts it registers it.
//
//   GET /         {"Name":"backend-1","Zone":"us-central1-f", …}
//   GET /health   200
//
// Environment:
//   PORT               where to listen
//   HOST               on which address (127.0.0.1)
//   MUSTER_INSTANCE    its name (backend)
//   ZONE, VERSION      what it says about itself
//   BACKEND_WORK_MS    how long the processor is busy for an answer (0)
import { createServer } from 'node:http';
import { hostname } from 'node:os';

const { env } = process;
const host = env.HOST || '127.0.0.1';
const workMs = Number(env.BACKEND_WORK_MS || 0);
let answered = 0;
let leaving = false;

function work() {
  const end = performance.now() + workMs;
  while (performance.now() < end);
}

const server = createServer((request, response) => {
  if (leaving) response.setHeader('Connection', 'close');
  if (request.url === '/health') {
    response.end('ok\n');
    return;
  }
  work();
  response.setHeader('Content-Type', 'application/json');
  response.end(
    `${JSON.stringify({
      Name: env.MUSTER_INSTANCE || 'backend',
      Id: env.MUSTER_INSTANCE_ID || '',
      Version: env.VERSION || '1',
      Zone: env.ZONE || '',
      Hostname: hostname(),
      Address: `${host}:${env.PORT}`,
      Process: process.pid,
      Balancer: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
      Client: request.headers['x-forwarded-for'] || '',
      Request: `${request.method} ${request.url}`,
      Answered: ++answered,
    })}\n`,
  );
});
// Longer than a balancer keeps an idle connection: it is the balancer that closes, never in the middle of a request.
server.keepAliveTimeout = 75_000;
server.on('error', (error) => {
  console.error(`cannot listen on ${host}:${env.PORT}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(env.PORT), host, () => console.log(`on ${host}:${env.PORT}`));

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    leaving = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
