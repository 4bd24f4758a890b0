/** An instance's address as a Host field says it. */
import type { Target } from '../../balance/balancer.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Route } from '../../route/table.ts';
import { latin1 } from './bytes.ts';
import { KeptRequest } from './kept-requests.ts';

export function authorityOf(target: Target): Uint8Array {
  return latin1(addressOf(target));
}

function addressOf({ host, port }: Target): string {
  return formatHostPort(host, port);
}

/**
 * Whose Host a request of a route with the Host of its instances has, until it is known who gets it: `first`, or anybody's when nobody has
 * room now. Undefined where the route says the Host, or the client.
 */
export function addresseeOf({ handling, targets }: Route, first: Target | undefined): Target | undefined {
  return handling.hostOfTarget ? (first ?? targets[0]) : undefined;
}

/** A composed request with the Host, and the X-Forwarded-Host and -Port that repeat it, of one instance turned into those of another. */
export function readdressed({ bytes, length }: KeptRequest, from: Target, to: Target): KeptRequest {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, length);
  const end = head.indexOf('\r\n\r\n');
  const told = new Map([
    [addressOf(from), addressOf(to)],
    [String(from.port), String(to.port)],
  ]);
  const text = head
    .subarray(0, end)
    .toString('latin1')
    .replaceAll(
      /\r\n(Host|X-Forwarded-Host|X-Forwarded-Port): ([^\r]*)/gi,
      (_, name: string, value: string) => `\r\n${name}: ${told.get(value) ?? value}`,
    );
  const composed = Buffer.concat([Buffer.from(text, 'latin1'), head.subarray(end)]);
  const request = new KeptRequest(composed.length);
  request.bytes.set(composed);
  request.length = composed.length;
  return request;
}
