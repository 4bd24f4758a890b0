/** For tests of a session: tables of one route, and what goes over the wire. */
import { routeTo, targetAt } from '../fixtures.ts';

export const one = () => routeTo([targetAt(1, 1)]);
export const three = () => routeTo([targetAt(1, 1), targetAt(2, 2), targetAt(3, 3)]);
export const GET = 'GET /a HTTP/1.1\r\nHost: x.test\r\n\r\n';
export const POST = 'POST /a HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 2\r\n\r\nok';
