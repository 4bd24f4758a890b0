/** What is asked of the addresses at which Muster listens for the instances of a group. */
import type { z } from 'zod';
import { addressesOf } from '../../group/held-sockets.ts';
import { variablesOf } from '../../group/variables.ts';
import { parseHostPort } from '../../lib/host-port.ts';
import { addressBytes } from '../../lib/ip.ts';

/** What of a group its `listen` is judged by. */
interface Listening {
  readonly name: string;
  readonly driver: string;
  readonly listen?: Readonly<Record<string, string>> | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly replicas: number;
  readonly autoscale?: { readonly max: number } | undefined;
  readonly placement?: object | undefined;
  readonly update: { readonly maxSurge: number };
}

export function refuseUnfitListen(group: Listening, context: z.RefinementCtx): void {
  const { name, driver, listen, env, ports, replicas, autoscale, placement, update } = group;
  if (listen === undefined) return;
  const refuse = (message: string, ...place: string[]): void =>
    context.addIssue({ code: 'custom', path: ['listen', ...place], message });
  if (driver !== 'process')
    refuse(
      `expected only with driver \`process\`: what listens ${driver === 'docker' ? 'in a container is its program, and the engine publishes its ports' : 'on a machine of its own is its program'}`,
    );
  // Two instances as they could be.
  const [first, second] = [1, 2].map((number) =>
    addressesOf(
      listen,
      variablesOf(name, {
        name: `${name}-${number}`,
        id: `${number}`,
        ports: Object.fromEntries(ports.map((port, at) => [port, 1_000 + number + 2 * at])),
        port: 1_000 + number,
      }),
    ),
  );
  // Over a cluster each may be on a node of its own.
  const atATime = placement === undefined ? (autoscale?.max ?? replicas) + update.maxSurge : 1;
  const names = new Map<string, string>();
  for (const [key, address] of Object.entries(first ?? {})) {
    const place = parseHostPort(address);
    if (!/^[\w.-]{1,63}$/.test(key))
      refuse('expected a name of letters, digits, "-", "_" and "." (63 at most) for the socket', key);
    else if (
      place === undefined ||
      place.port === 0 ||
      (place.host !== '' && addressBytes(place.host) === undefined)
    )
      refuse(
        `expected an address of IP with a port, such as "127.0.0.1:$PORT" or "10.0.0.$MUSTER_NUMBER:80", got "${listen[key]}"`,
        key,
      );
    else if (names.has(listen[key] as string))
      refuse(`expected another address than that of \`${names.get(listen[key] as string)}\``, key);
    else if (atATime > 1 && address === second?.[key])
      refuse(
        'expected `$MUSTER_NUMBER` or `$PORT` in it: two instances cannot have the same address (for a single one: `replicas = 1`, `max_surge = 0` and `max_unavailable = 1` in `[group.update]`)',
        key,
      );
    names.set(listen[key] as string, key);
  }
  for (const variable of Object.keys(env))
    if (!/^[A-Za-z_]\w*$/.test(variable))
      context.addIssue({
        code: 'custom',
        path: ['env', variable],
        message:
          'expected a name of letters, digits and "_": with `listen` a shell stands before the program, and passes no other names on',
      });
}
