import { describe, expect, it } from 'vitest';
import { Template } from '../../language/index.ts';
import { testContext } from '../context.test-support.ts';
import { functionsFor } from '../table.ts';

/** It is 2024-02-03 04:05:06.789 UTC. */
const rendered = (text: string): string =>
  new Template('t', text, { functions: functionsFor(testContext()), missingKey: 'zero' }).execute();

describe('versions', () => {
  it.each([
    ['1.2.3', '1.2.3 1.2.3+build v1.2.3', '1.2.4 1.2.3-rc1'],
    ['!=1.2.3', '1.2.4', '1.2.3'],
    ['!=1.2', '1.3.0 2.2.0', '1.2.0 1.2.9'],
    ['>1.2', '1.3.0 2.0.0', '1.2.9 1.2.0'],
    ['<=1.2', '1.2.9 0.1.0', '1.3.0'],
    ['>= 1.2, < 3.0.0', '1.2.0 2.9.9', '3.0.0 1.1.9'],
    ['>=1.2 <2 || >=3', '1.5.0 3.0.0', '2.0.0'],
    ['1.2 - 1.4.5', '1.2.0 1.4.5', '1.4.6 1.1.0'],
    ['1.2.x', '1.2.0 1.2.9', '1.3.0'],
    ['*', '0.0.0 9.9.9', '1.0.0-beta'],
    ['~1.2.3', '1.2.3 1.2.9', '1.3.0 1.2.2'],
    ['~1', '1.0.0 1.9.0', '2.0.0'],
    ['^1.2.3', '1.2.3 1.9.0', '2.0.0 1.2.2'],
    ['^0.2.3', '0.2.3 0.2.9', '0.3.0'],
    ['^0.0.3', '0.0.3', '0.0.4'],
    ['^0.0', '0.0.9', '0.1.0'],
    ['^0', '0.9.0', '1.0.0'],
    ['>=1.2.3-0', '1.3.0-beta 1.2.3-1', '1.2.2'],
    ['<1.0.0-rc.10', '1.0.0-rc.9 1.0.0-beta 1.0.0-rc', '1.0.0-rc.10 1.0.0-rc.a'],
  ])('%s', (constraint, met, unmet) => {
    const meets = (version: string) =>
      rendered(`{{ sprig_semverCompare "${constraint}" "${version}" }}`) === 'true';
    expect(met.split(' ').filter((version) => !meets(version))).toEqual([]);
    expect(unmet.split(' ').filter(meets)).toEqual([]);
  });

  it('are taken apart', () => {
    const parts = '{{ .Major }} {{ .Minor }} {{ .Patch }} {{ .Prerelease }} {{ .Metadata }} {{ .Original }}';
    expect(rendered(`{{ with sprig_semver "v1.2-rc.1+b5" }}{{ . }} ${parts}{{ end }}`)).toBe(
      '1.2.0-rc.1+b5 1 2 0 rc.1 b5 v1.2-rc.1+b5',
    );
    expect(() => rendered('{{ sprig_semver "one" }}')).toThrow(/Invalid Semantic Version/);
    expect(() => rendered('{{ sprig_semverCompare "about 1" "1.0.0" }}')).toThrow(
      /improper constraint: about 1/,
    );
  });
});

describe('times', () => {
  it.each([
    ['{{ sprig_now }}', '2024-02-03 04:05:06.789 +0000 UTC'],
    ['{{ sprig_now.Year }} {{ sprig_now.Unix }}', '2024 1706933106'],
    ['{{ sprig_dateInZone "2006-01-02 15:04 MST" sprig_now "UTC" }}', '2024-02-03 04:05 UTC'],
    ['{{ sprig_dateInZone "15:04" 1706933106 "Asia/Tokyo" }}', '13:05'],
    ['{{ sprig_dateInZone "15:04" sprig_now "Nowhere/AtAll" }}', '04:05'],
    ['{{ sprig_htmlDateInZone sprig_now "UTC" }}', '2024-02-03'],
    ['{{ (sprig_now | sprig_dateModify "-24h").Format "Jan 2" }}', 'Feb 2'],
    ['{{ (sprig_now | sprig_dateModify "soon").Day }}', '3'],
    ['{{ sprig_now | sprig_unixEpoch }}', '1706933106'],
    ['{{ sprig_ago 1706933046 }}', '1m1s'],
    ['{{ sprig_duration "3725" }}', '1h2m5s'],
    [
      '{{ sprig_durationRound "2h10m5s" }} {{ sprig_durationRound "2400h10m5s" }} {{ sprig_durationRound "" }}',
      '2h 3mo 0s',
    ],
    ['{{ sprig_durationRound (sprig_now | sprig_dateModify "-49h") }}', '2d'],
    ['{{ sprig_durationRound "25h" }} {{ sprig_durationRound "90s" }}', '1d 1m'],
  ])('%s', (text, expected) => expect(rendered(text)).toBe(expected));

  it('that are none are errors where they must be some', () => {
    expect(() => rendered('{{ sprig_now | sprig_mustDateModify "soon" }}')).toThrow(
      /invalid duration "soon"/,
    );
  });
});

describe('URLs', () => {
  it.each([
    [
      'http://admin:secret@server.com:8080/a%20b?list=false#anchor',
      'map[fragment:anchor host:server.com:8080 hostname:server.com opaque: path:/a b query:list=false scheme:http userinfo:admin:secret]',
    ],
    ['mailto:a@b.c', 'map[fragment: host: hostname: opaque:a@b.c path: query: scheme:mailto userinfo:]'],
    [
      'http://[::1]:80',
      'map[fragment: host:[::1]:80 hostname:::1 opaque: path: query: scheme:http userinfo:]',
    ],
    ['/only/a/path', 'map[fragment: host: hostname: opaque: path:/only/a/path query: scheme: userinfo:]'],
  ])('%s is taken apart, and put together again', (url, parts) => {
    expect(rendered(`{{ sprig_urlParse "${url}" }}`)).toBe(parts);
    expect(rendered(`{{ sprig_urlParse "${url}" | sprig_urlJoin }}`)).toBe(url);
  });

  it('of parts', () => {
    expect(
      rendered('{{ sprig_dict "scheme" "http" "host" "h:80" "path" "p" "query" "q" | sprig_urlJoin }}'),
    ).toBe('http://h:80/p?q');
  });
});
