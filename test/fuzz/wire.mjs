// @ts-check
// What goes over a wire as it should be, to be changed into what should not.

export const HEAD =
  'GET /a%2e/b?c HTTP/1.1\r\nHost: a.test:80\r\nConnection: close, X\r\nX: y\r\nContent-Length: 5\r\n\r\nhello';
export const CHUNKED =
  'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';

/** PROXY headers of both versions. @type {readonly (string | Buffer)[]} */
export const PROXY_HEADERS = [
  'PROXY TCP4 1.2.3.4 5.6.7.8 80 90\r\n',
  'PROXY UNKNOWN\r\n',
  'PROXY TCP6 ::1 ::2 1 2\r\n',
  Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Buffer.from([0x21, 0x11, 0, 12, 127, 0, 0, 1, 10, 0, 0, 1, 0, 80, 31, 144]),
  ]),
];

/** The hello of a TLS client that asks for "a.test". */
export const HELLO = Buffer.from(
  '16030100500100004c0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0000021301010000210000000b0009000006612e74657374002b0003020304001000080006026832',
  'hex',
);

/** How a client of HTTP/2 begins. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A frame of HTTP/2 (RFC 9113, 4.1). @param {number} type @param {number} flags @param {number} stream @param {Uint8Array} payload */
export function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field that no table has, not compressed (RFC 7541, 6.2.2). @param {string} name @param {string} value */
export function field(name, value) {
  const [one, two] = [Buffer.from(name), Buffer.from(value)];
  return Buffer.concat([Buffer.from([0, one.length]), one, Buffer.from([two.length]), two]);
}
