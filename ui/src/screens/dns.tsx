import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import type { Lookup, LookupRecord } from '../../../src/api/muster/wire-answers.ts';
import { call } from '../api.ts';
import { digExample } from '../examples.ts';
import { formatDuration, formatSpan } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Copyable } from '../parts/copy.tsx';
import { Source } from '../parts/source.tsx';

const TYPES = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'PTR', 'NS', 'SOA', 'ANY'] as const;

/** What is the address of this name? Question and answer stand in the address of the page. */
export function Dns({
  about,
  query,
  services,
}: {
  about: About;
  query: URLSearchParams;
  services: readonly string[];
}) {
  const name = query.get('name') ?? '';
  const type = TYPES.find((one) => one === query.get('type')) ?? 'A';
  const [draft, setDraft] = useState(name);
  const [draftType, setDraftType] = useState<string>(type);
  const [answer, setAnswer] = useState<Lookup | undefined>();
  const [trouble, setTrouble] = useState('');
  const [asked, setAsked] = useState(0);
  const path = `/v1/muster/dns?name=${encodeURIComponent(name)}&type=${type}`;
  // At once: what is typed before the first frame is drawn stays.
  useLayoutEffect(() => {
    setDraft(name);
    setDraftType(type);
  }, [name, type]);
  useEffect(() => {
    if (name === '') return;
    const gone = new AbortController();
    call<Lookup>(path, { signal: gone.signal })
      .then((told) => {
        setAnswer(told.kind === 'value' ? told.value : undefined);
        setTrouble(told.kind === 'refused' ? told.message : '');
      })
      .catch(() => {});
    return () => gone.abort();
  }, [path, asked]);
  const ask = (next: string, nextType: string) => {
    setAsked((count) => count + 1);
    go(`/ui/dns${withQuery(new URLSearchParams(), { name: next.trim(), type: nextType })}`, {
      replace: true,
    });
  };
  return (
    <>
      <h1>DNS</h1>
      <section class="panel">
        <form
          class="ask"
          onSubmit={(event) => {
            event.preventDefault();
            ask(draft, draftType);
          }}
        >
          <input
            type="text"
            aria-label="Name to look up"
            placeholder={`web.service.${about.domain}`}
            autocomplete="off"
            spellcheck={false}
            value={draft}
            onInput={({ currentTarget }) => setDraft(currentTarget.value)}
          />
          <select
            aria-label="Type of record"
            value={draftType}
            onChange={({ currentTarget }) => setDraftType(currentTarget.value)}
          >
            {TYPES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <button type="submit" class="primary small">
            Look up
          </button>
        </form>
        {services.length > 0 && (
          <p class="faint examples">
            For instance{' '}
            {services.slice(0, 5).map((service, index) => (
              <span key={service}>
                {index > 0 && ', '}
                <a href={`/ui/dns?name=${encodeURIComponent(`${service}.service.${about.domain}`)}&type=SRV`}>
                  {service}.service.{about.domain}
                </a>
              </span>
            ))}
          </p>
        )}
        {name !== '' && <Copyable text={digExample(about, name, type)} label="the same with dig" />}
      </section>
      <div role="status">
        {trouble !== '' && <p class="notice">{trouble}</p>}
        {name !== '' && answer !== undefined && trouble === '' && <Told answer={answer} />}
      </div>
      {name !== '' && <Source path={path} api={about.api} />}
    </>
  );
}

const MEANINGS: Readonly<Record<string, string>> = {
  NOERROR: 'there is such a name',
  NXDOMAIN: 'there is no such name',
  SERVFAIL: 'the name servers behind could not answer',
  REFUSED: 'this server does not answer for that name',
};

function Told({ answer }: { answer: Lookup }) {
  const { status, took, authoritative, overTcp, answers, authority, additional } = answer;
  const isEmpty = status === 'NOERROR' && answers.length === 0;
  return (
    <section class="panel flush" aria-label="Answer">
      <p class="told">
        <strong class={status === 'NOERROR' ? '' : 'warning'}>{status}</strong>:{' '}
        {isEmpty ? `there is such a name, but no ${answer.type} record` : (MEANINGS[status] ?? 'an error')} ·{' '}
        {formatDuration(took)} · {authoritative ? 'known here' : 'asked elsewhere'}
        {overTcp && ' · over TCP, as it did not fit into a packet'}
      </p>
      <Records title="Answer" records={answers} />
      <Records title="Besides" records={additional} />
      <Records title="Authority" records={authority} />
    </section>
  );
}

/** Records that are drawn: an answer of a large service has thousands. */
const SHOWN = 200;

function Records({ title, records }: { title: string; records: readonly LookupRecord[] }) {
  if (records.length === 0) return null;
  return (
    <table class="cards">
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col">Type</th>
          <th scope="col">Data</th>
          <th scope="col" class="number">
            Kept for
          </th>
        </tr>
      </thead>
      <tbody>
        {records.slice(0, SHOWN).map(({ name, type, ttl, data }) => (
          <tr key={`${name} ${type} ${data}`}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td data-label="Type">{type}</td>
            <td data-label="Data">
              <code>{data}</code>
            </td>
            <td data-label="Kept for" class="number">
              {formatSpan(ttl * 1000)}
            </td>
          </tr>
        ))}
        {records.length > SHOWN && (
          <tr>
            <td colSpan={4}>and {records.length - SHOWN} more</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
