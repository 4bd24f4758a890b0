// @ts-check
// Runs on a machine of a test network: takes requests over a unix socket, which knows no namespaces, and makes them to the
// agent on loopback.
import http from 'node:http';

const [, , socket] = process.argv;

http
  .createServer((incoming, outgoing) => {
    /** @type {Buffer[]} */
    const parts = [];
    incoming.on('data', (part) => parts.push(part));
    incoming.on('end', () => {
      const { method, path, body, timeout } = JSON.parse(Buffer.concat(parts).toString());
      const fail = (/** @type {Error} */ error) => {
        if (outgoing.headersSent) return;
        outgoing.writeHead(502);
        outgoing.end(error.message);
      };
      // On a connection of its own: one that was kept may be closed by the other side just when it is used.
      const to = { host: '127.0.0.1', port: 8500, method, path, agent: false };
      const call = http.request(to, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          outgoing.end(JSON.stringify({ status: response.statusCode, headers: response.headers, text }));
        });
      });
      const timer = setTimeout(() => call.destroy(new Error('no answer')), timeout);
      call.on('error', (error) => {
        clearTimeout(timer);
        fail(error);
      });
      call.end(body);
    });
  })
  .listen(socket, () => console.log('ready'));
