#!/usr/bin/env node
// A small HTTP program that registers itself and asks to be routed. It knows nothing of its neighbours, of the
// balancer or of how many of it there are; its port comes from whoever starts it.
//
//   GET /hello/api/v1   {"Status":200,"Application":"hello","UUID":"…","Data":"… about 200 kB …"}
//   GET /health         200
//
// Environment:
//   PORT                  where to listen (0: any free port)
//   HOST                  on which address, which is also the one that is registered (127.0.0.1)
//   MUSTER_INSTANCE_ID    UUID to use, so that a replica that comes back takes its old place (a new one)
//   CONSUL_HTTP_ADDR      the registry (127.0.0.1:8500)
//   HELLO_WORK_MS         how long each answer takes, to play a slow program (0)
//   HELLO_CONCURRENCY     how many answers are worked on at a time when HELLO_WORK_MS is set (1)
//   HELLO_DRAIN_MS        how long it still serves after it has deregistered on SIGTERM (250)
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Client, clientOptionsFromEnv, registerSelf } from '@muster/muster';

const { env } = process;
const host = env.HOST || '127.0.0.1';
const uuid = env.MUSTER_INSTANCE_ID || randomUUID();
const workMs = Number(env.HELLO_WORK_MS || 0);
const concurrency = Number(env.HELLO_CONCURRENCY || 1);
const drainMs = Number(env.HELLO_DRAIN_MS || 250);

// 150,000 random bytes are 200,000 characters of base64; made once, so that an answer costs next to nothing.
const body = Buffer.from(
  JSON.stringify({
    Status: 200,
    Application: 'hello',
    UUID: uuid,
    Data: randomBytes(150_000).toString('base64'),
  }),
);

// A slow program as there are many: it takes requests as they come, works on a few at a time and does not notice
// that somebody has stopped waiting.
let working = 0;
const waiting = [];

async function work() {
  if (workMs === 0) return;
  if (working >= concurrency) await new Promise((resolve) => waiting.push(resolve));
  else working++;
  await new Promise((resolve) => setTimeout(resolve, workMs));
  const next = waiting.shift();
  if (next === undefined) working--;
  else next();
}

let leaving = false;

const server = createServer(async (request, response) => {
  const [path] = request.url.split('?', 1);
  // A connection that is closed after the answer is not used for a request that would find nobody.
  if (leaving) response.setHeader('Connection', 'close');
  if (path === '/health') {
    response.setHeader('Content-Type', 'text/plain');
    response.end('ok\n');
  } else if (path === '/hello/api/v1') {
    await work();
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Content-Length', body.length);
    response.end(request.method === 'HEAD' ? undefined : body);
  } else {
    response.statusCode = 404;
    response.end('not here: try /hello/api/v1\n');
  }
});
// Longer than any client keeps an idle connection: then it is the client that closes, never in the middle of a request.
server.keepAliveTimeout = 75_000;

server.on('error', (error) => {
  console.error(`cannot listen on ${host}:${env.PORT ?? 0}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(env.PORT || 0), host, start);

async function start() {
  const { port } = server.address();
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort());

  let self;
  try {
    self = await registerSelf(new Client(clientOptionsFromEnv(env)), {
      name: 'hello-server',
      id: `hello-${uuid}`,
      address: host,
      port,
      tags: ['urlprefix-/hello/api/v1'],
      check: {
        HTTP: `http://${host}:${port}/health`,
        Interval: '2s',
        Timeout: '5s',
        // If it dies and nobody starts it again, its entry goes too.
        DeregisterCriticalServiceAfter: '1m',
      },
      signal: stopping.signal,
      onTrouble: (error, delay) => {
        if (!leaving) console.error(`${error.message} Tried again in ${Math.round(delay)} ms.`);
      },
      onRegisteredAgain: () => console.log('registered again'),
    });
    console.log(`hello-${uuid} on ${host}:${port}`);
  } catch (error) {
    if (!stopping.signal.aborted) {
      console.error(error.message);
      process.exit(1);
    }
  }

  if (!stopping.signal.aborted)
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }));
  // First out of the registry, then serve on until those who look there have noticed, then finish what is open.
  leaving = true;
  await self?.close();
  await new Promise((resolve) => setTimeout(resolve, drainMs));
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}
