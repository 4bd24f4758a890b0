import { type Metrics, single } from './metric.ts';

/** What comes in over the API. */
export const doorMetrics: Metrics = {
  muster_api_requests_total: {
    type: 'counter',
    help: 'Requests to the HTTP API by family of endpoints ("kv", "health", …) and class of the answer.',
    labels: ['family', 'class'],
    read: ({ api }) => api.samples(),
  },
  muster_api_blocked_queries: single(
    'gauge',
    'Reads that wait for a change.',
    ({ catalog }) => catalog.watches.size,
  ),
  muster_dashboard_streams: single(
    'gauge',
    'Open event streams: one for each tab with the dashboard.',
    ({ dashboard }) => dashboard?.streams.size,
  ),
};
