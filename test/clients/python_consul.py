"""Works with a registry by python3-consul alone: argv[1] is the port. Any failed assertion ends it with code 1."""
import sys
import threading

import consul

c = consul.Consul(host='127.0.0.1', port=int(sys.argv[1]))

# Services, with a check that is reported over HTTP and one that is not.
c.agent.service.register('web', service_id='web-1', address='10.0.0.1', port=80, tags=['blue'],
                         check=consul.Check.ttl('60s'))
c.agent.service.register('web', service_id='web-2', address='10.0.0.2', port=80)
assert sorted(c.agent.services()) == ['web-1', 'web-2'], c.agent.services()
index, entries = c.health.service('web', passing=True)
assert [e['Service']['ID'] for e in entries] == ['web-2'], entries
# For these it asks with GET, which Consul refuses since 1.0, and so do we.
assert c.agent.check.ttl_pass('service:web-1') is False
assert c.agent.checks()['service:web-1']['Status'] == 'critical'

# A blocking query wakes up by what another thread writes.
woken = []
waiting = threading.Thread(target=lambda: woken.append(c2.health.service('web', index=index, wait='30s')))
c2 = consul.Consul(host='127.0.0.1', port=int(sys.argv[1]))
waiting.start()
c.agent.service.register('web', service_id='web-3', address='10.0.0.3', port=80)
waiting.join(20)
assert not waiting.is_alive(), 'the blocking query was not answered'
assert int(woken[0][0]) > int(index)
assert len(woken[0][1]) == 3, woken

c.agent.service.maintenance('web-2', True, 'later')
assert [e['Service']['ID'] for e in c.health.service('web', passing=True)[1]] == ['web-3']
c.agent.service.maintenance('web-2', False)
assert c.catalog.services()[1]['web'] == ['blue']
assert {s['ServiceID'] for s in c.catalog.service('web', tag='blue')[1]} == {'web-1'}
assert c.agent.service.deregister('web-1') is False
c.http.put(lambda answer: answer, '/v1/agent/service/deregister/web-1')
assert sorted(c.agent.services()) == ['web-2', 'web-3']

# Nodes elsewhere.
assert c.catalog.register('far', '10.9.9.9', service={'Service': 'db', 'Port': 5432},
                          check={'Name': 'alive', 'Status': 'passing', 'ServiceID': 'db'}) is True
assert c.health.node('far')[1][0]['Status'] == 'passing'
assert c.catalog.node('far')[1]['Services']['db']['Port'] == 5432
assert c.catalog.deregister('far') is True
assert c.catalog.node('far')[1] is None

# Keys.
assert c.kv.get('none')[1] is None
assert c.kv.put('app/one', 'first') is True
assert c.kv.put('app/two', b'\x00\xff'.decode('latin1'), flags=3) is True
assert c.kv.get('app/one')[1]['Value'] == b'first'
assert [k['Key'] for k in c.kv.get('app/', recurse=True)[1]] == ['app/one', 'app/two']
assert c.kv.get('', keys=True)[1] == ['app/one', 'app/two']
assert c.kv.get('', keys=True, separator='/')[1] == ['app/']
modified = c.kv.get('app/one')[1]['ModifyIndex']
assert c.kv.put('app/one', 'x', cas=modified - 1) is False
assert c.kv.put('app/one', 'x', cas=modified) is True
assert c.kv.delete('app/', recurse=True) is True

# Sessions and locks.
one = c.session.create(name='one', ttl=30, lock_delay=0, behavior='delete')
two = c.session.create(name='two', lock_delay=0)
assert c.kv.put('lock', 'one', acquire=one) is True
assert c.kv.put('lock', 'two', acquire=two) is False
assert c.kv.get('lock')[1]['Session'] == one
assert c.session.renew(one)['TTL'] == '30s'
assert c.session.destroy(one) is True
assert c.kv.get('lock')[1] is None
assert c.kv.put('lock', 'two', acquire=two) is True
assert c.kv.put('lock', 'two', release=two) is True
assert c.session.info(one)[1] is None

# The rest.
assert c.event.fire('deploy', 'v2')['Name'] == 'deploy'
assert [e['Name'] for e in c.event.list()[1]] == ['deploy']
query = c.query.create('web', name='nearest', onlypassing=True)['ID']
assert len(c.query.execute('nearest')['Nodes']) == 2
assert c.query.delete(query) is True
assert c.status.leader()
assert c.agent.self()['Config']['Datacenter'] == 'dc1'
assert len(c.agent.members()) == 1
assert c.catalog.datacenters() == ['dc1']
print('done')
