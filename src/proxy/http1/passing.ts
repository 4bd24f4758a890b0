/** Bodies of which nothing more has to be looked at: the transport may pass them on from socket to socket, past the engine. */
import { BYTES_IN } from '../counters.ts';
import type { ClientLink } from './links.ts';
import type { Session } from './session.ts';
import { EXCHANGE } from './stages.ts';

/** With less to come it is not worth the change: the transport has most of it already. */
const WORTH_PASSING = 32_768;

export class Passing {
  readonly #session: Session;
  readonly #link: ClientLink;

  constructor(session: Session, link: ClientLink) {
    this.#session = session;
    this.#link = link;
  }

  /** After bytes of the client. */
  offerRequest(): void {
    const { intake, dispatch, stage } = this.#session;
    if (intake.body.done || stage !== EXCHANGE || dispatch.isConnecting) return;
    if (intake.ahead >= WORTH_PASSING && dispatch.upstream !== undefined)
      this.#link.pass?.(dispatch.upstream, intake.ahead);
  }

  /** After bytes of the instance. */
  offerResponse(): void {
    const { reply, dispatch } = this.#session;
    if (reply.ahead >= WORTH_PASSING) dispatch.upstream?.pass?.(this.#link, reply.ahead);
  }

  // What the transport says. `accepted`: as `send` of the other side's link would have said

  /** So much of the request's body has gone to the instance. */
  request(length: number, accepted: boolean): void {
    const session = this.#session;
    session.engine.touch();
    session.engine.counters.overall(BYTES_IN, length);
    if (session.stage !== EXCHANGE) return;
    session.intake.passed(length);
    session.sentUpstream(length, accepted);
    session.settle();
    this.offerRequest();
  }

  /** So much of the response's body has gone to the client. */
  response(length: number, accepted: boolean): void {
    const session = this.#session;
    session.engine.touch();
    session.sentToClient(length, accepted);
    session.reply.passed(length);
  }
}
