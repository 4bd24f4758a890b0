import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { json } from '../reply.ts';
import type { KeyVersions } from './wire-history.ts';

export const keyHistory = endpoint({
  method: 'GET',
  path: '/v1/muster/history/key',
  needs: 'checked',
  summary: 'The values that a key had, newest first, as far back as this agent remembers',
  query: { key: 'which key' },
  handler(context, request) {
    const key = request.query.get('key');
    if (key === '') throw badRequest('Missing ?key=');
    request.authorize('key', 'read', key);
    if (context.keyHistory === undefined) throw new HttpError(404, 'This agent keeps no history');
    const versions = context.keyHistory.versions(key).map(({ index, time, value }) => ({
      index,
      time: time === undefined ? null : new Date(time).toISOString(),
      value: value === undefined ? null : Buffer.from(value).toString('base64'),
    }));
    const answer: KeyVersions = { key, versions };
    return json(answer);
  },
});
