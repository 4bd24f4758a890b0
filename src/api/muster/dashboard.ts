import { type Live, type LiveOptions, startLive } from './live.ts';
import { Streams } from './stream.ts';

/** The server side of the dashboard: what `/v1/muster/*` answers from. */
export interface Dashboard {
  readonly live: Live;
  readonly streams: Streams;
  /** Idempotent. */
  stop(): void;
}

/** Starts following the catalog and the traffic. To be put into the API's context as `dashboard`. */
export function startDashboard(options: LiveOptions): Dashboard {
  const live = startLive(options);
  const streams = new Streams(live);
  return {
    live,
    streams,
    stop() {
      streams.stop();
      live.stop();
    },
  };
}
