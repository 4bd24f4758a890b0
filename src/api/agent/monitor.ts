import { formatBracketed, formatJson, LOG_LEVELS, type LogLevel } from '../../lib/log.ts';
import { whileAdmitted } from '../access.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { taken } from '../reply.ts';
import { agentOf } from './context.ts';

/** Bytes that wait for a slow reader; above it lines are left out, and their number is said. */
const MAX_BEHIND = 256 * 1024;

export const monitor = endpoint({
  method: 'GET',
  path: '/v1/agent/monitor',
  needs: 'agent:read',
  isLocal: true,
  summary: 'The log of this agent from now on, line by line, until the client goes away',
  query: { loglevel: 'trace, debug, info (unless told otherwise), warn or error', logjson: 'lines of JSON' },
  handler(context, request) {
    const { query, signal } = request;
    const wanted = query.get('loglevel') === '' ? 'info' : query.get('loglevel').toLowerCase();
    const level = (wanted === 'err' ? 'error' : wanted) as LogLevel;
    const least = LOG_LEVELS.indexOf(level);
    if (least < 0) throw badRequest(`Bad request: Unknown log level: ${query.get('loglevel')}`);
    const agent = agentOf(context);
    const format = query.has('logjson') ? formatJson : formatBracketed;
    return taken((response) => {
      response.setHeader(
        'Content-Type',
        query.has('logjson') ? 'application/json' : 'text/plain; charset=utf-8',
      );
      response.flushHeaders();
      let left = 0;
      const end = agent.tailLog((line) => {
        if (LOG_LEVELS.indexOf(line.level) < least) return;
        if (response.writableLength > MAX_BEHIND) {
          left++;
          return;
        }
        if (left > 0) response.write(`${left} lines left out: the reader is too slow\n`);
        left = 0;
        response.write(format(line));
      });
      return new Promise((resolve) => {
        let release = () => {};
        const stop = () => {
          end();
          release();
          response.end();
          resolve();
        };
        release = whileAdmitted(context, request, 'agent:read', stop);
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      });
    });
  },
});
