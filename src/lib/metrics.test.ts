import { expect, it } from 'vitest';
import { type Family, prometheusText } from './metrics.ts';

it('writes counters, gauges and histograms as Prometheus reads them', () => {
  const families: Family[] = [
    {
      name: 'a_total',
      help: 'Of a \\ and\na line.',
      type: 'counter',
      samples: [
        { labels: {}, value: 3 },
        { labels: { name: 'x "y"\\\n' }, value: Number.POSITIVE_INFINITY },
      ],
    },
    {
      name: 'b_seconds',
      help: 'Of b.',
      type: 'histogram',
      bounds: [0.1, 1],
      samples: [{ labels: { of: 'b' }, counts: [1, 2, 4], sum: 9.5 }],
    },
    { name: 'gone', help: 'Of nothing any more.', type: 'gauge', samples: [] },
  ];
  expect(prometheusText(families)).toBe(`# HELP a_total Of a \\\\ and\\na line.
# TYPE a_total counter
a_total 3
a_total{name="x \\"y\\"\\\\\\n"} +Inf
# HELP b_seconds Of b.
# TYPE b_seconds histogram
b_seconds_bucket{of="b",le="0.1"} 1
b_seconds_bucket{of="b",le="1"} 3
b_seconds_bucket{of="b",le="+Inf"} 7
b_seconds_sum{of="b"} 9.5
b_seconds_count{of="b"} 7
`);
});
