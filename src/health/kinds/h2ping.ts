import { parseHostPort } from '../../lib/host-port.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, passing } from '../kind.ts';
import type { CheckSpec } from '../spec.ts';
import { dialError } from './dial-error.ts';
import { overHttp2 } from './http2-session.ts';

/** Consul's default for probes that were given no timeout. */
const DEFAULT_TIMEOUT = 10_000;

/** Passes while an HTTP/2 server answers a PING frame; over TLS unless told otherwise. */
export const h2ping: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.h2ping !== '' && spec.interval > 0,
  probe,
};

async function probe(spec: CheckSpec, { signal }: ProbeContext): Promise<Outcome> {
  const target = parseHostPort(spec.h2ping);
  if (target === undefined)
    return critical(`Failed to dial to ${spec.h2ping}: address ${spec.h2ping}: missing port in address`);
  const timeout = spec.timeout || DEFAULT_TIMEOUT;
  let connected = false;
  try {
    await overHttp2({ ...spec, target, tls: spec.h2pingUseTls, timeout, signal }, (session) => {
      connected = true;
      return new Promise<void>((resolve, reject) => {
        session.ping((error) => (error === null ? resolve() : reject(error)));
      });
    });
    return passing('HTTP2 ping was successful');
  } catch (error) {
    const what = connected ? 'HTTP2 ping failed' : `Failed to dial to ${spec.h2ping}`;
    return critical(`${what}: ${dialError(error)}`);
  }
}
