/**
 * The two messages of the gRPC health protocol (grpc/health/v1/health.proto), by hand: a request has a string and a
 * response an enum, each as field 1. Message framing as in gRPC over HTTP/2: a flag byte, four bytes of length.
 */

/** Names of `HealthCheckResponse.ServingStatus` by number. */
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** Bytes in front of each message. */
const PREFIX = 5;
/** Field 1, length-delimited. */
const SERVICE_TAG = 0x0a;

/** `HealthCheckRequest` in its frame; `service` "" asks for the whole server. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([varint(SERVICE_TAG), varint(name.length), name]);
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/**
 * Name of the status in a framed `HealthCheckResponse`, its number where it has no name. A response without the field
 * says UNKNOWN. Throws an `Error` that says what is wrong with the bytes.
 */
export function servingStatus(frame: Buffer): string {
  if (frame.length < PREFIX) throw new Error('the response holds no message');
  if (frame[0] !== 0) throw new Error('the response is compressed, which was not asked for');
  if (frame.readUInt32BE(1) !== frame.length - PREFIX)
    throw new Error('the response is not one whole message');
  const reader = { bytes: frame, at: PREFIX };
  let status = 0;
  while (reader.at < frame.length) {
    const tag = readVarint(reader);
    const [field, wire] = [tag >> 3n, Number(tag & 7n)];
    if (field === 0n) throw new Error('the response has a field without a number');
    if (field === 1n && wire === 0) status = Number(BigInt.asIntN(32, readVarint(reader)));
    else skip(reader, wire);
  }
  return SERVING_STATUS[status] ?? String(status);
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

/** Protobuf's numbers have at most 64 bits, in at most ten bytes. */
function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new Error('the response breaks off');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new Error('the response has a number that is too long');
}

/** Passes over a field that this program does not know. */
function skip(reader: Reader, wire: number): void {
  if (wire === 0) readVarint(reader);
  else if (wire === 1) reader.at += 8;
  else if (wire === 5) reader.at += 4;
  else if (wire === 2) {
    const length = Number(readVarint(reader));
    reader.at += length;
  } else throw new Error(`the response has a field of the unknown type ${wire}`);
  if (reader.at > reader.bytes.length) throw new Error('the response breaks off');
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
