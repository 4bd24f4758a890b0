import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { parseHostPort } from '../../lib/host-port.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, passing } from '../kind.ts';
import type { CheckSpec } from '../spec.ts';
import { dialError } from './dial-error.ts';

/**
 * How long a refusal is waited for when no timeout is given, in ms. It comes back within a round trip; Consul waits
 * 10 s, in which ten thousand checks of silent programs would hold each other up.
 */
const DEFAULT_TIMEOUT = 1_000;

/**
 * Sends an empty datagram. Only a refusal (ICMP: nobody has the port) is critical; an answer passes, and so does
 * silence, since few programs answer an empty datagram: a host that is gone altogether passes too (as in Consul 1.15).
 */
export const udp: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.udp !== '' && spec.interval > 0,
  probe,
};

async function probe(spec: CheckSpec, { signal }: ProbeContext): Promise<Outcome> {
  const target = parseHostPort(spec.udp);
  if (target === undefined || target.port === 0)
    return critical(`dial udp: address ${spec.udp}: missing port in address`);
  const success = passing(`UDP connect ${spec.udp}: Success`);
  const trouble = (error: unknown) => critical(dialError(error).replace(/^dial tcp/, 'dial udp'));
  try {
    const { address, family } = await lookup(target.host === '' ? '127.0.0.1' : target.host);
    return await new Promise((resolve) => {
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      const end = (outcome: Outcome) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        socket.removeAllListeners();
        // A refusal that is still under way must find somebody.
        socket.on('error', () => {});
        socket.close();
        resolve(outcome);
      };
      const stop = () => end(critical('stopped'));
      const timer = setTimeout(() => end(success), spec.timeout || DEFAULT_TIMEOUT);
      signal.addEventListener('abort', stop, { once: true });
      socket.on('error', (error) => end(trouble(error)));
      socket.on('message', () => end(success));
      // Only a connected socket is told of a refusal.
      socket.connect(target.port, address, () => socket.send(Buffer.alloc(0)));
      if (signal.aborted) stop();
    });
  } catch (error) {
    return trouble(error);
  }
}
