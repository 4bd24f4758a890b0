import { describe, expect, it } from 'vitest';
import { configOf, faultsOf } from './read.test-support.ts';

const SERVICE = '[[balancer.service]]\nname = "db"\naddress = ":5432"\n';

describe('a service over TCP', () => {
  it('has options of tags, and files beside the configuration', () => {
    const { service } = configOf(
      `${SERVICE}options = "slowstart=30s rate=20/s"\ncertificates = "web"\n[balancer.service.upstream_tls]\nca = "ca.pem"\n[[balancer.certificates]]\nname = "web"\nkind = "file"\ncert = "web.pem"\n`,
    ).balancer;
    expect(service).toEqual([
      expect.objectContaining({
        options: 'slowstart=30s rate=20/s',
        waitTimeout: 5_000,
        upstreamTls: { verify: true, ca: '/etc/m/ca.pem' },
      }),
    ]);
  });

  it.each([
    ['slowstrat=30s', /there is no option "slowstrat"; did you mean "slowstart"\?/],
    ['slowstart=soon', /slowstart=soon: it must be a time like 30s/],
    [
      'sticky=true',
      /"sticky=true" is for HTTP; with tcp and udp there are slowstart=, panic=, rate=, maxconn=/,
    ],
    ['allow=ip:10.0.0.0/8', /is said by a setting of its own here: access rules/],
    ['rate=5/s,header:X-User', /rate= of connections and datagrams can only go by address/],
  ])('is told with its place what is wrong with %s', (options, wrong) => {
    const faults = faultsOf(`${SERVICE}options = "${options}"\n`);
    expect(faults).toHaveLength(1);
    expect(String(faults[0])).toMatch(/:4:\d+/);
    expect(String(faults[0])).toMatch(wrong);
  });

  it('needs the certificates that it names, of a kind that it can have', () => {
    expect(faultsOf(`${SERVICE}certificates = "web"\n`).join()).toMatch(
      /there are no \[\[balancer.certificates\]\] with the name "web"/,
    );
    expect(faultsOf(`${SERVICE}protocol = "udp"\ncertificates = "web"\n`).join()).toMatch(
      /TLS is for protocol "tcp" only/,
    );
    expect(
      faultsOf(
        `${SERVICE}certificates = "web"\n[[balancer.certificates]]\nname = "web"\nkind = "acme"\ncert = "a"\nnames = ["a.test"]\n`,
      ).join(),
    ).toMatch(/which only listeners for HTTP can prove/);
  });
});
