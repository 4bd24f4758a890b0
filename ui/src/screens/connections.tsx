import type { About } from '../../../src/api/muster/wire.ts';
import type { ConnectionsView } from '../../../src/api/muster/wire-answers.ts';
import { useAnswer } from '../api.ts';
import { balancedServiceExample } from '../examples.ts';
import { formatCount, formatMany, shortened } from '../format.ts';
import { addressOf } from '../location.ts';
import { Copyable } from '../parts/copy.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';

const PATH = '/v1/muster/connections';

/** Who holds what? */
export function Connections({ about }: { about: About }) {
  const { value: services, trouble } = useAnswer<ConnectionsView[]>(PATH, 'connections');
  return (
    <>
      <h1>Connections</h1>
      <Trouble text={trouble} />
      {services?.length === 0 && (
        <section class="panel empty">
          <p>
            No TCP or UDP service is balanced here. Put one into the configuration; clients connect to its
            address, its passing instances get them:
          </p>
          <Copyable text={balancedServiceExample()} label="the configuration" />
        </section>
      )}
      {services?.map((service) => (
        <Service key={`${service.service} ${service.address}`} service={service} />
      ))}
      <Source path={PATH} api={about.api} />
    </>
  );
}

function Service({
  service: { service, protocol, address, active, instances },
}: {
  service: ConnectionsView;
}) {
  const most = Math.max(1, ...instances.map((instance) => instance.active));
  return (
    <section class="panel" aria-label={`Connections of ${service}`}>
      <div class="head">
        <h2>
          <a href={addressOf({ name: 'service', service })}>{service}</a>{' '}
          <span class="faint">
            {protocol} {address}
          </span>
        </h2>
        <p>
          <strong>{formatCount(active)}</strong> {protocol === 'udp' ? 'sessions' : 'connections'} at{' '}
          {formatMany(instances.length, 'instance')}
        </p>
      </div>
      <ul class="bars">
        {[...instances]
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map((instance) => (
            <li key={`${instance.node} ${instance.id}`} class={instance.reason === '' ? '' : 'out'}>
              <span class="who" title={instance.id}>
                {shortened(instance.id)} <code>{instance.address}</code>
              </span>
              <span class="bar" aria-hidden="true">
                <span style={`width:${((instance.active / most) * 100).toFixed(1)}%`} />
              </span>
              <span class="total">{formatCount(instance.active)}</span>
              {instance.reason !== '' && <span class="faint">{instance.reason}</span>}
            </li>
          ))}
      </ul>
      {instances.length === 0 && <p class="none">No instance is registered: connections are refused.</p>}
    </section>
  );
}
