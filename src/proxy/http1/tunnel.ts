/** A connection that has left HTTP by an upgrade: bytes go both ways as they are, and the end of each side is passed on by itself. */
import { IN_FLIGHT, TUNNELS } from '../counters.ts';
import { reportStatus } from './account.ts';
import { READ } from './memory.ts';
import type { Session } from './session.ts';
import { TUNNEL } from './stages.ts';

/** The client has been told 101. What it sent behind its request goes to the instance first. */
export function startTunnel(session: Session): void {
  const { dispatch, engine, intake } = session;
  const { route, target } = dispatch;
  engine.counters.answered(route!.slot, target!.slot, 101, engine.time - session.startedAt);
  reportStatus(session, 101);
  session.span?.answered(101);
  engine.outcomes.answered(target!);
  session.stage = TUNNEL;
  dispatch.settled();
  engine.counters.overall(TUNNELS);
  const { carry } = intake;
  while (carry.length > 0) {
    const end = carry.load(engine.memory);
    session.sendUpstream(READ, end);
    carry.skip(end - READ);
  }
  if (session.clientEnded) dispatch.upstream?.end();
  session.settle();
  session.arm();
}

/** It is over. To be told once, by whoever hears of it first. */
export function countTunnelOut({ engine: { counters } }: Session): void {
  counters.overall(IN_FLIGHT, -1);
  counters.overall(TUNNELS, -1);
}
