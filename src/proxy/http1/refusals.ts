/** Why a head or a body was refused: negative numbers, so that a scanner can answer with a position or with one of these. */
export const NEED_MORE = 0;

export const BAD_START_LINE = -1;
export const BAD_VERSION = -2;
export const BAD_FIELD = -3;
export const BAD_HOST = -4;
export const BAD_LENGTH = -5;
export const BAD_CODING = -6;
export const TWO_FRAMINGS = -7;
export const BAD_CONNECTION = -8;
export const TARGET_TOO_LONG = -9;
export const HEAD_TOO_LARGE = -10;
export const BAD_CHUNK = -11;
export const NOT_IMPLEMENTED = -12;
export const BAD_TARGET = -13;
export const BAD_STATUS = -14;

export interface Refusal {
  status: number;
  text: string;
}

const REFUSALS: Record<number, Refusal> = {
  [BAD_START_LINE]: { status: 400, text: 'the request line is not "METHOD TARGET HTTP/1.1"' },
  [BAD_VERSION]: { status: 505, text: 'only HTTP/1.1 and HTTP/1.0 are spoken here' },
  [BAD_FIELD]: {
    status: 400,
    text: 'a header line is malformed (name, colon, value, CRLF; no folding, no control characters)',
  },
  [BAD_HOST]: { status: 400, text: 'the request needs exactly one valid Host' },
  [BAD_LENGTH]: { status: 400, text: 'Content-Length must be one decimal number, given once' },
  [BAD_CODING]: {
    status: 501,
    text: 'the only transfer coding understood is "chunked", given once, in HTTP/1.1',
  },
  [TWO_FRAMINGS]: { status: 400, text: 'Content-Length and Transfer-Encoding exclude each other' },
  [BAD_CONNECTION]: {
    status: 400,
    text: 'the Connection field is malformed or names a field that frames or addresses the message',
  },
  [TARGET_TOO_LONG]: { status: 414, text: 'the request line is too long' },
  [HEAD_TOO_LARGE]: { status: 431, text: 'the header lines are too many or too long' },
  [BAD_CHUNK]: { status: 400, text: 'the chunked body is malformed' },
  [NOT_IMPLEMENTED]: { status: 501, text: 'CONNECT and TRACE are not served' },
  [BAD_TARGET]: {
    status: 400,
    text: 'the request target is neither a path, nor http://host/path, nor * with OPTIONS',
  },
  [BAD_STATUS]: { status: 502, text: 'the status line is not "HTTP/1.1 CODE REASON"' },
};

/** What to tell the peer about a refusal code. */
export function refusalOf(code: number): Refusal {
  return REFUSALS[code] ?? { status: 400, text: 'the message is malformed' };
}
