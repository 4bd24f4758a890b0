/** An instance's address as a Host field says it. */
import type { Target } from '../../balance/balancer.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { latin1 } from './bytes.ts';
import { KeptRequest } from './kept-requests.ts';

export function authorityOf({ host, port }: Target): Uint8Array {
  return latin1(formatHostPort(host, port));
}

/** A composed request with the Host, and the X-Forwarded-Host that repeats it, of one instance turned into those of another. */
export function readdressed({ bytes, length }: KeptRequest, from: Target, to: Target): KeptRequest {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  const end = head.indexOf('\r\n\r\n');
  const [before, after] = [from, to].map((target) => Buffer.from(authorityOf(target)).toString('latin1'));
  const text = head
    .subarray(0, end)
    .toString('latin1')
    .replaceAll(/\r\n((?:X-Forwarded-)?Host: )([^\r]*)/gi, (line, name: string, value: string) =>
      value === before ? `\r\n${name}${after}` : line,
    );
  const composed = Buffer.concat([Buffer.from(text, 'latin1'), head.subarray(end)]);
  const request = new KeptRequest(composed.length);
  request.bytes.set(composed);
  request.length = composed.length;
  return request;
}
