import type { Exchange } from './exchange.ts';

/** True unless the client does not name gzip or gives it the weight 0. */
export function acceptsGzip(exchange: Exchange): boolean {
  return acceptsGzipHeader(String(exchange.headers['accept-encoding'] ?? ''));
}

/** The same for the value of the header. Clients send a handful of values: the last one is remembered. */
export function acceptsGzipHeader(header: string): boolean {
  if (header !== lastHeader) {
    lastAnswer = readHeader(header);
    lastHeader = header;
  }
  return lastAnswer;
}

let lastHeader = '';
let lastAnswer = false;

function readHeader(header: string): boolean {
  for (const part of header.split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (coding !== 'gzip') continue;
    return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  }
  return false;
}
