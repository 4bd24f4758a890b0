import { connect } from 'node:net';
import { parseHostPort } from '../../lib/host-port.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, passing } from '../kind.ts';
import type { CheckSpec } from '../spec.ts';
import { dialError } from './dial-error.ts';

/** Consul's default for probes that were given no timeout. */
const DEFAULT_TIMEOUT = 10_000;

/** Passes while a TCP connection can be opened; it is closed at once. */
export const tcp: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.tcp !== '' && spec.interval > 0,
  probe,
};

function probe(spec: CheckSpec, { signal }: ProbeContext): Promise<Outcome> {
  const target = parseHostPort(spec.tcp);
  if (target === undefined)
    return Promise.resolve(critical(`dial tcp: address ${spec.tcp}: missing port in address`));
  const { host, port } = target;
  return new Promise((resolve) => {
    const socket = connect({ host: host === '' ? '127.0.0.1' : host, port });
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(outcome);
    };
    const stop = () => end(critical('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(
      () => end(critical(`dial tcp ${spec.tcp}: i/o timeout`)),
      spec.timeout || DEFAULT_TIMEOUT,
    );
    socket.once('connect', () => end(passing(`TCP connect ${spec.tcp}: Success`)));
    socket.on('error', (error) => end(critical(dialError(error))));
  });
}
