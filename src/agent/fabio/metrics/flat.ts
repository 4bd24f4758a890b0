/** Metrics as lines of statsd ("name:value|c"), for UDP and for people. Counters are told as what was added since the last time. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { MusterError } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { parseHostPort } from '../../../lib/host-port.ts';
import type { Logger } from '../../../lib/log.ts';
import type { Family } from './families.ts';
import type { RouteMetric } from './names.ts';

/** Fits any path to a server nearby. */
const DATAGRAM = 1_400;

export class FlatLines {
  readonly #prefix: string;
  readonly #nameOf: (route: RouteMetric) => string;
  /** What counters were told as, by name. */
  #told = new Map<string, number>();

  constructor(prefix: string, nameOf: (route: RouteMetric) => string) {
    this.#prefix = prefix;
    this.#nameOf = nameOf;
  }

  lines(families: readonly Family[]): string[] {
    const lines: string[] = [];
    const told = new Map<string, number>();
    const add = (name: string, value: number) => {
      const before = this.#told.get(name) ?? 0;
      told.set(name, value);
      // Less than before: it began anew.
      const added = value >= before ? value - before : value;
      if (added > 0) lines.push(`${name}:${added}|c`);
      return added;
    };
    for (const family of families) {
      for (const sample of family.samples) {
        const name = this.#name(family.name, sample.labels, sample.route);
        if (family.type === 'gauge') lines.push(`${name}:${'value' in sample ? sample.value : 0}|g`);
        else if ('value' in sample) add(name, sample.value);
        else {
          const count = add(`${name}.count`, sample.count);
          const time = sample.sum - (this.#told.get(`${name}.time`) ?? 0);
          told.set(`${name}.time`, sample.sum);
          if (count > 0) lines.push(`${name}:${(Math.max(0, time) / count).toFixed(3)}|ms`);
        }
      }
    }
    this.#told = told;
    return lines;
  }

  #name(name: string, labels: Readonly<Record<string, string>>, route: RouteMetric | undefined): string {
    const own = [
      this.#prefix,
      ...(route === undefined ? [name, ...Object.values(labels)] : [name, this.#nameOf(route)]),
    ];
    return own.filter((part) => part !== '').join('.');
  }
}

/** Sends the lines every `interval` ms. Throws `config.invalid`. The answer ends it. */
export function startStatsd(
  address: string,
  lines: () => string[],
  { interval, clock, log }: { interval: number; clock: Clock; log: Logger },
): () => void {
  const place = parseHostPort(address);
  if (place === undefined)
    throw new MusterError('config.invalid', `metrics.statsd.addr: expected host:port, got "${address}"`);
  const socket = createSocket(isIPv6(place.host) ? 'udp6' : 'udp4');
  let hasTrouble = false;
  const said = (error: Error | null) => {
    if (error !== null && !hasTrouble)
      log.warn('metrics cannot be sent', { to: address, why: error.message });
    hasTrouble = error !== null;
  };
  socket.on('error', said);
  socket.unref();
  return every(
    interval,
    clock,
    () => {
      for (const datagram of packed(lines()))
        socket.send(datagram, place.port, place.host || '127.0.0.1', said);
    },
    () => socket.close(),
  );
}

/** Prints the lines every `interval` ms. The answer ends it. */
export function startStdout(
  lines: () => string[],
  { interval, clock }: { interval: number; clock: Clock },
): () => void {
  return every(interval, clock, () => {
    const text = lines().join('\n');
    if (text !== '') process.stdout.write(`${text}\n`);
  });
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
