/**
 * Forbids itself io_uring, as containers do, and says as JSON how a balancer fares then: which transport is chosen, and what carries the
 * traffic when its workers are told to use io_uring all the same. Arguments: the bundled worker, the port of an instance.
 */
import { once } from 'node:events';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import koffi from 'koffi';
import { silentLogger } from '../../src/lib/log.ts';
import { chooseTransport } from '../../src/proxy/choice.ts';
import { routeSpec } from '../../src/proxy/fixtures.ts';
import { ProxyFleet } from '../../src/proxy/fleet.ts';

const NO_NEW_PRIVILEGES = 38;
const SECCOMP = 22;
const FILTER = 2;
const SETUP = 425;

/** Every call of io_uring_setup by this thread, and those it starts, answers EPERM (seccomp(2)). */
function forbid(): void {
  koffi.struct('sock_filter', { code: 'uint16', jt: 'uint8', jf: 'uint8', k: 'uint32' });
  koffi.struct('sock_fprog', { len: 'uint16', filter: 'sock_filter *' });
  const libc = koffi.load(null);
  const set = libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');
  const install = libc.func('int prctl(int option, ulong mode, const sock_fprog *program)');
  const filter = [
    { code: 0x20, jt: 0, jf: 0, k: 0 },
    { code: 0x15, jt: 0, jf: 1, k: SETUP },
    { code: 0x06, jt: 0, jf: 0, k: 0x50001 },
    { code: 0x06, jt: 0, jf: 0, k: 0x7fff0000 },
  ];
  if (
    set(NO_NEW_PRIVILEGES, 1, 0, 0, 0) !== 0 ||
    install(SECCOMP, FILTER, { len: filter.length, filter }) !== 0
  )
    throw new Error('no filter could be installed');
}

const [worker = '', instance = ''] = process.argv.slice(2);
forbid();
const choice = await chooseTransport('');
const route = routeSpec([{ port: Number(instance) }]);
const fleet = await ProxyFleet.start({
  listeners: [{ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 }],
  log: silentLogger,
  transport: { name: 'uring', why: 'a test wants it' },
  workers: 1,
  snapshot: () => ({ version: 1, changed: [route], patched: [], removed: [] }),
  worker: pathToFileURL(worker),
});
const [answer] = (await once(http.get({ ...fleet.addresses.get('web')!, agent: false }), 'response')) as [
  http.IncomingMessage,
];
answer.resume();
process.stdout.write(`${JSON.stringify({ choice, carriage: fleet.carriage, status: answer.statusCode })}\n`);
await fleet.stop();
