import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { type Clock, steady } from '../lib/clock.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES } from '../lib/dns/numbers.ts';
import type { Logger } from '../lib/log.ts';
import { Sockets } from '../lib/sockets.ts';
import type { Responder } from './respond.ts';

export interface TcpLimits {
  /** Connections at a time; more are closed at once. */
  maxConnections: number;
  /** Milliseconds without a whole question until a connection is closed (RFC 7766, 6.2.3: some seconds). */
  idleTimeout: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = { maxConnections: 1024, idleTimeout: 10_000 };

/** Questions are well below this (a name has 255 bytes): what is announced as longer is no question. */
const MAX_QUESTION_BYTES = 4096;
/** Answers that wait for a slow reader before we stop reading its questions. */
const MAX_WAITING_BYTES = 256 * 1024;
/** Questions of a connection that wait for other name servers, before we stop reading its next. */
const MAX_WAITING_QUESTIONS = 32;

/** Answers that are longer go out in a frame that is used again: to touch new memory costs more than to fill it. */
const LONG_ANSWER = 4_096;
/** Frames that are kept. */
const MOST_FRAMES = 8;

export interface TcpOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  limits: TcpLimits;
  clock: Clock;
  logger: Logger;
  /** Those of the process. */
  sockets?: Sockets | undefined;
}

export interface TcpServer {
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Takes no more connections: another process has the socket. Those there are go on. */
  leave(): void;
  stop(): Promise<void>;
}

/**
 * Many questions per connection, answered in their order but for those that others must be asked for (RFC 7766, 6.2.1.1).
 * Rejects when the address cannot be had.
 */
export async function startTcp(
  respond: Responder,
  { host, port, limits, clock, logger, sockets = new Sockets() }: TcpOptions,
): Promise<TcpServer> {
  const steadily = steady(clock);
  const open = new Map<Socket, { since: number }>();
  const server = createServer({ noDelay: true });
  server.maxConnections = limits.maxConnections;
  server.on('drop', () => logger.debug('a DNS connection was turned away: too many are open'));
  server.on('connection', (socket) => {
    const state = { since: steadily.now() };
    open.set(socket, state);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    serve(socket, respond, () => {
      state.since = steadily.now();
    });
  });
  await sockets.listen(server, { host, port });
  // For what comes after: accepting may fail for a while, when there are no file descriptors left.
  server.on('error', (error) => logger.warn('the DNS listener has trouble', { error: error.message }));

  // One sweep for all connections instead of a timer for each question.
  let cancelSweep = () => {};
  const sweep = () => {
    const before = steadily.now() - limits.idleTimeout;
    for (const [socket, { since }] of open) if (since <= before) socket.destroy();
    cancelSweep = clock.after(limits.idleTimeout / 4, sweep);
  };
  cancelSweep = clock.after(limits.idleTimeout / 4, sweep);

  let stopped: Promise<void> | undefined;
  const stop = () =>
    new Promise<void>((resolve) => {
      cancelSweep();
      server.close(() => resolve());
      for (const socket of open.keys()) socket.destroy();
    });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return open.size;
    },
    leave: () => void server.close(),
    stop: () => (stopped ??= stop()),
  };
}

/** Of answers that have gone out. */
const frames: Buffer[] = [];

/** Cuts the stream into questions: each is preceded by its length in two bytes (RFC 1035, 4.2.2). */
function serve(socket: Socket, respond: Responder, onAlive: () => void): void {
  let rest: Buffer = Buffer.alloc(0);
  const asker = socket.remoteAddress ?? '';
  let waiting = 0;
  const isFull = () => socket.writableLength > MAX_WAITING_BYTES || waiting >= MAX_WAITING_QUESTIONS;
  const send = (answer: Buffer) => {
    const isLong = answer.length > LONG_ANSWER;
    const frame = isLong
      ? (frames.pop() ?? Buffer.allocUnsafeSlow(2 + MAX_MESSAGE_BYTES))
      : Buffer.allocUnsafe(2 + answer.length);
    frame.writeUInt16BE(answer.length, 0);
    frame.set(answer, 2);
    socket.write(frame.subarray(0, 2 + answer.length), () => {
      if (isLong && frames.length < MOST_FRAMES) frames.push(frame);
    });
  };
  const sendLate = (answer: Buffer) => {
    waiting--;
    if (socket.destroyed) return;
    onAlive();
    send(answer);
    goOn();
  };
  const drain = () => {
    let at = 0;
    while (rest.length - at >= 2) {
      const length = rest.readUInt16BE(at);
      if (length < HEADER_BYTES || length > MAX_QUESTION_BYTES) {
        socket.destroy();
        return;
      }
      if (rest.length - at < 2 + length) break;
      if (isFull()) {
        socket.pause();
        break;
      }
      onAlive();
      const answer = respond(rest.subarray(at + 2, at + 2 + length), false, asker);
      at += 2 + length;
      if (answer instanceof Promise) {
        waiting++;
        answer.then(sendLate);
      } else if (answer !== undefined) send(answer);
    }
    rest = rest.subarray(at);
  };
  const goOn = () => {
    drain();
    if (!isFull()) socket.resume();
  };
  socket.on('data', (chunk: Buffer) => {
    // What is left over is less than one question, or what came in one read before we paused.
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    drain();
  });
  socket.on('drain', goOn);
}
