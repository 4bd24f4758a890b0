/**
 * Servers are found on the local network by multicast (the group and the format of RFC 6762). A question names the cluster
 * and carries a seal that only who has its key can make; only such a question is answered, to the asker alone, under seal
 * too. So others on the network see that somebody looks for a name, and nothing else.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { decodeMessage, encodeMessage, type Message } from '../lib/dns/message.ts';
import { CLASS_IN, FLAG, TYPE } from '../lib/dns/numbers.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import { isIPv6 } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';
import type { Keyring } from './link/keyring.ts';

export interface AutoJoinOptions {
  /** Of the cluster: one label of a DNS name. */
  readonly name: string;
  readonly keyring: Pick<Keyring, 'autoJoinSecrets'>;
  /** This node's address: the network that it is on is the one that counts. */
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PORT = 5353;
const GROUP_V4 = '224.0.0.251';
const GROUP_V6 = 'ff02::fb';
/** How long answers are waited for, in ms: on one network they take a millisecond. */
const PATIENCE = 400;
/** A question is good for so long, in ms, in either direction: clocks differ. */
const MAX_AGE = 300_000;
/** Questions that were answered are remembered so that none is answered twice. */
const REMEMBERED = 4_096;
/** What is longer is none of ours. */
const MAX_PACKET = 1_472;

interface Question {
  /** When it was asked, in ms since the epoch. */
  readonly at: number;
  readonly nonce: string;
}

interface Answer extends HostPort {
  /** The nonce of the question. */
  readonly to: string;
}

/** Asks for servers; resolves with their addresses, "host:port". Empty when nobody answers, or nobody can be asked. */
export async function askAround({ name, keyring, host, clock, logger }: AutoJoinOptions): Promise<string[]> {
  const found = new Set<string>();
  const nonce = randomBytes(16).toString('hex');
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    await bind(socket, { port: 0 });
    socket.on('error', (error) => logger.debug('asking around failed', { error: error.message }));
    socket.on('message', (packet) => {
      const answer = open<Answer>(packet, 'answer', name, keyring);
      if (answer?.to === nonce) found.add(formatHostPort(answer.host, answer.port));
    });
    const sealed = seal({ at: clock.now(), nonce } satisfies Question, 'question', name, keyring);
    socket.setMulticastInterface(interfaceOf(host));
    // With every key of the ring: while keys are exchanged some have one of them only.
    for (const one of sealed) await send(socket, packetOf(name, one, 0), { host: groupOf(host), port: PORT });
    await new Promise<void>((resolve) => void setTimeout(resolve, PATIENCE));
  } catch (error) {
    logger.warn('cannot ask around for servers', { name, error: messageOf(error) });
  } finally {
    socket.close();
  }
  return [...found];
}

/**
 * Answers those who ask, with where links come in. Without the means (a network without multicast, a port that somebody has for
 * himself) it says so and goes on. The answer ends it.
 */
export async function answerAround(
  { name, keyring, host, clock, logger }: AutoJoinOptions,
  self: () => HostPort,
): Promise<() => void> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reuseAddr: true });
  const answered = new Set<string>();
  socket.on('message', (packet, from) => {
    const question = open<Question>(packet, 'question', name, keyring);
    if (question === undefined || answered.has(question.nonce)) return;
    if (Math.abs(clock.now() - question.at) > MAX_AGE) {
      logger.warn('a question for servers of this cluster is too old: the clocks of the nodes differ', {
        from: from.address,
      });
      return;
    }
    if (answered.size >= REMEMBERED) answered.clear();
    answered.add(question.nonce);
    const answer: Answer = { ...self(), to: question.nonce };
    for (const sealed of seal(answer, 'answer', name, keyring))
      void send(socket, packetOf(name, sealed, FLAG.QR | FLAG.AA), {
        host: from.address,
        port: from.port,
      }).catch((error: unknown) => logger.debug('an answer was not sent', { error: messageOf(error) }));
  });
  try {
    await bind(socket, { port: PORT });
    socket.addMembership(groupOf(host), interfaceOf(host));
  } catch (error) {
    socket.close();
    logger.warn(`others cannot find this server by -auto-join: ${messageOf(error)}`, { name });
    return () => {};
  }
  socket.on('error', (error) =>
    logger.debug('answering those who ask around failed', { error: error.message }),
  );
  socket.unref();
  return () => socket.close();
}

