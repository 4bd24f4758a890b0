import { describe, expect, it } from 'vitest';
import { tagTemplate } from './tag-template.ts';

const container = {
  Id: 'e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f',
  Name: '/web.0',
  Config: {
    Hostname: 'Web',
    Env: ['ENVIRONMENT=test', 'SERVICE_8105_NAME=foo', 'HOME=/home/foobar', 'SERVICE_9404_NAME=bar'],
    Labels: { 'com.amazonaws.ecs.task-arn': 'arn:aws:ecs:region:xxxxxxxxxxxx:task/368f4403-0ee4' },
  },
  HostConfig: { NetworkMode: 'default', CpuShares: 512, PortBindings: null },
  NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '10.0.0.1', HostPort: '8080' }], '81/tcp': null } },
};

describe('-tags', () => {
  // The examples of registrator's own comments.
  it.each([
    ['www,api', ['www', 'api']],
    ['{{strSlice .ID 0 12}}', ['e20f9c1a7656']],
    // What it does at the edges.
    [
      '{{strSlice "äß" 2}},{{strSlice "abc" 2 1}},{{strSlice "abc" 9}},{{strSlice "abc" 0 1 2}}',
      ['ß', 'c', 'abc', 'abc'],
    ],
    ['{{strSlice "abc" 2 -1}},{{strSlice "" -1 3}}', ['c']],
    ['{{replace 2 "" "-" "abc"}},{{replace -1 "" "-" "ab"}}', ['-a-bc', '-a-b-']],
    ['{{toUpper "straße"}}', ['STRAßE']],
    ['{{strSlice "ä" 1}}x', ['\ufffdx']],
    ['{{sIndex 0 .Config.Env}}', ['ENVIRONMENT=test']],
    ['{{sIndex -1 .Config.Env}}', ['SERVICE_9404_NAME=bar']],
    ['{{sIndex 99 .Config.Env}}', ['SERVICE_9404_NAME=bar']],
    ['{{mIndex "com.amazonaws.ecs.task-arn" .Config.Labels | splitIndex -1 "/"}}', ['368f4403-0ee4']],
    ['{{mIndex "none" .Config.Labels}}x', ['x']],
    ['{{toUpper "foo"}},{{toLower "FoO"}}', ['FOO', 'foo']],
    ['{{replace -1 "=" "" "=foo="}},{{replace 1 "=" "" "=foo="}}', ['foo', 'foo=']],
    ['{{join "," .Config.Env}}', container.Config.Env],
    ['{{range split "," "a,b"}}{{.}}-{{end}}', ['a-b-']],
    ['{{matchFirstElement "^SERVICE_" .Config.Env}}', ['SERVICE_8105_NAME=foo']],
    [
      '{{join "+" (matchAllElements "^SERVICE_" .Config.Env)}}',
      ['SERVICE_8105_NAME=foo+SERVICE_9404_NAME=bar'],
    ],
    ['host-{{.Config.Hostname}},fixed', ['host-Web', 'fixed']],
    // Fields as the library names them that registrator's templates see.
    ['{{range index .NetworkSettings.Ports "80/tcp"}}{{.HostIP}}:{{.HostPort}}{{end}}', ['10.0.0.1:8080']],
    ['{{range $port, $all := .NetworkSettings.Ports}}{{$port}}={{len $all}} {{end}}', ['80/tcp=1 81/tcp=0 ']],
    ['{{.HostConfig.CPUShares}}-{{.HostConfig.NetworkMode}}', ['512-default']],
  ])('%s', (text, tags) => {
    expect(tagTemplate(text)(container)).toEqual(tags);
  });

  it('that are no template are refused with their place; one that fails says so for its container', () => {
    expect(() => tagTemplate('{{httpGet "http://x"}}')).toThrow(/-tags is no template: .*tags:1.*httpGet/);
    expect(() => tagTemplate('{{sIndex 0 .Config.Nothing}}')(container)).toThrow(/tags:1/);
  });
});
