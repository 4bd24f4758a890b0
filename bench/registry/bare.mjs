// @ts-check
// The floor under what an HTTP API in Node can do: Node's own server, which has its answers ready and only sends them.
//   node bare.mjs PORT FILE …      the file's content for its path: /0 for the first
import { readFileSync } from 'node:fs';
import http from 'node:http';

const [port, ...files] = process.argv.slice(2);
const bodies = files.map((file) => readFileSync(file));
http
  .createServer((request, response) => {
    const body = bodies[Number(request.url?.slice(1))] ?? Buffer.alloc(0);
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
  })
  .listen(Number(port), '127.0.0.1');
