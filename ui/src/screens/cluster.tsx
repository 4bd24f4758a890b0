import type { About } from '../../../src/api/muster/wire.ts';
import { useAnswer } from '../api.ts';
import { byName as byText, formatCount, formatMany } from '../format.ts';
import { Source } from '../parts/source.tsx';
import { StateWord } from '../parts/state.tsx';
import { Trouble } from '../parts/trouble.tsx';

interface Member {
  Name: string;
  Addr: string;
  Port: number;
  /** 1 alive, 2 leaving, 3 left, 4 failed: Serf's numbers. */
  Status: number;
  Tags: Readonly<Record<string, string>>;
}

interface RaftConfiguration {
  Servers: readonly { ID: string; Node: string; Address: string; Leader: boolean; Voter: boolean }[];
}

interface Node {
  Node: string;
  Meta: Readonly<Record<string, string>> | null;
}

interface Check {
  Node: string;
  CheckID: string;
  Name: string;
  Status: 'passing' | 'warning' | 'critical';
  Output: string;
}

const WORDS: Readonly<Record<number, string>> = { 1: 'alive', 2: 'leaving', 3: 'left', 4: 'failed' };
const MEMBERS = '/v1/agent/members';
const RAFT = '/v1/operator/raft/configuration';
const NODES = '/v1/catalog/nodes';
const CHECKS = '/v1/health/state/any';
/** Answered 503 while the servers are not heard. */
const READY = '/v1/muster/ready';

/** Is the truth safe? */
export function Cluster({ about }: { about: About }) {
  const { value: members = [], trouble } = useAnswer<Member[]>(MEMBERS);
  const { value: raft } = useAnswer<RaftConfiguration>(RAFT);
  const { value: checks = [] } = useAnswer<Check[]>(
    `${CHECKS}?filter=${encodeURIComponent('ServiceID == ""')}`,
  );
  const { value: nodes = [] } = useAnswer<Node[]>(NODES);
  const { value: ready, trouble: stale } = useAnswer<{ Index: number }>(READY);
  const servers = raft?.Servers ?? [];
  const zones = new Map(nodes.map(({ Node, Meta }) => [Node, Meta?.zone ?? '']));
  const sorted = [...members].sort(
    (a, b) => byText(zones.get(a.Name) ?? '', zones.get(b.Name) ?? '') || byText(a.Name, b.Name),
  );
  const byName = new Map(servers.map((server) => [server.Node, server]));
  return (
    <>
      <h1>Cluster</h1>
      <Trouble text={trouble} />
      <section class="panel" aria-label="Quorum">
        <p class="sentence">{quorumSentence(members, servers)}</p>
        {stale !== '' ? (
          <p class="warning">
            This agent does not hear the servers: what it shows and answers may be old. It goes on with what
            it knows.
          </p>
        ) : (
          ready !== undefined && (
            <p class="faint">This agent is up to date, at index {formatCount(ready.Index)}.</p>
          )
        )}
      </section>
      <section class="panel flush" aria-label="Members">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">State</th>
              <th scope="col">Zone</th>
              <th scope="col">Role</th>
              <th scope="col">Address</th>
              <th scope="col">Checks of the node</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((member) => {
              const server = byName.get(member.Name);
              const own = checks.filter(({ Node }) => Node === member.Name);
              return (
                <tr key={member.Name}>
                  <th scope="row">
                    <span class="strong">{member.Name}</span>
                    {member.Name === about.node && <span class="tag">this agent</span>}
                  </th>
                  <td data-label="State" class={member.Status === 1 ? '' : 'critical'}>
                    {WORDS[member.Status] ?? 'unknown'}
                  </td>
                  <td data-label="Zone">{zones.get(member.Name) || <span class="faint">none</span>}</td>
                  <td data-label="Role">
                    {server === undefined ? 'client' : server.Leader ? 'server, leader' : 'server'}
                    {server?.Voter === false && <span class="tag">no vote yet</span>}
                  </td>
                  <td data-label="Address">
                    <code>
                      {member.Addr}:{member.Port}
                    </code>
                  </td>
                  <td data-label="Checks">
                    {own.length === 0 && <span class="faint">none</span>}
                    {own.map((check) => (
                      <p key={check.CheckID}>
                        <StateWord state={check.Status} /> {check.Name}
                        {check.Status !== 'passing' && check.Output !== '' && (
                          <details>
                            <summary>Output</summary>
                            <pre>{check.Output}</pre>
                          </details>
                        )}
                      </p>
                    ))}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      <Source path={MEMBERS} api={about.api} />
    </>
  );
}

function quorumSentence(members: readonly Member[], servers: RaftConfiguration['Servers']): string {
  const voters = servers.filter(({ Voter }) => Voter);
  if (voters.length === 0) return 'The servers are not known at this moment.';
  if (voters.length === 1)
    return 'One server keeps the truth, on its own disk. While it is away, nothing can be written; look-ups of its clients go on.';
  const alive = voters.filter((voter) =>
    members.some(({ Name, Status }) => Name === voter.Node && Status === 1),
  ).length;
  const quorum = Math.floor(voters.length / 2) + 1;
  const spare = alive - quorum;
  if (spare < 0)
    return `${alive} of ${voters.length} servers are there and ${quorum} are needed: nothing can be written until one comes back. Look-ups go on.`;
  return `${alive} of ${formatMany(voters.length, 'server')} are there, ${quorum} are needed: ${
    spare === 0 ? 'one more loss stops writes' : `${formatMany(spare, 'loss', 'losses')} can be borne`
  }.`;
}
