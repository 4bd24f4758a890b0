/** gobetween's kinds of health checks: what each needs, and ours that does it. A new one is a line in both records. */
import type { CheckPlan } from '../../discovery/checks.ts';
import type { DiscoveredInstance } from '../../discovery/instance.ts';
import { messageOf } from '../../errors.ts';
import type { ProbeKind } from '../../health/kind.ts';
import { tcp } from '../../health/kinds/tcp.ts';
import { EXPECT_PROTOCOLS, expectProbe } from '../../health/probes/expect.ts';
import { verdictProbe } from '../../health/probes/verdict.ts';
import { parseDuration } from '../../lib/duration.ts';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import { unquoteGo } from '../../lib/go-unquote.ts';
import { formatHost, formatHostPort } from '../../lib/host-port.ts';
import type { WrittenServer } from './schema.ts';

type Settings = NonNullable<WrittenServer['healthcheck']>;

/** What is wrong with the settings of a kind, each beginning with the key. */
export const CHECK_FAULTS = {
  none: () => [],
  ping: () => [],
  probe: probeFaults,
  // No output is one, too: without expectations a program that ends well and says nothing finds its backend well.
  exec: ({ exec_command: command }) => (command ? [] : ['exec_command is required for kind "exec"']),
} as const satisfies Record<string, (settings: Settings) => string[]>;

type KindName = keyof typeof CHECK_FAULTS;

const PROBES = {
  ping: () => (instance) => ({
    ...tcp,
    probe: (spec, context) =>
      tcp.probe({ ...spec, tcp: formatHostPort(instance.host, instance.port) }, context),
  }),
  probe: expectedAnswer,
  exec:
    ({
      exec_command: command = '',
      exec_expected_positive_output: positive = '',
      exec_expected_negative_output: negative = '',
    }) =>
    ({ host, port }) =>
      // Programs put a colon and the port behind it, as gobetween does.
      verdictProbe({ command: [command, formatHost(host), `${port}`], positive, negative }),
} as const satisfies Record<
  Exclude<KindName, 'none'>,
  (settings: Settings) => (instance: DiscoveredInstance) => ProbeKind
>;

/** Undefined: nothing is checked. The settings have no faults. */
export function checkPlan(settings: Settings): CheckPlan | undefined {
  const { kind, interval, timeout, fails, passes, initial_status: initial } = settings;
  if (kind === 'none') return undefined;
  return {
    probe: PROBES[kind as keyof typeof PROBES](settings),
    interval: parseDuration(interval) ?? 0,
    timeout: parseDuration(timeout) ?? 0,
    fails,
    passes,
    startsHealthy: initial !== 'unhealthy',
  };
}

function probeFaults(settings: Settings): string[] {
  const { probe_protocol: protocol = '', probe_send: send = '', probe_recv: recv = '' } = settings;
  const { probe_strategy: strategy, probe_recv_len: length = 0 } = settings;
  const faults: string[] = [];
  if (!(EXPECT_PROTOCOLS as readonly string[]).includes(protocol))
    faults.push(`probe_protocol: expected one of ${EXPECT_PROTOCOLS.join(', ')}, got "${protocol}"`);
  if (send === '' || recv === '') faults.push('kind "probe" needs both probe_send and probe_recv');
  if (unquoteGo(send) === undefined)
    faults.push(`probe_send: an escape in "${send}" is none of \\n \\r \\t \\xNN …`);
  if (strategy === 'starts_with') {
    if (length > 0) faults.push('probe_recv_len is of no use with probe_strategy "starts_with"');
    if (unquoteGo(recv) === undefined)
      faults.push(`probe_recv: an escape in "${recv}" is none of \\n \\r \\t \\xNN …`);
  } else if (strategy === 'regexp') {
    if (length === 0) faults.push('probe_recv_len is required for probe_strategy "regexp"');
    try {
      compileGoRegexp(recv);
    } catch (error) {
      faults.push(`probe_recv: ${messageOf(error)}`);
    }
  } else faults.push(`probe_strategy: expected starts_with or regexp, got "${strategy}"`);
  return faults;
}

function expectedAnswer(settings: Settings): (instance: DiscoveredInstance) => ProbeKind {
  const {
    probe_protocol: protocol,
    probe_send: send = '',
    probe_recv: recv = '',
    probe_recv_len: length = 0,
  } = settings;
  const expected = unquoteGo(recv) ?? Buffer.alloc(0);
  const pattern = settings.probe_strategy === 'regexp' ? compileGoRegexp(recv) : undefined;
  const rest = {
    protocol: protocol as (typeof EXPECT_PROTOCOLS)[number],
    send: unquoteGo(send) ?? Buffer.alloc(0),
    length: pattern === undefined ? expected.length : length,
    matches: (answer: Buffer) =>
      pattern === undefined ? answer.equals(expected) : pattern.test(answer.toString()),
  };
  return ({ host, port }) => expectProbe({ host, port, ...rest });
}
