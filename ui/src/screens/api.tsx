import { useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import { useAnswer } from '../api.ts';
import { curlExample } from '../examples.ts';
import { formatDuration, formatMany } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Copyable } from '../parts/copy.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { tokenHeaders, useHasToken } from '../token.ts';
import { addressOfCall, type Call, callsOf, missingField, type OpenApi } from './api-calls.ts';

const PATH = '/v1/muster/openapi.json';
/** Characters of an answer that are drawn. */
const SHOWN = 100_000;

/** What can be asked of this agent, and what does it say? What is looked for and the call that is open stand in the address. */
export function Api({ about, query }: { about: About; query: URLSearchParams }) {
  const { value: reference, trouble } = useAnswer<OpenApi>(PATH);
  const wanted = query.get('q') ?? '';
  const open = query.get('call') ?? '';
  const groups = reference === undefined ? [] : callsOf(reference, wanted);
  const count = groups.reduce((sum, [, calls]) => sum + calls.length, 0);
  const choose = (changes: Record<string, string>) =>
    go(`/ui/api${withQuery(query, changes)}`, { replace: true });
  return (
    <>
      <h1>API</h1>
      <Trouble text={trouble} />
      <div class="filter">
        <SearchField label="Find by path or what it does" value={wanted} choose={(q) => choose({ q })} />
        <span class="faint">{formatMany(count, 'call')} of this agent, each to be tried here</span>
      </div>
      {groups.map(([tag, calls]) => (
        <section key={tag} class="panel flush calls" aria-label={tag}>
          <h2>{tag}</h2>
          <ul>
            {calls.map((call) => (
              <li key={call.id}>
                <button
                  type="button"
                  class="call"
                  aria-expanded={call.id === open}
                  onClick={() => choose({ call: call.id === open ? '' : call.id })}
                >
                  <span class={`method ${call.method === 'GET' ? 'reads' : 'writes'}`}>{call.method}</span>
                  <code>{call.path}</code>
                  <span class="faint">{call.summary}</span>
                </button>
                {call.id === open && <TryOut key={call.id} call={call} about={about} />}
              </li>
            ))}
          </ul>
        </section>
      ))}
      {reference !== undefined && count === 0 && <p class="none">No call fits.</p>}
      <p class="source">
        All of this as OpenAPI 3.1: <a href={PATH}>GET {PATH}</a>
      </p>
    </>
  );
}

interface Told {
  readonly status: string;
  readonly isGood: boolean;
  readonly took: number;
  readonly index: string | null;
  readonly text: string;
}

function TryOut({ call, about }: { call: Call; about: About }) {
  const [fields, setFields] = useState<Record<string, string>>({});
  const [body, setBody] = useState('');
  const [stage, setStage] = useState<'idle' | 'asking' | 'busy'>('idle');
  const [told, setTold] = useState<Told | undefined>();
  const hasToken = useHasToken();
  const { method, parameters, requestBody } = call;
  const address = addressOfCall(call, fields);
  const missing = missingField(call, fields);
  const takesBody = requestBody !== undefined;

  const send = async (): Promise<void> => {
    setStage('busy');
    setTold(await answerTo(method, address, takesBody ? body : undefined));
    setStage('idle');
  };
  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault();
        // What changes something is asked first.
        if (method === 'GET' || stage === 'asking') void send();
        else setStage('asking');
      }}
    >
      {parameters.map(({ name, in: place, description }) => (
        <label key={name}>
          <span>
            <code>{place === 'path' ? `{${name}}` : `?${name}`}</code>
          </span>
          <input
            type="text"
            autocomplete="off"
            spellcheck={false}
            placeholder={description ?? ''}
            title={description ?? ''}
            value={fields[name] ?? ''}
            onInput={({ currentTarget }) => setFields({ ...fields, [name]: currentTarget.value })}
          />
        </label>
      ))}
      {takesBody && (
        <label>
          <span>Body</span>
          <textarea
            rows={5}
            spellcheck={false}
            placeholder={requestBody.description ?? 'JSON'}
            value={body}
            onInput={({ currentTarget }) => setBody(currentTarget.value)}
          />
        </label>
      )}
      <Copyable
        text={curlExample(about, { method, path: address, body: takesBody ? body : '', hasToken })}
        label="the same with curl"
      />
      <p class="actions">
        {stage === 'asking' && (
          <span>
            Sends {method} {address} to {about.node}.
          </span>
        )}
        <button type="submit" class="primary small" disabled={missing !== undefined || stage === 'busy'}>
          {method === 'GET' ? 'Try it' : 'Send it'}
        </button>
        {stage === 'asking' && (
          <button type="button" class="quiet small" onClick={() => setStage('idle')}>
            Leave it
          </button>
        )}
        {missing !== undefined && <span class="faint">Fill in {`{${missing}}`} first.</span>}
      </p>
      <div role="status">
        {told !== undefined && (
          <>
            <p>
              <strong class={told.isGood ? 'passing' : 'critical'}>{told.status}</strong>{' '}
              <span class="faint">
                {formatDuration(told.took)}
                {told.index !== null && ` · X-Consul-Index ${told.index}`}
              </span>
            </p>
            {told.text !== '' && <pre class="answer">{told.text}</pre>}
          </>
        )}
      </div>
    </form>
  );
}

/** Never rejects: that there is no answer is one too. */
async function answerTo(method: string, address: string, body: string | undefined): Promise<Told> {
  const began = performance.now();
  try {
    const response = await fetch(address, {
      method,
      headers: tokenHeaders(),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return {
      status: `${response.status} ${response.statusText}`,
      isGood: response.ok,
      took: performance.now() - began,
      index: response.headers.get('X-Consul-Index'),
      text: readable(text),
    };
  } catch {
    return {
      status: 'no answer',
      isGood: false,
      took: performance.now() - began,
      index: null,
      text: '',
    };
  }
}

/** JSON with its lines indented; of anything else, and of what is long, the beginning. */
function readable(text: string): string {
  let shown = text;
  try {
    if (text.length <= SHOWN) shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Figures for Prometheus, a value of a key.
  }
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}\n… ${shown.length - SHOWN} characters more` : shown;
}
