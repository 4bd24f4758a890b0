import { useEffect, useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import type { ExplainStep, Explanation } from '../../../src/api/muster/wire-answers.ts';
import { call } from '../api.ts';
import { shortened } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { StateShape } from '../parts/state.tsx';

type Answer = { kind: 'path'; explanation: Explanation } | { kind: 'refused'; message: string };

/** Asks where a URL goes, and shows the way. The URL stands in the address, so an answer can be shared. */
export function Explain({
  about,
  query,
  version,
}: {
  about: About;
  query: URLSearchParams;
  version: number;
}) {
  const asked = query.get('url') ?? '';
  const [text, setText] = useState(asked);
  const [answer, setAnswer] = useState<Answer | undefined>();
  useEffect(() => {
    if (asked === '') {
      setAnswer(undefined);
      return;
    }
    const gone = new AbortController();
    void ask(asked, gone.signal).then((got) => got && setAnswer(got));
    return () => gone.abort();
    // Asked again when routes or instances change: the answer is as live as the rest.
  }, [asked, version]);
  const door = about.balancer[0] ?? '127.0.0.1:9999';
  return (
    <section class="panel explain" aria-labelledby="explain-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go(`/ui/routes${withQuery(query, { url: text.trim() })}`, { replace: true });
        }}
      >
        <label id="explain-title" for="explain-url">
          Where does a request go?
        </label>
        <div class="ask">
          <input
            id="explain-url"
            type="text"
            inputMode="url"
            autocomplete="off"
            spellcheck={false}
            placeholder={`http://${door}/path`}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
          <button type="submit" class="primary">
            Explain
          </button>
        </div>
      </form>
      {answer?.kind === 'refused' && (
        <p class="critical" role="alert">
          {answer.message}
        </p>
      )}
      {answer?.kind === 'path' && <Way explanation={answer.explanation} />}
    </section>
  );
}

const KINDS: Record<Exclude<ExplainStep['kind'], 'candidate'>, string> = {
  listener: 'Listener',
  route: 'Route',
  end: 'Answer',
};

function Way({ explanation: { steps } }: { explanation: Explanation }) {
  return (
    <ol class="way" aria-live="polite" aria-label="The way of the request">
      {steps.map((step, index) => (
        <li key={`${index} ${step.title}`} class={step.taken ? step.kind : `${step.kind} passed`}>
          <span class="kind">{kindOf(steps, index)}</span>
          <span class="what">
            {step.state !== null && <StateShape state={step.state} />}
            <code title={step.title}>{shortened(step.title)}</code>
          </span>
          <span class="reason">{step.reason}</span>
        </li>
      ))}
    </ol>
  );
}

/** One of the candidates gets the request, "to" the first "or" another; those held back are "not" among them. */
function kindOf(steps: readonly ExplainStep[], index: number): string {
  const step = steps[index] as ExplainStep;
  if (step.kind !== 'candidate') return KINDS[step.kind];
  if (!step.taken) return 'not';
  return steps[index - 1]?.kind === 'candidate' ? 'or' : 'to';
}

async function ask(url: string, signal: AbortSignal): Promise<Answer | undefined> {
  const answer = await call<Explanation>(`/v1/muster/explain?url=${encodeURIComponent(url)}`, {
    signal,
  }).catch(() => undefined);
  if (answer === undefined) return undefined;
  return answer.kind === 'value'
    ? { kind: 'path', explanation: answer.value }
    : { kind: 'refused', message: answer.message };
}
