import type { HeatMap } from '../../../src/api/muster/wire-answers.ts';
import { useAnswer } from '../api.ts';
import { HeatMapChart } from './heat-map.tsx';

/** The heat map of a service, or of all traffic. It says nothing while nothing was measured. */
export function LatencyPanel({ service = '' }: { service?: string }) {
  const path = `/v1/muster/latency${service === '' ? '' : `?service=${encodeURIComponent(service)}`}`;
  const { value: map } = useAnswer<HeatMap>(path, 'latency');
  if (map === undefined) return null;
  return (
    <section class="panel" aria-labelledby="latency-title">
      <div class="head">
        <h2 id="latency-title">How long answers took</h2>
      </div>
      <HeatMapChart map={map} />
    </section>
  );
}
