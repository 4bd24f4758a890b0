/** `[balancer.limits]`: the data path's own limits, with the data path's own defaults. */
import * as z from 'zod';
import { formatDuration } from '../../lib/duration.ts';
import { DEFAULT_LIMITS, HARD_LIMITS } from '../../proxy/limits.ts';
import { bytes, duration } from './fields.ts';

const limitDuration = (name: keyof typeof DEFAULT_LIMITS) =>
  duration({ least: 1 }).prefault(formatDuration(DEFAULT_LIMITS[name]));

export const limitsSchema = z
  .strictObject({
    maxConnections: z
      .int()
      .min(1)
      .default(DEFAULT_LIMITS.maxConnections)
      .describe(
        'Client connections at a time, for each worker. Leaves room for as many to instances below the usual limit of open files.',
      ),
    maxLine: bytes({ least: 256, most: HARD_LIMITS.maxHead })
      .prefault(DEFAULT_LIMITS.maxLine)
      .describe('Longest request, status or header line. Cookies of 4 kB fit twice.'),
    maxFields: z
      .int()
      .min(8)
      .max(HARD_LIMITS.maxFields)
      .default(DEFAULT_LIMITS.maxFields)
      .describe('Header lines of a message. Browsers send about 20, proxies in front add 10.'),
    maxHead: bytes({ least: 1024, most: HARD_LIMITS.maxHead })
      .prefault(DEFAULT_LIMITS.maxHead)
      .describe('A whole head with its start line. Four lines of full length.'),
    headTimeout: limitDuration('headTimeout').describe(
      'Until a client has sent the head of a request. Generous for a phone, short against those who send slowly on purpose.',
    ),
    keepAliveTimeout: limitDuration('keepAliveTimeout').describe(
      'An idle client connection. Longer than the 60 s of common balancers in front, so that they close first.',
    ),
    bodyTimeout: limitDuration('bodyTimeout').describe('Silence inside the body of a request.'),
    connectTimeout: limitDuration('connectTimeout').describe(
      'Until a connection to an instance stands; then the next instance is tried. Longer than one lost packet (1 s).',
    ),
    responseTimeout: limitDuration('responseTimeout').describe(
      'From the end of a request to the first byte of its response; then 504.',
    ),
    responseSilence: limitDuration('responseSilence').describe('Silence inside a response.'),
    stallTimeout: limitDuration('stallTimeout').describe(
      'A peer that takes nothing of what there is for it.',
    ),
    tunnelTimeout: limitDuration('tunnelTimeout').describe(
      'Silence on an upgraded connection (WebSocket), both directions. People leave tabs open.',
    ),
    upstreamIdleTimeout: limitDuration('upstreamIdleTimeout').describe(
      'An idle connection to an instance. Below the 5 s after which Node programs close theirs.',
    ),
    lameDuck: duration()
      .prefault(formatDuration(DEFAULT_LIMITS.lameDuck))
      .describe(
        'How long a balancer that stops goes on answering what comes on open connections, each with `Connection: close`, before it ends idle ones.',
      ),
    maxInFlight: z
      .int()
      .min(0)
      .default(DEFAULT_LIMITS.maxInFlight)
      .describe(
        'Requests in flight on one instance at most, for each worker, where its tag does not say so (`maxconn=`); what is beyond waits. 0: as many as there are.',
      ),
    maxWaiting: z
      .int()
      .min(0)
      .default(DEFAULT_LIMITS.maxWaiting)
      .describe('Requests of one route that wait for room; the next one is answered 503 at once.'),
    waitTimeout: limitDuration('waitTimeout').describe(
      'How long a request waits for room; then it is answered 503 with Retry-After, and at once when those before it get on too slowly for its turn to come in that time.',
    ),
    retryShare: z
      .number()
      .min(0)
      .max(1)
      .default(DEFAULT_LIMITS.retryShare)
      .describe(
        'Requests that are sent to another instance after the first one cut them off or answered 502, 503 or 504, as a share of all; ten a second are allowed in any case. Only GET, HEAD and OPTIONS.',
      ),
    maxIdlePerTarget: z
      .int()
      .min(0)
      .default(DEFAULT_LIMITS.maxIdlePerTarget)
      .describe('Idle connections kept for each instance and worker.'),
  })
  .prefault({})
  .describe('What a peer may ask of the data path, and how long it may keep it waiting.');
