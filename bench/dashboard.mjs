// @ts-check
// The dashboard over many instances that change and get requests all the time: the main thread of a browser's tab, by update, and its memory.
import http from 'node:http';
import { chromium } from 'playwright-core';
import { say } from '../scripts/support/say.mjs';
import { locate, SYSTEM_PACKAGES } from '../scripts/support/system-packages.mjs';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

const NODES = 20;
/** Requests under way at a time: what is slow must not be given more and more. */
const IN_FLIGHT = 64;
/** Operations of a transaction. */
const AT_ONCE = 64;

/** Pages that are measured, and what shows that they are drawn. */
const PAGES = {
  '/ui/': 'Traffic now',
  '/ui/services': 'Last change',
  '/ui/services/large': 'Share of traffic',
};

/** Each instance has an address of its own; one program answers at all of them. @param {number} number */
const addressOf = (number) => `127.1.${number >> 8}.${number & 255}`;

/** @param {number} number */
const checkOf = (number) => ({
  Node: `node-${number % NODES}`,
  CheckID: `c-${number}`,
  Name: 'c',
  Status: 'passing',
  ServiceID: `i-${number}`,
});

/** @param {http.Agent} agent @param {string} api @param {number} port of the instances @param {number} services @param {number} instances */
async function fill(agent, api, port, services, instances) {
  const all = [
    ...Array.from({ length: NODES }, (_, number) => ({
      Node: { Verb: 'set', Node: { Node: `node-${number}`, Address: `10.0.0.${number + 1}` } },
    })),
    ...Array.from({ length: instances }, (_, number) => ({
      Service: {
        Verb: 'set',
        Node: `node-${number % NODES}`,
        Service: {
          ID: `i-${number}`,
          // One of them is large, as in most systems.
          Service: number < instances / 5 ? 'large' : `service-${number % (services - 1)}`,
          Address: addressOf(number),
          Port: port,
          Tags: [`urlprefix-/s${number % services}`],
        },
      },
    })),
    ...Array.from({ length: instances }, (_, number) => ({ Check: { Verb: 'set', Check: checkOf(number) } })),
  ];
  for (let at = 0; at < all.length; at += AT_ONCE)
    await put(agent, `http://${api}/v1/txn`, JSON.stringify(all.slice(at, at + AT_ONCE)));
}

/** Checks that change, so many a second, until it is stopped. @param {http.Agent} agent @param {string} api @param {number} instances @param {number} rate */
function churn(agent, api, instances, rate) {
  let turn = 0;
  const timer = setInterval(() => {
    const operations = Array.from({ length: Math.round(rate / 10) }, () => {
      const number = (turn++ * 7919) % instances;
      return {
        Check: {
          Verb: 'set',
          Check: {
            ...checkOf(number),
            Status: turn % 3 === 0 ? 'critical' : 'passing',
            Output: `look ${turn}`,
          },
        },
      };
    });
    void put(agent, `http://${api}/v1/txn`, JSON.stringify(operations)).catch(() => {});
  }, 100);
  return () => clearInterval(timer);
}

/** Requests to all services in turn, so many a second, until it is stopped. @param {http.Agent} agent @param {string} proxy @param {number} services @param {number} rate */
function load(agent, proxy, services, rate) {
  const counts = { sent: 0, answered: 0 };
  let waiting = 0;
  const timer = setInterval(() => {
    for (let left = Math.round(rate / 100); left > 0 && waiting < IN_FLIGHT; left--) {
      waiting++;
      http
        .get(`http://${proxy}/s${counts.sent++ % services}`, { agent }, (answer) => {
          if (answer.statusCode === 200) counts.answered++;
          answer.resume();
        })
        .on('error', () => {})
        .on('close', () => waiting--);
    }
  }, 10);
  return { counts, stop: () => clearInterval(timer) };
}

/**
 * What a page costs that is watched for so long.
 * @param {import('playwright-core').Browser} browser @param {string} url @param {string} text that it shows when it is there @param {number} seconds
 */
async function look(browser, url, text, seconds) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  // A machine that has other things to do is slow, not broken.
  page.setDefaultTimeout(120_000);
  const began = performance.now();
  await page.goto(url);
  await page.getByText(text).first().waitFor();
  const first = performance.now() - began;
  await page.evaluate(
    `window.long = []; new PerformanceObserver((list) => { for (const one of list.getEntries()) window.long.push(one.duration); }).observe({ type: 'longtask' })`,
  );
  const session = await page.context().newCDPSession(page);
  // Processor time of the thread, not what it waited for others.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  const before = await read();
  await page.waitForTimeout(seconds * 1000);
  const after = await read();
  const heap = /** @type {{ usedSize: number }} */ (await session.send('Runtime.getHeapUsage'));
  const long = /** @type {number[]} */ (await page.evaluate('window.long'));
  const busy = ((after.TaskDuration ?? 0) - (before.TaskDuration ?? 0)) * 1000;
  const figures = {
    first,
    // The stream has ten updates a second at most, and there are changes in each tenth.
    update: busy / (seconds * 10),
    longest: Math.max(0, ...long),
    over100: long.filter((ms) => ms > 100).length,
    heap: heap.usedSize / 1e6,
  };
  await page.close();
  return figures;
}

/** @param {string[]} argv */
export async function dashboardBench(argv) {
  const given = options(argv, {
    seconds: '10',
    instances: '5000',
    services: '500',
    rate: '100',
    requests: '500',
  });
  const [seconds, instances, services, rate, requests] =
    /** @type {[number, number, number, number, number]} */ (
      ['seconds', 'instances', 'services', 'rate', 'requests'].map((name) => numberOption(given, name))
    );
  const where = conditions();
  printConditions(where);
  const muster = await startAgent({ store: 'memory' });
  const agent = new http.Agent({ keepAlive: true });
  const backend = http.createServer((_, answer) => answer.end('ok'));
  await new Promise((resolve) => backend.listen(0, '0.0.0.0', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (backend.address());
  const executablePath = SYSTEM_PACKAGES.test.filter(({ debian }) => debian === 'chromium').map(locate)[0];
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  /** @type {Record<string, Record<string, number>>} */
  const figures = {};
  /** What goes on beside, also when a page fails. @type {(() => void)[]} */
  const stops = [];
  try {
    await fill(agent, muster.api, port, services, instances);
    stops.push(churn(agent, muster.api, instances, rate));
    const traffic = load(agent, muster.proxy, services, requests);
    stops.push(traffic.stop);
    for (const [path, text] of Object.entries(PAGES)) {
      figures[path] = await look(browser, `http://${muster.api}${path}`, text, seconds);
    }
    const { sent, answered } = traffic.counts;
    say('bench', `${answered} of ${sent} requests answered with 200`);
  } finally {
    for (const stop of stops) stop();
    await browser.close();
    agent.destroy();
    backend.close();
    await muster.stop();
  }
  say(
    'bench',
    `${instances} instances of ${services} services, ${rate} changes of checks and ${requests} requests a second, ${seconds} s each\n${table(
      ['page', 'first picture', 'main thread per update', 'longest task', 'tasks > 100 ms', 'heap'],
      Object.entries(figures).map(([path, { first = 0, update = 0, longest = 0, over100 = 0, heap = 0 }]) => [
        path,
        `${first.toFixed(0)} ms`,
        `${update.toFixed(1)} ms`,
        longest === 0 ? '< 50 ms' : `${longest.toFixed(0)} ms`,
        String(over100),
        `${heap.toFixed(0)} MB`,
      ]),
    )}`,
  );
  keep('dashboard', { conditions: where, figures });
  return 0;
}
