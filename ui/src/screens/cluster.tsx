import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import type { About, CheckView, LinkView, MemberView, State } from '../../../src/api/muster/wire.ts';
import { clusterExample } from '../examples.ts';
import { formatCount, formatMany, formatSpan } from '../format.ts';
import type { PictureScreen } from '../live.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Chip } from '../parts/chip.tsx';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Source } from '../parts/source.tsx';
import { StateShape, StateWord } from '../parts/state.tsx';
import {
  fits,
  inOrder,
  KINDS,
  type Kind,
  lagSentence,
  lagWords,
  quorumSentence,
  silenceSentence,
} from './cluster-words.ts';

const PATH = '/v1/muster/cluster';

/** Is the truth safe? */
export function Cluster({ view, picture, query }: PictureScreen) {
  const { about } = picture;
  const cluster = picture.cluster.get('cluster');
  const members = useMemo(
    () => inOrder(picture.members.values()),
    // The picture is the same object for the whole connection: what is in it is told by the versions.
    [picture, view.versions.members],
  );
  const silence = cluster === undefined ? '' : silenceSentence(cluster, view.now);
  return (
    <>
      <h1>Cluster</h1>
      {cluster === undefined ? (
        <p class="waiting" role="status">
          Asking who is there…
        </p>
      ) : (
        <>
          <section class="panel" aria-label="Quorum">
            <p class="sentence">{quorumSentence(cluster, members)}</p>
            <p class="faint">{lagSentence(cluster, members)}</p>
            {silence !== '' && <p class="warning">{silence}</p>}
          </section>
          {members.length > 1 && <Find members={members} query={query} />}
          <Members members={members} {...{ about, query }} newest={cluster.revision} now={view.now} />
          {cluster.kind === 'alone' && (
            <section class="panel empty">
              <p>
                Three servers bear the loss of one. Each is started like this, with a key from{' '}
                <code>muster keygen</code>; agents on other machines leave <code>-server</code> and what is
                expected out:
              </p>
              <Copyable text={clusterExample()} label="the command" />
            </section>
          )}
        </>
      )}
      <Source path={PATH} api={about.api} isLive />
    </>
  );
}

function Find({ members, query }: { members: readonly MemberView[]; query: URLSearchParams }) {
  const chosen = query.get('state') ?? '';
  const counts = (Object.keys(KINDS) as Kind[]).map(
    (kind) => [kind, members.filter(KINDS[kind]).length] as const,
  );
  return (
    <div class="filter">
      <SearchField
        label="Find by name, zone, address or version"
        value={query.get('q') ?? ''}
        choose={(q) => go(`/ui/cluster${withQuery(query, { q })}`, { replace: true })}
      />
      <nav class="chips" aria-label="Members">
        <Chip query={query} state="" count={members.length}>
          all
        </Chip>
        {counts
          .filter(([kind, count]) => count > 0 || kind === chosen)
          .map(([kind, count]) => (
            <Chip key={kind} query={query} state={kind} count={count}>
              {kind}
            </Chip>
          ))}
      </nav>
    </div>
  );
}

function Members({
  members,
  about,
  query,
  newest,
  now,
}: {
  members: readonly MemberView[];
  about: About;
  query: URLSearchParams;
  newest: number;
  now: number;
}) {
  const shown = members.filter((member) => fits(member, query.get('state') ?? '', query.get('q') ?? ''));
  return (
    <section class="panel flush" aria-label="Members">
      <table class="cards cluster-members">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Role</th>
            <th scope="col">Zone</th>
            <th scope="col">Catalog</th>
            <th scope="col">Links</th>
          </tr>
        </thead>
        <Chunks
          items={shown}
          height={64}
          columns={6}
          row={(member) => (
            <Row
              key={member.key}
              member={member}
              isSelf={member.name === about.node}
              revision={member.revision ?? (member.lag === null ? null : newest)}
              now={Math.floor(now / 1000) * 1000}
            />
          )}
        />
      </table>
      {shown.length === 0 && (
        <p class="none">No member fits. {formatMany(members.length, 'is', 'are')} there in all.</p>
      )}
    </section>
  );
}

const SHAPES: Readonly<Record<MemberView['state'], State>> = {
  alive: 'passing',
  silent: 'critical',
  left: 'maintenance',
};

const Row = memo(function Row({
  member,
  isSelf,
  revision,
  now,
}: {
  member: MemberView;
  isSelf: boolean;
  revision: number | null;
  now: number;
}) {
  const { name, state, since, role, isLeader, isVoter, zone, address, version, lag, links, checks } = member;
  return (
    <tr>
      <th scope="row">
        <span class="strong">{name}</span>
        {isSelf && <span class="tag">this agent</span>}
        <span class="at">
          <code>{address}</code>
          {version !== '' && ` · ${version}`}
        </span>
        {checks.map((check) => (
          <Check key={check.id} check={check} />
        ))}
      </th>
      <td data-label="State">
        <span>
          <StateWord state={SHAPES[state]} word={state} />
          {since !== null && <span class="since">for {formatSpan(now - since)}</span>}
        </span>
      </td>
      <td data-label="Role">
        {isLeader ? 'server, leader' : role}
        {role === 'server' && !isVoter && state !== 'left' && <span class="tag">no vote yet</span>}
      </td>
      <td data-label="Zone">{zone || <span class="faint">none</span>}</td>
      <td data-label="Catalog">
        {state === 'left' ? (
          <span class="faint">–</span>
        ) : (
          <span>
            <span class={lag !== null && lag.revisions > 0 ? 'warning' : ''}>{lagWords(member)}</span>
            {revision !== null && <span class="at">revision {formatCount(revision)}</span>}
          </span>
        )}
      </td>
      <td data-label="Links">
        {links.length === 0 ? (
          <span class="faint">none</span>
        ) : (
          <ul class="links">
            {links.map((link) => (
              <Link key={`${link.kind} ${link.to}`} link={link} now={now} />
            ))}
          </ul>
        )}
      </td>
    </tr>
  );
});

/** A check of the node itself: it bears on all that runs there. */
function Check({ check: { id, name, status, output } }: { check: CheckView }) {
  return (
    <div class="check">
      <StateWord state={status} /> {name || id}
      {output !== '' && (
        <details>
          <summary>Output</summary>
          <pre>{output}</pre>
        </details>
      )}
    </div>
  );
}

const WAYS: Readonly<Record<LinkView['kind'], string>> = {
  feed: 'follows',
  calls: 'in touch with',
  peer: 'etcd to',
};

function Link({ link: { kind, to, isUp, since, transport, trouble }, now }: { link: LinkView; now: number }) {
  const long = since === null ? '' : ` for ${formatSpan(now - since)}`;
  return (
    <li title={transport}>
      <StateShape state={isUp ? 'passing' : 'critical'} />
      <span>
        {to === '' ? 'follows no server' : `${WAYS[kind]} ${to}`}
        <span class="at">
          <span class={isUp ? '' : 'critical'}>
            {isUp ? 'up' : 'down'}
            {long}
          </span>
          {isUp ? ` · ${transport}` : trouble !== '' && `: ${trouble}`}
        </span>
      </span>
    </li>
  );
}
