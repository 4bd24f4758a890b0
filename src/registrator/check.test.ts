import { describe, expect, it } from 'vitest';
import { find } from './services.test-support.ts';

describe('checks', () => {
  const ports = { '80/tcp': '0.0.0.0:8000' };
  const check = (...env: string[]) => find({ ports, env }).services[0]?.check;

  it.each([
    [['HTTP=/health'], { HTTP: 'http://192.168.1.102:8000/health', Interval: '10s' }],
    [
      ['HTTP=/h', 'INTERVAL=15s', 'TIMEOUT=1s', 'HTTP_METHOD=HEAD'],
      { HTTP: 'http://192.168.1.102:8000/h', Interval: '15s', Timeout: '1s', Method: 'HEAD' },
    ],
    [
      ['HTTPS=/h', 'HTTPS_METHOD=HEAD', 'TLS_SKIP_VERIFY=true'],
      { HTTP: 'https://192.168.1.102:8000/h', Interval: '10s', Method: 'HEAD', TLSSkipVerify: true },
    ],
    [['TCP=true', 'TIMEOUT=3s'], { TCP: '192.168.1.102:8000', Interval: '10s', Timeout: '3s' }],
    [['TTL=30s', 'INTERVAL=1s'], { TTL: '30s' }],
    [
      ['SCRIPT=nc $SERVICE_IP $SERVICE_PORT | grep OK'],
      { Args: ['/bin/sh', '-c', 'nc 192.168.1.102 8000 | grep OK'], Interval: '10s' },
    ],
    [['CMD=/bin/check x'], { Args: ['check-cmd', 'e20f9c1a7656', '80', '/bin/check x'], Interval: '10s' }],
    [
      ['DOCKER=/bin/check x'],
      {
        DockerContainerID: 'e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f',
        Shell: '/bin/sh',
        Args: ['/bin/check x'],
        Interval: '10s',
      },
    ],
    [
      ['GRPC=true', 'GRPC_USE_TLS=true', 'TLS_SKIP_VERIFY=true', 'INTERVAL=5s'],
      { GRPC: '192.168.1.102:8000', GRPCUseTLS: true, TLSSkipVerify: true, Interval: '5s' },
    ],
    [
      ['TCP=1', 'INITIAL_STATUS=passing', 'DEREGISTER_AFTER=10m'],
      {
        TCP: '192.168.1.102:8000',
        Interval: '10s',
        Status: 'passing',
        DeregisterCriticalServiceAfter: '10m',
      },
    ],
    [
      ['HTTP=/h', 'HEADER={"Host": "web", "Accept": ["a", "b"]}', 'BODY=ping', 'HTTP_METHOD=POST'],
      {
        HTTP: 'http://192.168.1.102:8000/h',
        Interval: '10s',
        Method: 'POST',
        Header: { Host: ['web'], Accept: ['a', 'b'] },
        Body: 'ping',
      },
    ],
    [
      ['HTTPS=/h', 'TLS_SERVER_NAME=web.test', 'SUCCESS_BEFORE_PASSING=2', 'FAILURES_BEFORE_CRITICAL=3'],
      {
        HTTP: 'https://192.168.1.102:8000/h',
        Interval: '10s',
        TLSServerName: 'web.test',
        SuccessBeforePassing: 2,
        FailuresBeforeCritical: 3,
      },
    ],
    [['HTTP=/first', 'TCP=1', 'TTL=1s'], { HTTP: 'http://192.168.1.102:8000/first', Interval: '10s' }],
    [['INTERVAL=1s', 'INITIAL_STATUS=passing'], undefined],
  ])('%j', (env, expected) => {
    expect(check(...env.map((line) => `SERVICE_CHECK_${line}`))).toEqual(expected);
  });

  it('write IPv6 addresses as URLs need them', () => {
    const at = (env: string) => find({ ports, env: [env] }, { ip: 'fd00::1' }).services[0]?.check;
    expect(at('SERVICE_CHECK_HTTP=/')).toMatchObject({ HTTP: 'http://[fd00::1]:8000/' });
    expect(at('SERVICE_80_CHECK_TCP=/')).toMatchObject({ TCP: '[fd00::1]:8000' });
  });

  it('stay in the metadata, as in registrator', () => {
    expect(find({ ports, env: ['SERVICE_CHECK_TCP=true'] }).services[0]?.meta).toEqual({ check_tcp: 'true' });
  });

  it.each([
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_INTERVAL=10'],
      'SERVICE_CHECK_INTERVAL',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_80_CHECK_TCP=1', 'SERVICE_80_CHECK_TIMEOUT=x'],
      'SERVICE_80_CHECK_TIMEOUT',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_INITIAL_STATUS=up'],
      'SERVICE_CHECK_INITIAL_STATUS',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [['SERVICE_CHECK_TTL=soon'], 'SERVICE_CHECK_TTL', undefined],
    [
      ['SERVICE_CHECK_TCP=1', 'SERVICE_CHECK_FAILURES_BEFORE_CRITICAL=many'],
      'SERVICE_CHECK_FAILURES_BEFORE_CRITICAL',
      { TCP: '192.168.1.102:8000', Interval: '10s' },
    ],
    [
      ['SERVICE_CHECK_HTTP=health'],
      'SERVICE_CHECK_HTTP',
      { HTTP: 'http://192.168.1.102:8000/health', Interval: '10s' },
    ],
  ])('a bad value is named and costs nothing else: %j', (env, variable, expected) => {
    const { services, problems } = find({ name: 'web', ports, env });
    expect(services[0]?.check).toEqual(expected);
    expect(problems).toMatchObject([{ container: { name: 'web' }, variable }]);
  });

  it('show nobody the headers that they send', () => {
    const env = ['SERVICE_CHECK_HTTP=/', 'SERVICE_CHECK_HEADER={"Authorization": ["Basic secret"]}'];
    const { services, problems } = find({ ports, env: [...env, 'SERVICE_80_CHECK_HEADER=Basic secret'] });
    expect(services[0]?.meta).toEqual({ check_http: '/' });
    expect(services[0]?.check).toEqual({ HTTP: 'http://192.168.1.102:8000/', Interval: '10s' });
    expect(problems).toMatchObject([
      { variable: 'SERVICE_80_CHECK_HEADER', message: expect.not.stringContaining('secret') },
    ]);
  });

  it('can be the verdict of the engine', () => {
    const health = (status: string | undefined, on = true) =>
      find({ ports, ...(status === undefined ? {} : { health: status }) }, { health: on }).services[0];
    expect(health('healthy')).toMatchObject({ check: { TTL: '24h' }, verdict: { status: 'passing' } });
    expect(health('starting')?.verdict?.status).toBe('critical');
    expect(health('unhealthy')?.verdict).toEqual({
      status: 'critical',
      output: 'the container is unhealthy',
    });
    expect([health('none')?.check, health(undefined)?.check, health('healthy', false)?.check]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
