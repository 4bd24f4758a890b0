import { parseRecursor } from '../../dns/recursors.ts';
import { MusterError } from '../../errors.ts';
import { isFieldName } from '../../lib/field-name.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Flags, FlagValues } from '../flags.ts';
import { Clients } from '../load/clients.ts';
import { runHttpLoad } from '../load/http-load.ts';
import { lookupAt } from '../load/lookup.ts';
import { summarize } from '../load/summary.ts';
import { runTcpLoad } from '../load/tcp-load.ts';
import { againText, count, countsText, histogramText, ms, summaryText } from '../load/text.ts';
import { JSON_FLAG, json } from '../output.ts';
import { type Terminal, verb } from '../verb.ts';

/** A request that went out this long after its time, in ms, makes the result doubtful. */
const LATE = 100;

const flags = {
  requests: { kind: 'integer', summary: 'How many requests.', default: '6000, or -rate times -duration' },
  duration: {
    kind: 'duration',
    summary: 'Within which time; for connections, how long they are held.',
    default: '60s',
  },
  rate: {
    kind: 'number',
    summary: 'Requests, or new connections, a second.',
    default: '-requests over -duration; 500 connections',
  },
  timeout: { kind: 'duration', summary: 'How long a request or a connect may take.', default: '10s' },
  connections: {
    kind: 'integer',
    summary: 'tcp: how many to hold; http: most of a client at a time.',
    default: '100; 4096',
  },
  clients: {
    kind: 'integer',
    summary: 'http: so many send in turn, each on connections of its own; browsers have at most 6 each.',
    default: '1',
  },
  hold: { kind: 'integer', summary: 'tcp: how many connections to hold; another word for -connections.' },
  resolver: {
    kind: 'string',
    value: 'HOST:PORT',
    summary: 'http: the name server that is asked for the host, such as 127.0.0.1:8600.',
  },
  'keep-alive': {
    kind: 'boolean',
    summary: 'Use a connection for more than one request; on unless told otherwise.',
  },
  method: { kind: 'string', value: 'METHOD', summary: 'HTTP method.', default: 'GET' },
  header: { kind: 'list', value: '"NAME: VALUE"', summary: 'A header to send.' },
  ...JSON_FLAG,
} as const satisfies Flags;

export const load = verb({
  about:
    'The rate does not depend on the answers, and each latency counts from the moment at which the request was due. Success is a whole answer with a status below 400; avg to p99 are those of successes. Exits with 1 when anything failed. Ctrl-C ends it early, with the result so far.',
  args: ['URL'],
  examples: [
    { command: 'muster load http://127.0.0.1:9999/hello/api/v1 -requests 6000 -duration 60s' },
    {
      command: 'muster load http://127.0.0.1:9999/ -rate 1000 -duration 10s -keep-alive=false',
      does: 'a new connection each',
    },
    {
      command: 'muster load -hold 500 tcp://127.0.0.1:5000 -duration 5m',
      does: 'hold 500 connections',
    },
    {
      command: 'muster load http://web.service.consul:8080/ -resolver 127.0.0.1:8600 -rate 100',
      does: 'by a name that only that server knows',
    },
  ],
  flags,
  async run({ flags, args: [address = ''], terminal }) {
    const url = parseUrl(address);
    for (const name of ['requests', 'rate', 'connections', 'clients', 'hold', 'duration', 'timeout'] as const)
      if (flags[name] !== undefined && flags[name] <= 0)
        throw new MusterError('usage', `-${name} has to be above 0`);
    if (flags.hold !== undefined && (url.protocol !== 'tcp:' || flags.connections !== undefined))
      throw new MusterError('usage', '-hold is for tcp://, and instead of -connections');
    if (flags.resolver !== undefined && url.protocol === 'tcp:')
      throw new MusterError('usage', '-resolver is for http://');
    const early = new AbortController();
    const onInterrupt = (): void => early.abort();
    process.once('SIGINT', onInterrupt);
    try {
      return url.protocol === 'tcp:'
        ? await holdConnections(url, flags, terminal, early.signal)
        : await sendRequests(url, flags, terminal, early.signal);
    } finally {
      process.off('SIGINT', onInterrupt);
    }
  },
});

function parseUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['http:', 'https:', 'tcp:'].includes(url.protocol))
    throw new MusterError('usage', `expected http://…, https://… or tcp://host:port, got "${address}"`);
  if (url.protocol === 'tcp:' && url.port === '') throw new MusterError('usage', `${address} names no port`);
  return url;
}

type Values = FlagValues<typeof flags>;

async function sendRequests(
  url: URL,
  values: Values,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const duration = values.duration ?? 60_000;
  const requests =
    values.requests ??
    (values.rate === undefined ? 6000 : Math.max(1, Math.round((values.rate * duration) / 1000)));
  const rate = values.rate ?? (requests * 1000) / duration;
  const method = methodOf(values.method ?? 'GET');
  const headers = headersOf(values.header ?? []);
  if (!values.json)
    terminal.err(
      `${count(requests)} requests, ${count(Math.round(rate * 10) / 10)} a second, to ${url.href}\n`,
    );
  const clients = new Clients({
    url,
    clients: values.clients ?? 1,
    connections: values.connections ?? 4096,
    keepAlive: values['keep-alive'] ?? true,
    lookup: values.resolver === undefined ? undefined : lookupAt(resolverOf(values.resolver)),
  });
  const result = await runHttpLoad({
    url,
    method,
    headers,
    requests,
    rate,
    timeout: values.timeout ?? 10_000,
    clients,
    signal,
  });
  clients.close();
  const summary = summarize(result.latencies, result.failed);
  const { statuses, failures, again, bytes, took, latest } = result;
  if (values.json) {
    terminal.out(json({ ...summary, statuses, failures, again, bytes, took, latest }));
  } else {
    terminal.out(`\n${summaryText(summary, 'Request')}`);
    if (Object.keys(statuses).length > 0) terminal.out(`\nStatus\n${countsText(statuses)}`);
    if (summary.fail > 0) terminal.out(`\nFailures\n${countsText(failures)}`);
    if (again.refused + again.closed > 0) terminal.out(`\nTried again: ${againText(again)}\n`);
    if (summary.histogram.length > 0) terminal.out(`\nLatency\n${histogramText(summary.histogram)}`);
    if (latest > LATE)
      terminal.err(
        `\nSome requests went out up to ${ms(latest)} ms after their time: this machine is too busy for the rate.\n`,
      );
  }
  return summary.fail === 0 && summary.success > 0 ? 0 : 1;
}

async function holdConnections(
  url: URL,
  values: Values,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const connections = values.hold ?? values.connections ?? 100;
  const duration = values.duration ?? 60_000;
  if (!values.json)
    terminal.err(`${count(connections)} connections to ${url.host}, held for ${count(duration / 1000)} s\n`);
  const result = await runTcpLoad({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    connections,
    rate: values.rate ?? 500,
    timeout: values.timeout ?? 10_000,
    duration,
    signal,
  });
  const summary = summarize(result.latencies, result.failed);
  const { dropped, held, failures, took } = result;
  if (values.json) {
    terminal.out(json({ ...summary, dropped, held, failures, took }));
  } else {
    terminal.out(`\n${summaryText(summary, 'Connection')}`);
    terminal.out(`Held to the end: ${count(held)}, ended by the other side: ${count(dropped)}\n`);
    if (summary.fail > 0) terminal.out(`\nFailures\n${countsText(failures)}`);
    if (summary.histogram.length > 0) terminal.out(`\nTime to connect\n${histogramText(summary.histogram)}`);
  }
  return summary.fail === 0 && dropped === 0 && summary.success > 0 ? 0 : 1;
}

function resolverOf(text: string): string {
  const server = parseRecursor(text);
  if (server === undefined)
    throw new MusterError('usage', `-resolver: expected an address such as 127.0.0.1:8600, got "${text}"`);
  return formatHostPort(server.host, server.port);
}

function methodOf(text: string): string {
  // The same letters as in names of fields.
  if (isFieldName(text)) return text;
  throw new MusterError('usage', `-method: expected a method such as GET, got "${text}"`);
}

function headersOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((text) => {
      const [, name = '', value = ''] = /^([^:]*):\s*(.*?)\s*$/s.exec(text) ?? [];
      // What else there is in it could not be sent.
      if (!isFieldName(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value))
        throw new MusterError('usage', `-header: expected "NAME: VALUE", got "${text}"`);
      return [name, value];
    }),
  );
}
