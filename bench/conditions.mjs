// @ts-check
// Under what conditions a figure was taken: printed with every table and kept in its file.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { findCommand, inRoot } from '../scripts/support/paths.mjs';
import { isInOwnNetwork } from './own-network.mjs';

/** @param {string} command @param {string[]} args */
function firstLine(command, args) {
  const path = findCommand(command);
  if (path === undefined) return 'not there';
  try {
    // nginx prints its version to the error stream.
    return (
      execFileSync('/bin/sh', ['-c', `"$0" ${args.join(' ')} 2>&1 | head -n 1`, path], {
        encoding: 'utf8',
      }).trim() || 'unknown'
    );
  } catch {
    return 'unknown';
  }
}

export function conditions() {
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  return {
    date: new Date().toISOString(),
    cpu: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`,
    kernel: release(),
    network: isInOwnNetwork() ? 'one of its own' : "the machine's",
    node: process.versions.node,
    muster: version,
    haproxy: firstLine('haproxy', ['-v']),
    nginx: firstLine('nginx', ['-v']),
    etcd: firstLine('etcd', ['--version']),
    dnsmasq: firstLine('dnsmasq', ['--version']),
    consul: firstLine('consul', ['version']),
    // Without a network it warns of that first.
    fabio: firstLine('fabio', ['-v 2>&1 | tail -n 1']),
    wrk: firstLine('wrk', ['-v']),
    h2load: firstLine('h2load', ['--version']),
    'load before': loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
  };
}

/** @param {Record<string, string>} facts */
export function printConditions(facts) {
  for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name.padEnd(12)} ${value}\n`);
  process.stdout.write('\n');
}
