import { messageOf } from '../errors.ts';
import type { ServerParts } from './server-parts.ts';

/** For an answer of another server to what it is to do, in ms. */
const TIMEOUT = 2_000;
/** To what it is asked for: one that takes longer is known by the others. */
const SHORT_TIMEOUT = 1_000;

/** Has all other servers do something. Answers which failed, by name, and why. */
export async function spread(
  server: ServerParts,
  name: string,
  request: unknown,
): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  await Promise.all(
    server.book.others().map((entry) =>
      server.gossip
        .callerTo(entry)
        .call(name, request, TIMEOUT)
        .catch((error: unknown) => {
          failed.set(entry.name, messageOf(error));
        }),
    ),
  );
  return failed;
}

/** The answers of those other servers that give one. */
export async function askReachable<Answer>(
  server: ServerParts,
  name: string,
  request: unknown,
): Promise<Answer[]> {
  const answers = await Promise.all(
    server.gossip.reachable().map(({ entry }) =>
      server.gossip
        .callerTo(entry)
        .call<Answer>(name, request, SHORT_TIMEOUT)
        // It goes, stands still, or is of a version that knows no such call.
        .catch(() => undefined),
    ),
  );
  return answers.filter((one) => one !== undefined);
}
