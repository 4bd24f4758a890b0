import { Copyable } from '../parts/copy.tsx';
import { TokenForm } from '../parts/token-field.tsx';
import { useHasToken } from '../token.ts';

const POLICY = `operator = "read"
agent_prefix ""   { policy = "read" }
node_prefix ""    { policy = "read" }
service_prefix "" { policy = "read" }
key_prefix ""     { policy = "read" }
session_prefix "" { policy = "read" }
event_prefix ""   { policy = "read" }`;

/** The agent is there and does not let us see. */
export function Refused({ refusal }: { refusal: string }) {
  const hasToken = useHasToken();
  return (
    <section class="panel empty" aria-labelledby="refused-title">
      <h1 id="refused-title">This agent asks for a token</h1>
      <p role="status">
        {hasToken ? 'It refused the one that was given' : 'Access control is on, and no token was given'}:{' '}
        <strong>{refusal}</strong>
      </p>
      <TokenForm isFocused />
      <p class="faint">It stays in the memory of this tab: a reload forgets it, and nothing stores it.</p>
      <h2>What the token needs</h2>
      <p>
        The dashboard shows everything, so its token must be allowed to read everything; to act, to write it:
      </p>
      <Copyable text={POLICY} label="the rules of such a policy" />
    </section>
  );
}
