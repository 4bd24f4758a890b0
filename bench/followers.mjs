// @ts-check
// Agents as a server sees them, without the agents: links that follow its feed, say that they are alive and count what comes.
// Started by cluster.mjs with the server's address, the key and how many; says "following" when all do. To a line "wait KEY" it says
// "waiting", and "heard KEY TIME" (ms since the epoch) once the last of them has heard of that key.
import { createInterface } from 'node:readline';
import { importSources } from '../scripts/support/bundle.mjs';

const [, , address = '', key = '', count = '0'] = process.argv;
const [host = '', port = ''] = address.split(':');

const { Caller, Keyring } = await importSources(
  'followers',
  `export { Caller } from './src/cluster/link/rpc.ts'; export { Keyring } from './src/cluster/link/keyring.ts';`,
);
const keyring = Keyring.open(key, undefined);

/** Links that are being made at a time: a server takes no more from one address. */
const AT_ONCE = 32;
const TIMEOUT = 30_000;
/** As agents do, in ms. */
const PING = 400;

/** What is waited for, and who has heard of it. */
let wanted = '';
let heard = 0;
let onAll = () => {};

/** @param {number} number */
async function follow(number) {
  const caller = new Caller({ host, port: Number(port) }, keyring);
  await new Promise((resolve, reject) => {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    const line = (/** @type {string} */ text) => {
      if (text.startsWith('{"kind":"state"')) resolve(undefined);
      if (wanted !== '' && text.includes(wanted) && ++heard === Number(count)) onAll();
    };
    const lost = (/** @type {unknown} */ error) => {
      process.stderr.write(`follower ${number} lost the server: ${error ?? 'the link was closed'}\n`);
      process.exit(1);
    };
    caller
      .stream('feed', { index: 0, id }, { timeout: TIMEOUT, line, end: () => lost(undefined) })
      .catch(reject);
    const ping = () => caller.ping(TIMEOUT).then(() => setTimeout(ping, PING), lost);
    setTimeout(ping, Math.random() * PING);
  });
}

let next = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < Number(count)) await follow(next++);
  }),
);
process.stdout.write('following\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [, name = ''] = line.split(' ');
  heard = 0;
  const all = new Promise((resolve) => {
    onAll = () => resolve(undefined);
  });
  wanted = name;
  process.stdout.write('waiting\n');
  await all;
  process.stdout.write(`heard ${name} ${Date.now()}\n`);
}
