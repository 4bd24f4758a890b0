import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';
import { descriptorOf, Sockets, stopReading } from '../lib/sockets.ts';
import type { Responder } from './respond.ts';
import { UdpBatch } from './udp-batch.ts';

/**
 * Bytes of questions and answers that the kernel keeps for us: a burst of some ten thousand questions waits
 * instead of being lost. The kernel may allow less.
 */
const SOCKET_BUFFER = 4 * 1024 * 1024;
/** Answers waiting to be sent when the kernel takes no more; then new ones are dropped, as UDP allows. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface UdpServer {
  readonly port: number;
  /** Reads no more questions: another process has the socket. Late answers still go out. */
  leave(): void;
  stop(): Promise<void>;
}

/** Rejects with what the system says when the address cannot be had. */
export async function startUdp(
  respond: Responder,
  {
    host,
    port,
    logger,
    sockets = new Sockets(),
  }: { host: string; port: number; logger: Logger; sockets?: Sockets | undefined },
): Promise<UdpServer> {
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // Addresses are not looked up, which would cost a turn of the loop for each answer.
    lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
  });
  await sockets.bind(socket, { host, port }).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  growBuffers(socket, logger);
  let closed = false;
  // An answer that could not be sent (the asker is gone, its network is down) is the asker's loss alone.
  socket.on('error', (error) => logger.debug('an answer over UDP was not sent', { error: error.message }));
  const send = (answer: Buffer, port: number, address: string) => {
    if (!closed && socket.getSendQueueSize() <= MAX_WAITING_BYTES) socket.send(answer, port, address);
  };
  const [fd] = descriptorOf(socket);
  let hasLeft = false;
  let batch: UdpBatch | undefined;
  if (fd !== undefined)
    UdpBatch.open().then((opened) => {
      batch = opened;
    });
  socket.on('message', (packet, from) => {
    // One has come through the runtime; those behind it are taken all at once.
    if (fd !== undefined && !closed && !hasLeft) batch?.drain(fd, respond, send);
    if (from.port === 0) return;
    const answer = respond(packet, true, from.address);
    if (answer instanceof Promise) answer.then((late) => send(late, from.port, from.address));
    // The socket may keep the bytes for a while: it gets its own.
    else if (answer !== undefined) send(Buffer.from(answer), from.port, from.address);
  });
  let stopped: Promise<void> | undefined;
  const stop = () =>
    new Promise<void>((resolve) => {
      closed = true;
      socket.close(() => resolve());
    });
  return {
    port: socket.address().port,
    leave() {
      hasLeft = true;
      stopReading(socket);
    },
    stop: () => (stopped ??= stop()),
  };
}

function growBuffers(socket: Socket, logger: Logger): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER);
    socket.setSendBufferSize(SOCKET_BUFFER);
  } catch (error) {
    logger.debug('the UDP socket keeps its small buffers', { error: String(error) });
  }
}
