// @ts-check
// An instance of a service: `node bench/instance.mjs PORT`. Answers with its port; at SIGTERM it finishes what it has begun.
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
let isLeaving = false;

const server = createServer((_, response) => {
  if (isLeaving) response.setHeader('Connection', 'close');
  response.end(`${port}\n`);
});
// Longer than a balancer keeps an idle connection: it is the balancer that closes.
server.keepAliveTimeout = 75_000;
server.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
process.once('SIGTERM', () => {
  isLeaving = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
