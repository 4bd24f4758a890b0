/** Sends lines of metrics every now and then: in datagrams, over a connection, or for people to look at. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { MusterError } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { type HostPort, parseHostPort } from '../../../lib/host-port.ts';
import { isIPv6 } from '../../../lib/ip.ts';
import type { Logger } from '../../../lib/log.ts';

/** Fits any path to a server nearby. */
const DATAGRAM = 1_400;
/** How long a server may take for what it is sent (ms). */
const PATIENCE = 10_000;

export interface SendOptions {
  /** Milliseconds between two rounds. */
  readonly interval: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Throws `config.invalid`. The answer ends it. */
export function sendDatagrams(
  setting: string,
  address: string,
  lines: () => string[],
  { interval, clock, log }: SendOptions,
): () => void {
  const { host, port } = placeOf(setting, address);
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const said = saying(address, log);
  socket.on('error', said);
  socket.unref();
  return every(
    interval,
    clock,
    () => {
      for (const datagram of packed(lines())) socket.send(datagram, port, host, said);
    },
    () => socket.close(),
  );
}

/** A connection for each round. Throws `config.invalid`. The answer ends it. */
export function sendByConnections(
  setting: string,
  address: string,
  lines: () => string[],
  { interval, clock, log }: SendOptions,
): () => void {
  const place = placeOf(setting, address);
  const said = saying(address, log);
  let end = () => {};
  return every(
    interval,
    clock,
    () => {
      const text = lines().join('\n');
      const socket = connect(place);
      socket.unref();
      socket.setTimeout(PATIENCE, () => socket.destroy(new Error('it does not take them')));
      socket.on('error', said);
      // Not as the end's own callback, which comes after failures, too.
      socket.on('finish', () => said(null));
      socket.end(text === '' ? '' : `${text}\n`);
      socket.resume();
      end = () => socket.destroy();
    },
    () => end(),
  );
}

/** The answer ends it. */
export function print(
  lines: () => string[],
  { interval, clock }: Pick<SendOptions, 'interval' | 'clock'>,
): () => void {
  return every(interval, clock, () => {
    const text = lines().join('\n');
    if (text !== '') process.stdout.write(`${text}\n`);
  });
}

function placeOf(setting: string, address: string): HostPort {
  const place = parseHostPort(address);
  if (place === undefined)
    throw new MusterError('config.invalid', `${setting}: expected host:port, got "${address}"`);
  return { host: place.host || '127.0.0.1', port: place.port };
}

/** Says once that it does not work, until it does. */
function saying(address: string, log: Logger): (error: Error | null) => void {
  let hasTrouble = false;
  return (error) => {
    if (error !== null && !hasTrouble)
      log.warn('metrics cannot be sent', { to: address, why: error.message });
    hasTrouble = error !== null;
  };
}

function every(interval: number, clock: Clock, act: () => void, end = () => {}): () => void {
  let cancel = () => {};
  const arm = () => {
    cancel = clock.after(interval, () => {
      act();
      arm();
    });
  };
  arm();
  return () => {
    cancel();
    end();
  };
}

/** As few datagrams as hold all lines. */
function packed(lines: readonly string[]): string[] {
  const datagrams: string[] = [];
  let current = '';
  for (const line of lines) {
    if (current !== '' && current.length + line.length + 1 > DATAGRAM) {
      datagrams.push(current);
      current = '';
    }
    current = current === '' ? line : `${current}\n${line}`;
  }
  return current === '' ? datagrams : [...datagrams, current];
}
