/**
 * What a client hears from us when no instance can answer it, or none is to be asked, and how its connection goes on.
 * An answer of which the client has a part already cannot be replaced: it is cut.
 */
import { IN_FLIGHT, OWN_4XX, OWN_5XX } from '../counters.ts';
import { closeAccount, openUnread, reportStatus } from './account.ts';
import { OUT } from './memory.ts';
import { composePage, type OwnPage, sentence, undelivered } from './page.ts';
import type { Session } from './session.ts';
import { IDLE } from './stages.ts';

/** The request cannot be trusted or has not come: answered, and nothing after it is read. */
export function refuse(session: Session, status: number, text: string): void {
  if (session.stage === IDLE) {
    session.intake.minor = 1;
    session.intake.isHead = false;
    openUnread(session);
  } else session.engine.counters.overall(IN_FLIGHT, -1);
  send(session, sentence(status, text), session.decideClose(true));
  closeAccount(session);
  session.close();
}

/** The connection goes on if the request was complete. */
export function answer(session: Session, status: number, text: string): void {
  answerWith(session, sentence(status, text));
}

/** The same with a page as it is, and further field lines. */
export function answerWith(session: Session, page: OwnPage): void {
  send(session, page, session.decideClose(false));
  session.over();
}

/** The request's body cannot be read further, or not be passed on. */
export function badBody(session: Session, status: number, text: string): void {
  session.dispatch.release(false);
  if (session.reply.headSent) session.abort();
  else refuse(session, status, text);
}

/** What the backend says cannot be understood. */
export function badResponse(session: Session, why: string): void {
  session.dispatch.release(false);
  session.span?.failed('bad-response');
  if (session.reply.headSent) session.abort();
  else answer(session, 502, `${service(session)} sent a response that is not valid HTTP/1.1: ${why}`);
}

/** Every candidate was tried, or the request may not be sent again. */
export function undeliverable(session: Session): void {
  if (session.reply.headSent) {
    session.abort();
    return;
  }
  const { status, text } = undelivered(session.dispatch.failure, service(session));
  answer(session, status, text);
}

/** A request was sent, and the rest of it or its response has not come in time. */
export function tooLate(session: Session): void {
  const waitsForClient = !session.intake.body.done && !session.upstreamSlow;
  session.dispatch.release(false);
  session.span?.failed('timeout');
  if (session.reply.headSent) session.abort();
  else if (waitsForClient) refuse(session, 408, 'the request body did not arrive in time');
  else
    answer(
      session,
      504,
      `${service(session)} did not answer in time. Try again, or look at its instances' health and load`,
    );
}

function send(session: Session, page: OwnPage, closes: boolean): void {
  const { exchange, intake } = session;
  const { counters, memory, date, time } = session.engine;
  const { status } = page;
  reportStatus(session, status);
  // What cannot be understood as a request has no beginning.
  counters.own(status, session.stage === IDLE ? 0 : time - session.startedAt);
  if (status >= 400) counters.overall(status < 500 ? OWN_4XX : OWN_5XX);
  const connection = closes ? 'close' : intake.minor === 0 ? 'keep-alive' : undefined;
  session.sendToClient(OUT, composePage(memory, OUT, page, { isHead: intake.isHead, connection, date }));
  if (exchange !== undefined) exchange.size = intake.isHead ? 0 : Buffer.byteLength(page.body);
}

function service({ dispatch }: Session): string {
  return `service ${dispatch.route?.service ?? '?'}`;
}
