/** What gRPC wants to be told instead of HTTP's status (grpc/doc/PROTOCOL-HTTP2.md, http-grpc-status-mapping.md). */

export function isGrpc(contentType: unknown): boolean {
  return typeof contentType === 'string' && /^application\/grpc(?:$|[+;])/.test(contentType);
}

const INTERNAL = 13;
const UNKNOWN = 2;
const UNAVAILABLE = 14;

const CODES: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: 16,
  403: 7,
  404: 12,
  429: UNAVAILABLE,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: UNAVAILABLE,
};

/** No route leads anywhere: NOT_FOUND, as fabio says it. */
const NOT_FOUND = 5;

/** The status of a call that got an answer of plain HTTP. `isOwn`: it is the balancer's, not an instance's. */
export function grpcStatusOf(status: number, isOwn: boolean): number {
  if (isOwn && status === 404) return NOT_FOUND;
  if (isOwn && status >= 500) return UNAVAILABLE;
  return CODES[status] ?? UNKNOWN;
}

/** A message as `grpc-message` carries it: percent-encoded UTF-8. */
export function grpcMessageOf(text: string): string {
  let message = '';
  for (const byte of new TextEncoder().encode(text))
    message +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return message;
}
