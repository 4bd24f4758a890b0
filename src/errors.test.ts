import { expect, it } from 'vitest';
import { fetchTrouble, listenError } from './errors.ts';

it.each([
  ['EADDRINUSE', 'listen.in_use', /the port is in use\. Stop the program/],
  ['EACCES', 'listen.denied', /not permitted\. Ports below 1024/],
  ['EADDRNOTAVAIL', 'listen.failed', /this machine has no such address\. `ip address` shows/],
  ['ENOTFOUND', 'listen.failed', /no address is known for that name\. Give/],
  ['EAI_AGAIN', 'listen.failed', /no address is known for that name\. Give/],
  ['EOTHER', 'listen.failed', /: something else$/],
])('a listener that cannot start for %s says what to do', (code, ours, message) => {
  const error = listenError('DNS', '10.9.9.9:53', Object.assign(new Error('something else'), { code }));
  expect(error.code).toBe(ours);
  expect(error.message).toMatch(/^cannot listen on 10\.9\.9\.9:53 for DNS: /);
  expect(error.message).toMatch(message);
});

it('what kept a fetch from its answer is in its cause, or in the code of that', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  expect(fetchTrouble(new TypeError('fetch failed', { cause: refused }))).toBe(refused.message);
  const several = Object.assign(new AggregateError([refused, refused], ''), { code: 'ECONNREFUSED' });
  expect(fetchTrouble(new TypeError('fetch failed', { cause: several }))).toBe('ECONNREFUSED');
  expect(fetchTrouble(new Error('status 404'))).toBe('status 404');
});
