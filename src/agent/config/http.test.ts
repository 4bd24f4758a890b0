import { describe, expect, it } from 'vitest';
import { configOf, faultsOf } from './read.test-support.ts';

const read = (text: string) => configOf(text).balancer;

describe('what the balancer does with HTTP', () => {
  it('is nothing unless it is written', () => {
    expect(read('')).toMatchObject({ auth: [], noRoute: { status: 404 }, matcher: 'prefix' });
    expect(read('').compression).toBeUndefined();
    expect(read('').accessLog).toBeUndefined();
  });

  it('has files beside the configuration, and defaults for sections that are there', () => {
    const balancer = read(`
[balancer]
matcher = "glob"
[[balancer.auth]]
name = "staff"
file = "staff.htpasswd"
[balancer.compression]
[balancer.access_log]
target = "access.log"
[balancer.no_route]
status = 503
page = "../none.html"
`);
    expect(balancer).toMatchObject({
      matcher: 'glob',
      auth: [{ name: 'staff', file: '/etc/m/staff.htpasswd', refresh: 3_000 }],
      compression: { types: expect.arrayContaining(['text/*']) },
      accessLog: { format: 'common', target: '/etc/m/access.log' },
      noRoute: { status: 503, page: '/etc/none.html' },
    });
    expect(read('[balancer.access_log]\n').accessLog).toEqual({ format: 'common', target: 'stdout' });
  });

  it('is held against what it needs, with the place', () => {
    expect(
      faultsOf(`
[balancer]
matcher = "regex"
[[balancer.auth]]
name = "staff"
file = "a"
[[balancer.auth]]
name = "two words"
file = "b"
[balancer.headers]
client_ip = "X Client"
tls_value = "a\\nb"
strict_transport = { subdomains = true }
[balancer.compression]
types = ["text"]
[balancer.access_log]
format = "$remote_hots"
[balancer.no_route]
status = 204
`),
    ).toEqual([
      expect.stringMatching(/:3:11: balancer\.matcher: /i),
      expect.stringMatching(/:8:8: balancer\.auth\[1\]\.name: expected a name without spaces/i),
      expect.stringMatching(/:11:13: balancer\.headers\.client_ip: expected the name of a header field/i),
      expect.stringMatching(/:12:13: balancer\.headers\.tls_value: expected a text/i),
      expect.stringMatching(/:13:\d+: balancer\.headers\.strict_transport\.max_age: /i),
      expect.stringMatching(/:15:10: balancer\.compression\.types\[0\]: expected a type such as/i),
      expect.stringMatching(
        /:17:10: balancer\.access_log\.format: there is no field \$remote_hots; did you mean/i,
      ),
      expect.stringMatching(/:19:10: balancer\.no_route\.status: answers with this status/i),
    ]);
    const one = '[[balancer.auth]]\nname = "staff"\nfile = "a"\n';
    expect(faultsOf(one + one)).toEqual([
      expect.stringMatching(/:5:8: balancer\.auth\[1\]\.name: there is another scheme of the name "staff"/i),
    ]);
  });
});
