#!/usr/bin/env node
// @ts-check
// npm run bench -- NAME [--option value …]      without a name: which there are; see bench/README.md
import { setup } from '../scripts/setup.mjs';
import { stopAllWithUs } from '../scripts/support/processes.mjs';
import { run } from '../scripts/support/say.mjs';
import { clusterBench } from './cluster.mjs';
import { dashboardBench } from './dashboard.mjs';
import { dnsBench } from './dns.mjs';
import { dnsForwardBench } from './dns-forward.mjs';
import { groupsBench } from './groups.mjs';
import { kernelBench } from './kernel.mjs';
import { asksForHelp, OptionsAsked } from './options.mjs';
import { againInOwnNetwork } from './own-network.mjs';
import { proxyBench } from './proxy.mjs';
import { proxyHttp2Bench } from './proxy-http2.mjs';
import { proxyLatencyBench } from './proxy-latency.mjs';
import { proxyMemoryBench } from './proxy-memory.mjs';
import { proxyScaleBench } from './proxy-scale.mjs';
import { registratorBench } from './registrator.mjs';
import { registryBench } from './registry.mjs';
import { resilienceBench } from './resilience.mjs';
import { routesBench } from './routes.mjs';
import { routesLoadBench } from './routes-load.mjs';
import { soakBench } from './soak.mjs';
import { storeBench } from './store.mjs';
import { templateBench } from './template.mjs';
import { propagationBench } from './write-to-route.mjs';

/**
 * `isOutside`: whether it needs the network of the machine.
 * @type {Record<string, { about: string, needs: ('bench' | 'test')[], isOutside?: (argv: string[]) => boolean, measure: (argv: string[]) => Promise<number> }>}
 */
const BENCHES = {
  proxy: { about: 'the balancer against HAProxy and nginx', needs: ['bench'], measure: proxyBench },
  'proxy-http2': {
    about: 'the balancer against HAProxy where clients speak HTTP/2',
    needs: ['bench'],
    measure: proxyHttp2Bench,
  },
  'proxy-latency': {
    about: 'how long its answers take at half of what HAProxy can do',
    needs: ['bench'],
    measure: proxyLatencyBench,
  },
  'proxy-memory': {
    about: 'what idle connections and a client that takes nothing cost it in memory',
    needs: ['bench'],
    measure: proxyMemoryBench,
  },
  'proxy-scale': {
    about: 'what a request costs with 1,000 routes, and with two workers',
    needs: ['bench'],
    measure: proxyScaleBench,
  },
  soak: {
    about: 'the balancer under mixed load while instances come, go and die: what fails, what grows',
    needs: [],
    measure: soakBench,
  },
  propagation: {
    about: 'from a write to the first request that follows it',
    needs: [],
    // Of a system that already runs.
    isOutside: (argv) => argv.some((word) => /^--http(=|$)/.test(word)),
    measure: propagationBench,
  },
  dashboard: {
    about: 'the dashboard over thousands of instances that change all the time',
    needs: ['test'],
    measure: dashboardBench,
  },
  dns: { about: 'answers per second of the name service', needs: ['bench'], measure: dnsBench },
  'dns-forward': {
    about: 'answers of other name servers that are kept, against dnsmasq',
    needs: ['bench'],
    measure: dnsForwardBench,
  },
  registry: {
    about: 'speed and size of the registry, against etcd and dnsmasq',
    needs: ['bench'],
    measure: registryBench,
  },
  registrator: {
    about: 'how soon the catalog is what runs, with 200 containers started, stopped and killed',
    needs: ['test'],
    isOutside: () => true,
    measure: registratorBench,
  },
  kernel: {
    about: 'TCP balanced by the kernel against HAProxy, in network namespaces',
    needs: ['bench'],
    isOutside: () => true,
    measure: kernelBench,
  },
  cluster: {
    about: 'three servers: failover, propagation between nodes, writes per second',
    needs: ['test'],
    measure: clusterBench,
  },
  resilience: {
    about:
      'what fails while instances, registry, configuration and balancers are replaced, killed and stopped',
    needs: ['test'],
    measure: resilienceBench,
  },
  routes: {
    about: 'memory, look-up and change of a table of 50,000 routes',
    needs: [],
    measure: routesBench,
  },
  'routes-load': {
    about: 'what clients see while a table of 50,000 routes changes',
    needs: ['bench'],
    measure: routesLoadBench,
  },
  groups: {
    about: 'a group of 200 processes: how fast it grows and what it costs; a day of an autoscaler simulated',
    needs: [],
    measure: groupsBench,
  },
  store: { about: 'acknowledged writes per second', needs: [], measure: storeBench },
  template: { about: 'rendering a template over 10,000 instances', needs: [], measure: templateBench },
};

await run(async () => {
  stopAllWithUs();
  const [name = '', ...argv] = process.argv.slice(2);
  const bench = BENCHES[name];
  if (bench === undefined) {
    const known = Object.entries(BENCHES).map(([one, { about }]) => `  ${one.padEnd(13)} ${about}\n`);
    const usage = `usage: npm run bench -- NAME [--option value …]\n${known.join('')}`;
    if (asksForHelp([name])) process.stdout.write(usage);
    else process.stderr.write(name === '' ? usage : `there is no benchmark ${name}\n${usage}`);
    return asksForHelp([name]) ? 0 : 2;
  }
  if (!asksForHelp(argv)) {
    await setup(bench.needs);
    const code = bench.isOutside?.(argv) === true ? undefined : await againInOwnNetwork();
    if (code !== undefined) return code;
  }
  try {
    return await bench.measure(argv);
  } catch (error) {
    if (!(error instanceof OptionsAsked)) throw error;
    const defaults = Object.entries(error.defaults).map(([one, value]) => `  --${one} ${value || '""'}\n`);
    process.stdout.write(
      `usage: npm run bench -- ${name} [--option value …]\n${bench.about}; bench/README.md tells more. Options as they are unless given:\n${defaults.join('')}`,
    );
    return 0;
  }
});
