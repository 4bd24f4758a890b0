// @ts-check
import { userInfo } from 'node:os';

/**
 * Flags for a dnsmasq in the foreground on a port of loopback, that knows nothing but what is given besides.
 * @param {number} port
 * @param {string} [configuration] a file
 */
export const dnsmasqFlags = (port, configuration = '/dev/null') => [
  '--keep-in-foreground',
  '--log-facility=-',
  `--conf-file=${configuration}`,
  '--pid-file=',
  `--user=${userInfo().username}`,
  '--listen-address=127.0.0.1',
  '--bind-interfaces',
  `--port=${port}`,
  '--no-resolv',
  '--no-hosts',
];
