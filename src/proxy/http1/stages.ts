/** Where a client's connection stands. Numbers in order, so that "closing or closed" is one comparison. */

/** Between requests, or inside a request's head. */
export const IDLE = 0;
/** From a request's head to the end of its response. */
export const EXCHANGE = 1;
/** After 101: bytes both ways. */
export const TUNNEL = 2;
/** The last answer is on its way; what still comes is dropped. */
export const DROPPING = 3;
export const CLOSED = 4;
