// @ts-check
// As little as can stand between a registration and a request that follows it: a list in memory, kept by one process that
// asks the instances in turn, whoever came last first. No disk, no checks, no routes. What `propagation.mjs` says of it
// is the tool's own: its wait for the next request, and the ways of both requests.
// Usage: node propagation-floor.mjs REGISTRY_PORT PROXY_PORT
import http from 'node:http';

const [registryPort, proxyPort] = process.argv.slice(2).map(Number);
/** @type {{ id: string, port: number, asked: number }[]} */
const instances = [];
let count = 0;
const agent = new http.Agent({ keepAlive: true });

/** @param {string} id */
function remove(id) {
  const at = instances.findIndex((one) => one.id === id);
  if (at >= 0) instances.splice(at, 1);
}

http
  .createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const [, gone] = /\/deregister\/(.+)$/.exec(request.url ?? '') ?? [];
      if (gone !== undefined) remove(gone);
      else if (body !== '') {
        const { ID: id, Port: port } = JSON.parse(body);
        remove(id);
        instances.push({ id, port, asked: 0 });
      }
      response.end();
    });
  })
  .listen(registryPort, '127.0.0.1');

http
  .createServer((request, response) => {
    const [first] = instances;
    if (first === undefined) return void response.writeHead(503).end();
    const next = instances.reduce((one, other) => (other.asked < one.asked ? other : one), first);
    next.asked = ++count;
    http
      .get({ host: '127.0.0.1', port: next.port, path: request.url, agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      })
      .on('error', () => response.writeHead(502).end());
  })
  .listen(proxyPort, '127.0.0.1');
