import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { put } from '../support/http.ts';
import { testFolder, testMuster } from '../support/muster.ts';
import { outputOf } from './programs.ts';

const SERVICES = 50;
const INSTANCES = 6;
/** Questions in all: enough to overlap, over in a second. */
const QUESTIONS = 20_000;

it('dnsperf gets an answer to every question, over UDP and TCP, while the catalog changes', async () => {
  const { api, dnsPort } = await testMuster('agent');
  const names: string[] = [];
  for (let service = 0; service < SERVICES; service++) {
    names.push(`s${service}.service.consul SRV`, `s${service}.service.consul A`);
    for (let instance = 0; instance < INSTANCES; instance++)
      await put(`${api}/v1/agent/service/register`, {
        ID: `s${service}-${instance}`,
        Name: `s${service}`,
        Address: `127.0.1.${instance + 1}`,
        Port: 1000 + service,
      });
  }
  const file = join(testFolder(), 'questions');
  const repeated = Array.from({ length: QUESTIONS }, (_, at) => names[at % names.length]);
  writeFileSync(file, `${repeated.join('\n')}\n`);
  // 4096 bytes: six SRV records with their addresses do not fit in 512.
  const ask = (mode: 'udp' | 'tcp') =>
    outputOf('dnsperf', [
      ...['-s', '127.0.0.1', '-p', String(dnsPort), '-m', mode, '-d', file],
      ...['-n', '1', '-c', '4', '-q', '50', '-t', '5', '-e', '-b', '4096'],
    ]);
  let isAsking = true;
  const changes = async () => {
    for (let turn = 0; isAsking; turn++)
      await put(`${api}/v1/agent/service/register`, {
        ID: 's0-0',
        Name: 's0',
        Address: '127.0.1.1',
        Port: 1 + turn,
      });
    return undefined;
  };
  const changing = changes();
  try {
    for (const mode of ['udp', 'tcp'] as const) {
      const output = await ask(mode);
      expect(output).toMatch(new RegExp(`Queries completed: +${QUESTIONS} \\(100\\.00%\\)`));
      expect(output).toMatch(new RegExp(`Response codes: +NOERROR ${QUESTIONS} \\(100\\.00%\\)`));
    }
  } finally {
    isAsking = false;
    await changing;
  }
});
