#!/usr/bin/env node
// Writes what this machine is into a configuration file, at every start:  configure.mjs /etc/muster/10-machine.toml
// From its metadata: the attribute muster-role ("server" or "agent"), muster-servers (how many found the cluster, 3 unless
// said), muster-key (`muster keygen`), and the zone that it is in.
import { writeFileSync } from 'node:fs';
import { metadata } from './metadata.mjs';

const [file = '/etc/muster/10-machine.toml'] = process.argv.slice(2);
const attribute = (name) => metadata(`instance/attributes/${name}`);

const zone = ((await metadata('instance/zone')) ?? '').split('/').pop() ?? '';
const name = ((await metadata('instance/hostname')) ?? '').split('.')[0] ?? '';
const role = (await attribute('muster-role')) ?? 'agent';
const key = await attribute('muster-key');
if (key === undefined)
  throw new Error('the machine has no metadata attribute muster-key: make one with `muster keygen`');
const servers = Number((await attribute('muster-servers')) ?? 3);
const text = JSON.stringify;

writeFileSync(
  file,
  `# Written by configure.mjs at each start.
[node]
name = ${text(name)}
bind = "0.0.0.0"
meta = { zone = ${text(zone)} }

[cluster]
encrypt = ${text(key)}
retry_join = ["exec:node /usr/local/lib/muster/peers.mjs"]
${role === 'server' ? `server = true\nbootstrap_expect = ${servers}\n` : ''}`,
  { mode: 0o640 },
);
