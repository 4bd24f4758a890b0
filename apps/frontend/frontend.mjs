#!/usr/bin/env node
// A page about the backend that served it, asked for by way of the internal balancers. It knows one name and one name server.
//
//   GET /         the page
//   GET /health   200
//
// Environment:
//   PORT              where to listen (8000)
//   HOST              on which address (127.0.0.1)
//   BACKEND_SERVICE   http://name:port of the balancers
//   RESOLVER          host:port of the name server (the system's)
import { Resolver } from 'node:dns/promises';
import { Agent, createServer, request as send } from 'node:http';

const { env } = process;
const host = env.HOST || '127.0.0.1';
const port = Number(env.PORT || 8000);
const service = new URL(env.BACKEND_SERVICE || 'http://127.0.0.1:8080');
const resolver = new Resolver({ timeout: 1_000, tries: 2 });
if (env.RESOLVER) resolver.setServers([env.RESOLVER]);
const agent = new Agent({ keepAlive: true });
/** An answer that takes longer is none, in ms. */
const PATIENCE = 5_000;

/** One request to one balancer. */
function ask(address) {
  return new Promise((resolve, reject) => {
    const options = { host: address, port: service.port, path: service.pathname, agent, timeout: PATIENCE };
    const request = send({ ...options, headers: { Host: service.host } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200
          ? resolve({ address, facts: JSON.parse(text) })
          : reject(new Error(`${address} answered ${response.statusCode}`)),
      );
    });
    request.on('timeout', () =>
      request.destroy(new Error(`no answer from ${address} within ${PATIENCE} ms`)),
    );
    request.on('error', (error) => reject(Object.assign(error, { isReused: request.reusedSocket })));
    request.end();
  });
}

/** As browsers do: who refuses the connection, or had closed it already, has seen nothing; the next one is asked. */
const isUnseen = ({ code, isReused }) =>
  code === 'ECONNREFUSED' ||
  code === 'EHOSTUNREACH' ||
  (isReused && (code === 'ECONNRESET' || code === 'EPIPE'));

let turn = 0;

async function askAny() {
  // Twice: names lag a moment behind.
  for (let round = 0; ; round++) {
    const addresses = await resolver.resolve4(service.hostname);
    for (let tries = 0; tries < addresses.length + 1; tries++) {
      try {
        return await ask(addresses[turn++ % addresses.length]);
      } catch (error) {
        if (!isUnseen(error) || (round > 0 && tries === addresses.length)) throw error;
      }
    }
  }
}

const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

function page(title, rows) {
  const cells = rows.map(
    ([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
th { font-weight: 500; width: 12rem }
</style>
<h1>${escaped(title)}</h1>
<table><tbody>
${cells.join('\n')}
</tbody></table>
<p>Load the page again: another backend answers.</p>
</html>
`;
}

const server = createServer(async (request, response) => {
  if (request.url === '/health') {
    response.end('ok\n');
    return;
  }
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  if (request.url !== '/') {
    response.statusCode = 404;
    response.end(page('There is no such page', [['Asked for', request.url]]));
    return;
  }
  try {
    const { address, facts } = await askAny();
    const rows = [
      ['Backend', facts.Name],
      ['Zone', facts.Zone],
      ['Version', facts.Version],
      ['Its address', facts.Address],
      ['Its process', facts.Process],
      ['Balancer', `${address}:${service.port}`],
      ['Found as', service.host],
      ['Answers so far', facts.Answered],
    ];
    response.end(page(`Served by ${facts.Name}`, rows));
  } catch (error) {
    response.statusCode = 502;
    response.end(
      page('No backend answered', [
        ['Asked for', service.href],
        ['What went wrong', error.message],
      ]),
    );
  }
});
server.on('error', (error) => {
  console.error(`cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => console.log(`on http://${host}:${port}, backends at ${service.href}`));

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
