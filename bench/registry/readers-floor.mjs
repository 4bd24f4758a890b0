// @ts-check
// As little as can stand between a change and those who wait for it: a program on bare sockets that keeps one answer as bytes
// and writes it to every connection that waits. It reads just enough of a request to know what is asked, and its answers are as
// long as the registry's. What `watchers.mjs` says of it is the system's and the client's own.
// Usage: node readers-floor.mjs PORT
import net from 'node:net';

const [port] = process.argv.slice(2).map(Number);
/** @type {Set<net.Socket>} */
const waiting = new Set();
let index = 1;

const head = (/** @type {number} */ length) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Consul-Index: ${index}\r\nVary: Accept-Encoding\r\nContent-Length: ${length}\r\n\r\n`;
/** An answer about one instance with two checks has so many bytes. */
const BODY = Buffer.alloc(1_000, 'x').toString();

net
  .createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => waiting.delete(socket));
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (text.startsWith('PUT ')) {
        index++;
        const bytes = Buffer.from(head(BODY.length) + BODY, 'latin1');
        const due = [...waiting];
        waiting.clear();
        for (const one of due) one.write(bytes);
        socket.write(head(0));
      } else if (text.startsWith('GET /v1/status')) socket.write(`${head(2)}""`);
      else if (Number(/index=(\d+)/.exec(text)?.[1]) < index) socket.write(head(BODY.length) + BODY);
      else waiting.add(socket);
    });
  })
  .listen({ port, host: '127.0.0.1', backlog: 511 });
