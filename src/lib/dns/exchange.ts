import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '../clock.ts';
import type { HostPort } from '../host-port.ts';
import { isIPv6 } from '../ip.ts';
import { FLAG, HEADER_BYTES, RCODE } from './numbers.ts';

export interface ExchangeOptions {
  /** Milliseconds until the server counts as silent. */
  timeout: number;
  clock: Clock;
  /** Gives up at once. */
  signal: AbortSignal;
  /** Over UDP: the question must be repeated letter by letter (0x20), which somebody who only guesses cannot do. */
  exactCase?: boolean;
}

/** An answer that would fit, but for the case of its letters: of a server that does not keep it, or made up. */
export class CaseMismatch extends Error {}

/** The opcode's bits in the header's second word. */
const OPCODE = 0x7800;

/**
 * Whether `answer` belongs to `question`: the same number, a response, and the question repeated, in whatever case
 * (RFC 5452, 9.1). A server that did not understand may answer with a header alone, which must then be an error.
 */
export function isAnswerTo(question: Buffer, answer: Buffer): boolean {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== question.readUInt16BE(0)) return false;
  const flags = answer.readUInt16BE(2);
  if ((flags & FLAG.QR) === 0 || (flags & OPCODE) !== (question.readUInt16BE(2) & OPCODE)) return false;
  const questions = answer.readUInt16BE(4);
  if (questions === 0) {
    const rcode = rcodeOf(answer);
    return answer.length === HEADER_BYTES && rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
  }
  if (questions !== 1) return false;
  let at = HEADER_BYTES;
  for (;;) {
    const length = question[at] ?? 0;
    if (answer[at] !== length) return false;
    at++;
    // Type and class follow, in which case means something.
    if (length === 0)
      return answer.length >= at + 4 && question.compare(answer, at, at + 4, at, at + 4) === 0;
    for (const end = at + length; at < end; at++) if (lower(question[at]) !== lower(answer[at])) return false;
  }
}

/** Whether the question stands in the answer as it was asked; an error may come without one. */
function repeats(question: Buffer, answer: Buffer): boolean {
  if (answer.readUInt16BE(4) === 0) return true;
  let end = HEADER_BYTES;
  while ((question[end] ?? 0) !== 0) end += 1 + (question[end] as number);
  return question.compare(answer, HEADER_BYTES, end, HEADER_BYTES, end) === 0;
}

function lower(byte = -1): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

export function rcodeOf(answer: Buffer): number {
  return answer.readUInt16BE(2) & 0xf;
}

/**
 * Asks once over UDP. Each question has a socket of its own: its port is one that the system chooses at random, the
 * system drops what comes from elsewhere, and "nobody listens there" is heard at once. What does not answer the
 * question is not looked at. Rejects when nothing comes in time.
 */
export function askUdp(server: HostPort, question: Buffer, options: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    const { settle, isSettled } = once(options, reject, () => socket.close());
    const fail = (error: Error) => settle(() => reject(error));
    socket.on('error', fail);
    socket.on('message', (message) => {
      if (!isAnswerTo(question, message)) return;
      if (options.exactCase === true && !repeats(question, message))
        fail(new CaseMismatch('the answer has another case'));
      else settle(() => resolve(message));
    });
    // The callback is told of errors too, though its type does not say so.
    socket.connect(server.port, server.host, (error?: Error) => {
      if (error) fail(error);
      else if (!isSettled()) socket.send(question);
    });
  });
}

/** Asks once over TCP, on a connection of its own. Rejects when no whole answer comes in time. */
export function askTcp(server: HostPort, question: Buffer, options: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...server, noDelay: true });
    const { settle } = once(options, reject, () => socket.destroy());
    const fail = (error: Error) => settle(() => reject(error));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed before the answer was there')));
    socket.on('connect', () => {
      const framed = Buffer.allocUnsafe(2 + question.length);
      framed.writeUInt16BE(question.length, 0);
      framed.set(question, 2);
      socket.write(framed);
    });
    // At most one answer is kept: its length has two bytes.
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      if (isAnswerTo(question, answer)) settle(() => resolve(answer));
      else fail(new Error('the answer is to another question'));
    });
  });
}

/** Settles one time only: in time, by the clock or by the signal; then closes. */
function once(
  { timeout, clock, signal }: ExchangeOptions,
  reject: (error: Error) => void,
  close: () => void,
): { settle: (outcome: () => void) => void; isSettled: () => boolean } {
  let settled = false;
  const settle = (outcome: () => void) => {
    if (settled) return;
    settled = true;
    cancel();
    signal.removeEventListener('abort', onAbort);
    close();
    outcome();
  };
  const onAbort = () => settle(() => reject(new Error('given up')));
  const cancel = clock.after(timeout, () => settle(() => reject(new Error('no answer in time'))));
  signal.addEventListener('abort', onAbort, { once: true });
  return { settle, isSettled: () => settled };
}
