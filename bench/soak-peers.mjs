// @ts-check
// Instances of the soak, which may die, and its clients of HTTP/2.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';

export const SMALL = 'x'.repeat(128);
export const LARGE = 'y'.repeat(204_800);
/** How long (ms) Node's HTTP/2 may have bytes of its own that it was given. */
const SAID_WITHIN = 200;

/** An instance. It dies as a process between two answers would: what it has begun to say it says to the end. */
class Mortal {
  isDead = false;

  /** @param {number} port @param {import('node:net').Server} server */
  constructor(port, server) {
    this.port = port;
    this.server = server;
  }

  /** @returns {Promise<this>} */
  async listen() {
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
    return this;
  }

  /** Connections on which nothing is being said end. */
  cutIdle() {}

  kill() {
    this.isDead = true;
    this.server.close();
    this.cutIdle();
  }
}

/** One that speaks HTTP/1.1. */
export class Instance extends Mortal {
  /** @type {Set<import('node:net').Socket>} */
  #answering = new Set();
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();

  /** @param {number} port */
  constructor(port) {
    const server = http.createServer((request, response) => this.#serve(request, response));
    server.keepAliveTimeout = 60_000;
    super(port, server);
    this.http = server;
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  #serve(request, response) {
    const { socket } = request;
    if (this.isDead) {
      socket.destroy();
      return;
    }
    let bytes = 0;
    request.on('data', (part) => {
      bytes += part.length;
    });
    request.on('end', () => {
      if (this.isDead) return;
      this.#answering.add(socket);
      response.on('close', () => {
        this.#answering.delete(socket);
        if (this.isDead) socket.destroy();
      });
      response.end(
        request.method === 'POST' ? String(bytes) : request.url?.endsWith('/large') ? LARGE : SMALL,
      );
    });
  }

  /** @override */
  cutIdle() {
    for (const socket of this.#sockets) if (!this.#answering.has(socket)) socket.destroy();
  }

  close() {
    this.server.close();
    this.http.closeAllConnections();
  }
}

/** The same, of one that speaks HTTP/2: the streams that it answers share a connection with those that it does not. */
export class Http2Instance extends Mortal {
  /** How many streams of each are being answered. @type {Map<http2.Http2Session, number>} */
  #sessions = new Map();

  /** @param {number} port */
  constructor(port) {
    super(port, http2.createServer());
    this.server.on('session', (session) => {
      this.#sessions.set(session, 0);
      session.on('error', () => {});
      session.on('close', () => this.#sessions.delete(session));
    });
    this.server.on('stream', (stream, headers) => this.#serve(stream, headers));
  }

  /** @param {http2.ServerHttp2Stream} stream @param {http2.IncomingHttpHeaders} headers */
  #serve(stream, headers) {
    const { session } = stream;
    stream.on('error', () => {});
    if (this.isDead || session === undefined) return;
    this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1);
    stream.on('close', () => {
      const left = (this.#sessions.get(session) ?? 1) - 1;
      if (this.#sessions.has(session)) this.#sessions.set(session, left);
      if (this.isDead && left === 0) this.#cut(session);
    });
    stream.resume();
    stream.respond({ ':status': 200 });
    stream.end(headers[':path']?.endsWith('/large') ? LARGE : SMALL);
  }

  /** Once what it was told to say has left the process. @param {http2.Http2Session} session */
  #cut(session) {
    setTimeout(() => session.destroy(), SAID_WITHIN);
  }

  /** @override */
  cutIdle() {
    for (const [session, answering] of this.#sessions) if (answering === 0) this.#cut(session);
  }

  close() {
    this.server.close();
    for (const session of this.#sessions.keys()) session.destroy();
  }
}

/** A client of HTTP/2. */
export class Http2Client {
  /** @type {http2.ClientHttp2Session | undefined} */
  #session;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /** @param {string} path @param {Buffer | undefined} body @returns {Promise<string>} */
  ask(path, body) {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(this.url);
      this.#session.on('error', () => {});
    }
    const stream = this.#session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST' });
    return new Promise((resolve, reject) => {
      let [status, text] = [0, ''];
      stream.setTimeout(20_000, () => stream.close(http2.constants.NGHTTP2_CANCEL));
      stream.setEncoding('utf8');
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (part) => {
        text += part;
      });
      stream.on('error', reject);
      stream.on('close', () => {
        if (status === 200 && stream.rstCode === 0) resolve(text);
        else reject(new Error(`${status} ${text.slice(0, 80)} (${stream.rstCode})`));
      });
      stream.end(body);
    });
  }

  close() {
    this.#session?.destroy();
  }
}
