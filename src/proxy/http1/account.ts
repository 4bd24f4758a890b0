/** What is told of an exchange, where anything is: its line in the access log, the spans of its trace. */
import type { Session } from './session.ts';
import { RequestSpan } from './spans.ts';

/** A request's head was read, and nothing of it is changed yet. */
export function openAccount(session: Session): void {
  const { engine } = session;
  const { memory, request, extras } = engine;
  session.exchange = engine.log?.begin(memory, request, session.proto);
  if (extras === undefined) return;
  extras.enter(memory, request.fields);
  if (!engine.records(extras.trace)) return;
  session.span = new RequestSpan(extras.trace, memory, request, {
    address: session.intake.address,
    port: session.remotePort,
    secure: session.frontend.secure,
    proto: session.proto ?? (request.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1'),
  });
}

/** There is no head to tell of, as it cannot be understood, or has not come: the log tells who was refused. */
export function openUnread(session: Session): void {
  session.exchange = session.engine.log?.unread(session.proto);
}

/** The status of the final answer is known. */
export function reportStatus({ exchange, span }: Session, status: number): void {
  if (exchange !== undefined) exchange.status = status;
  if (span !== undefined) span.status = status;
}

/** The exchange is over, one way or the other. Without effect when that was told before. */
export function closeAccount(session: Session): void {
  const { exchange, span, engine } = session;
  if (exchange === undefined && span === undefined) return;
  const { route, target } = session.dispatch;
  if (exchange !== undefined) {
    session.exchange = undefined;
    exchange.target = target;
    exchange.service = route?.service ?? '';
    engine.log?.end(exchange, session.intake.address, session.remotePort, session.frontend.secure);
  }
  if (span !== undefined) {
    session.span = undefined;
    engine.onSpans?.(span.end(route));
  }
}