function groupOf(host: string): string {
  return isIPv6(host) ? `${GROUP_V6}%${interfaceName(host) ?? ''}` : GROUP_V4;
}

/** What Node takes for the network that an address of this machine is on. */
function interfaceOf(host: string): string {
  return isIPv6(host) ? `::%${interfaceName(host) ?? ''}` : host;
}

function interfaceName(host: string): string | undefined {
  return Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === host),
  )?.[0];
}

function bind(socket: Socket, place: { port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(place, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function send(socket: Socket, packet: Buffer, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(packet, port, host, (error) => (error === null ? resolve() : reject(error))),
  );
}

// The packets: a question for the name's TXT records with the seal beside it, an answer with the seal as the record.

const DOMAIN = ['_muster', '_tcp', 'local'];
/** Bytes of one text within a TXT record (RFC 1035, 3.3.14). */
const TEXT = 255;

function packetOf(name: string, sealed: Buffer, flags: number): Buffer {
  const labels = [name, ...DOMAIN].map((label) => Buffer.from(label));
  const texts: Buffer[] = [];
  for (let at = 0; at < sealed.length; at += TEXT) {
    const text = sealed.subarray(at, at + TEXT);
    texts.push(Buffer.from([text.length]), text);
  }
  const record = { name: labels, type: TYPE.TXT, class: CLASS_IN, ttl: 0, rdata: Buffer.concat(texts) };
  const isAnswer = (flags & FLAG.QR) !== 0;
  return encodeMessage({
    id: 0,
    flags,
    questions: isAnswer ? [] : [{ name: labels, type: TYPE.TXT, class: CLASS_IN }],
    answers: isAnswer ? [record] : [],
    authority: [],
    additional: isAnswer ? [] : [record],
  });
}

/** What is sealed in a packet; undefined for one that is none of ours. */
function sealedIn(packet: Buffer, kind: Kind, name: string): Buffer | undefined {
  if (packet.length > MAX_PACKET) return undefined;
  let message: Message;
  try {
    message = decodeMessage(packet);
  } catch {
    // Whoever is on the network can send to this port what they like.
    return undefined;
  }
  const wanted = [name, ...DOMAIN].join('.').toLowerCase();
  const record = (kind === 'answer' ? message.answers : message.additional).find(
    (one) => one.type === TYPE.TXT && one.name.join('.').toLowerCase() === wanted,
  );
  if (record === undefined) return undefined;
  const texts: Buffer[] = [];
  for (let at = 0; at < record.rdata.length; at += 1 + (record.rdata[at] as number))
    texts.push(record.rdata.subarray(at + 1, at + 1 + (record.rdata[at] as number)));
  return Buffer.concat(texts);
}

// The seal: AES-256-GCM with a key that is derived from the cluster's, over the kind and the name.

type Kind = 'question' | 'answer';
const NONCE = 12;
const TAG = 16;

/** With each key of the ring. */
function seal(
  content: Question | Answer,
  kind: Kind,
  name: string,
  keyring: AutoJoinOptions['keyring'],
): Buffer[] {
  return keyring.autoJoinSecrets().map((secret) => {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce);
    cipher.setAAD(Buffer.from(`${kind} ${name.toLowerCase()}`));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
  });
}

/** Undefined unless it was sealed with a key of the ring. */
function open<Content>(
  packet: Buffer,
  kind: Kind,
  name: string,
  keyring: AutoJoinOptions['keyring'],
): Content | undefined {
  const sealed = sealedIn(packet, kind, name);
  if (sealed === undefined || sealed.length < NONCE + TAG) return undefined;
  for (const secret of keyring.autoJoinSecrets()) {
    const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, NONCE));
    decipher.setAAD(Buffer.from(`${kind} ${name.toLowerCase()}`));
    decipher.setAuthTag(sealed.subarray(-TAG));
    try {
      const text = Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]);
      return JSON.parse(text.toString()) as Content;
    } catch {
      // Not with this key.
    }
  }
  return undefined;
}
