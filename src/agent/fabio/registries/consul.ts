import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { ManualStore } from '../../../api/admin/manual.ts';
import { Client } from '../../../client/index.ts';
import { followRegistry } from '../../../discovery/registry.ts';
import { followViews } from '../../../discovery/views.ts';
import { MusterError } from '../../../errors.ts';
import { systemClock } from '../../../lib/clock.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { formatHostPort, parseHostPort } from '../../../lib/host-port.ts';
import { isAny } from '../../../lib/ip.ts';
import { ownAddress } from '../../../lib/own-address.ts';
import type { FabioConfig } from '../config.ts';
import type { OpenRegistry, RegistryContext } from './kind.ts';
import { type SelfRegistration, startSelf } from './self.ts';

/** The services, keys and checks of any registry with Consul's HTTP API. */
export const openConsul: OpenRegistry = (config, log) => {
  const { values, rule, consistency } = config;
  const client = new Client(config.client);
  // fabio writes its paths with a slash in front; keys have none.
  const manualPath = values['registry.consul.kvpath'].replace(/^\/+/, '');
  const pagePath = values['registry.consul.noroutehtmlpath'].replace(/^\/+/, '');
  const ending = new AbortController();
  const { signal } = ending;
  const selves = new Map<string, SelfRegistration>();
  const ask = {
    consistency,
    interval: values['registry.consul.pollinterval'],
    clock: systemClock,
    random: Math.random,
    // The services' own questions say it; one line is enough.
    onTrouble() {},
  };
  const followKeys = ({ setCommands, setNoRoutePage }: RegistryContext) => {
    void followViews(
      {
        once: (read) => client.kv.list(manualPath, read),
        watch: (read) => client.kv.watchList(manualPath, read),
      },
      (pairs) => setCommands(pairs.map(({ Key: name, Value }) => ({ name, text: textOf(Value) }))),
      ask,
      signal,
    );
    void followViews(
      {
        once: (read) => client.kv.list(pagePath, read),
        watch: (read) => client.kv.watchList(pagePath, read),
      },
      (pairs) => setNoRoutePage(pairs.map(({ Value }) => textOf(Value).trim()).join('\n\n')),
      ask,
      signal,
    );
  };
  return {
    discover: (listener) =>
      followRegistry({ ...ask, client, tagPrefix: values['registry.consul.tagprefix'], rule, log }, listener),
    start: followKeys,
    manual: manualOf(client, manualPath, consistency),
    register(names) {
      const own = config.isRegistered ? [values['registry.consul.register.name']] : [];
      const wanted = new Set([...own, ...names]);
      for (const [name, self] of selves) {
        if (wanted.has(name)) continue;
        selves.delete(name);
        void self.close();
      }
      for (const name of wanted)
        if (!selves.has(name)) selves.set(name, startSelf(client, registrationOf(name, config), log));
    },
    async deregister() {
      await Promise.all([...selves.values()].map((self) => self.close()));
    },
    release() {
      for (const self of selves.values()) self.release();
    },
    stop: () => ending.abort(),
  };
};

function textOf(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

function manualOf(client: Client, root: string, consistency: FabioConfig['consistency']): ManualStore {
  return {
    async read(path) {
      const key = (root + path).split('/').map(encodeURIComponent).join('/');
      const { response, bytes } = await client.send({
        path: `/v1/kv/${key}`,
        params: { stale: consistency === 'stale', consistent: consistency === 'consistent' },
        accept: [404],
      });
      const pairs: { Value: string | null; ModifyIndex: number }[] = response.ok
        ? JSON.parse(textOf(bytes))
        : [];
      const [pair] = pairs;
      return {
        value: Buffer.from(pair?.Value ?? '', 'base64')
          .toString('utf8')
          .trim(),
        version: String(pair?.ModifyIndex ?? response.headers.get('x-consul-index') ?? 0),
      };
    },
    async write(path, value, version) {
      // As in fabio: a key that is not there is made, whatever version was read.
      if (await client.kv.put(root + path, value, { cas: 0 })) return true;
      return client.kv.put(root + path, value, { cas: Number(version) });
    },
    async paths() {
      const keys = await client.kv.keys(root, { consistency });
      return keys.map((key) => key.slice(root.length));
    },
  };
}

/** How long the registry waits for a sign of life, and how long for one that never came back to take it out. */
const TTL = 15_000;
const DEREGISTER_AFTER = '1m0s';

function registrationOf(name: string, { values, registerAddress, ui }: FabioConfig) {
  const place = parseHostPort(registerAddress);
  if (place === undefined)
    throw new MusterError(
      'config.invalid',
      `registry.consul.register.addr: expected host:port, got "${registerAddress}"`,
    );
  // Names are not registered, nor what stands for all addresses.
  const host = isIP(place.host) !== 0 && !isAny(place.host) ? place.host : ownAddress();
  const id = `${name}-${hostname()}-${place.port}`;
  const scheme = ui !== undefined && ui.certificates !== '' ? 'https' : 'http';
  return {
    ID: id,
    Name: name,
    Address: host,
    Port: place.port,
    Tags: [...values['registry.consul.register.tags']],
    Checks: [
      { CheckID: `${id}-ttl`, TTL: formatDuration(TTL), DeregisterCriticalServiceAfter: DEREGISTER_AFTER },
      {
        HTTP: `${scheme}://${formatHostPort(host, place.port)}/health`,
        Interval: formatDuration(values['registry.consul.register.checkInterval']),
        Timeout: formatDuration(values['registry.consul.register.checkTimeout']),
        TLSSkipVerify: values['registry.consul.register.checkTLSSkipVerify'],
      },
    ],
  };
}
