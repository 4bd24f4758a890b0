// @ts-check
// Agents as a server sees them, without the agents: links that follow its feed, say that they are alive and count what comes.
// Started by cluster-size.mjs with the server's address, the key and how many; says "following" when all do. To a line "wait KEY" it says
// "waiting", and "heard KEY TIME" (ms since the epoch) once the last of them has heard of that key.
import { createInterface } from 'node:readline';
import { importSources } from '../scripts/support/bundle.mjs';

const [, , address = '', key = '', count = '0'] = process.argv;
const [host = '', port = ''] = address.split(':');

const { askForLines, Keyring } = await importSources(
  'followers',
  `export { askForLines } from './src/cluster/link/lines.ts'; export { Keyring } from './src/cluster/link/keyring.ts';`,
);
const keyring = Keyring.open(key, undefined);

/** Links that are being made at a time: a server takes no more from one address. */
const AT_ONCE = 32;
const TIMEOUT = 30_000;
/** Signs of life as often as the server asks agents for them, in ms; not all of them at the same time. */
let pace = 400;
const TURN = 5;
/** What they say that they have: as long as one of a registry in use. */
const INDEX = 1_234_567;

/** What is waited for, and who has heard of it. */
let wanted = '';
let heard = 0;
let onAll = () => {};

/** @type {{ sign(index: number): void }[]} */
const all = [];

/** Until it follows: a server that is short of time lets links go that it could not make in time. @param {number} number */
async function follow(number) {
  while (!(await tryToFollow(number))) await new Promise((resolve) => setTimeout(resolve, pace));
}

/** @param {number} number */
function tryToFollow(number) {
  return new Promise((resolve) => {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    askForLines(
      { host, port: Number(port) },
      { index: 0, id },
      {
        keyring,
        timeout: TIMEOUT,
        heard: () => {},
        line: (/** @type {string} */ text) => {
          if (text.startsWith('{"kind":"state"')) {
            pace = JSON.parse(text).pace;
            resolve(true);
          }
          if (wanted !== '' && text.includes(wanted) && ++heard === Number(count)) onAll();
        },
        end: () => {
          process.stderr.write(`follower ${number} lost the server\n`);
          process.exit(1);
        },
      },
    ).then(
      (/** @type {{ sign(index: number): void }} */ asked) => all.push(asked),
      () => resolve(false),
    );
  });
}

let turn = 0;
const began = performance.now();
setInterval(() => {
  // Who was late has more turns to make up for.
  const due = Math.floor((performance.now() - began) / TURN);
  const turns = pace / TURN;
  for (turn = Math.max(turn, due - turns); turn < due; turn++)
    for (let at = turn % turns; at < all.length; at += turns) all[at]?.sign(INDEX);
}, TURN);

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
  const everybody = new Promise((resolve) => {
    onAll = () => resolve(undefined);
  });
  wanted = name;
  process.stdout.write('waiting\n');
  await everybody;
  process.stdout.write(`heard ${name} ${Date.now()}\n`);
}
