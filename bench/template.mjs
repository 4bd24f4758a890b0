// @ts-check
// What rendering costs: a template over many instances, whole and again after one of them changed, beside Go's own
// text/template (which consul-template uses) where Go is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importSources } from '../scripts/support/bundle.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** The template of the write-up, with what people add to it. */
const TEMPLATE = `{{range service "web"}}
        server {{.Node}}_{{.ID}} {{.Address}}:{{.Port}} check{{if .Tags | contains "backup"}} backup{{end}}{{end}}
`;

/** Go's side: the same template over the same structs. */
const GO = `package main

import (
	"bytes"
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"text/template"
	"time"
)

type HealthService struct {
	Node, ID, Address string
	Port              int
	Tags              []string
}

// User and system time of all threads so far, in ms.
func cpu() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e6
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	rounds, _ := strconv.Atoi(os.Args[2])
	list := make([]*HealthService, count)
	for i := range list {
		list[i] = &HealthService{fmt.Sprintf("n%d", i), fmt.Sprintf("web-%d", i), fmt.Sprintf("10.0.%d.%d", i/250, i%250), 8000 + i%1000, []string{"v1", "prod"}}
	}
	text, _ := os.ReadFile(os.Args[3])
	funcs := template.FuncMap{
		"service": func(string) []*HealthService { return list },
		"contains": func(v string, l []string) bool {
			for _, one := range l {
				if one == v {
					return true
				}
			}
			return false
		},
	}
	times := make([]float64, rounds)
	before := cpu()
	for i := range times {
		begin := time.Now()
		// consul-template parses anew for each rendering.
		parsed := template.Must(template.New("").Funcs(funcs).Parse(string(text)))
		var out bytes.Buffer
		if err := parsed.Execute(&out, nil); err != nil {
			panic(err)
		}
		times[i] = float64(time.Since(begin).Microseconds()) / 1000
	}
	used := (cpu() - before) / float64(rounds)
	sort.Float64s(times)
	fmt.Println(times[len(times)/2], used)
}
`;

/** A rendering in Go: its median and its processor time on average, in ms; undefined where there is no Go. @param {number} instances @param {number} rounds */
function inGo(instances, rounds) {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-go-'));
  try {
    writeFileSync(join(folder, 'main.go'), GO);
    writeFileSync(join(folder, 'in.tmpl'), TEMPLATE);
    const args = ['run', 'main.go', `${instances}`, `${rounds}`, join(folder, 'in.tmpl')];
    const { status, stdout, stderr } = spawnSync('go', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`go run failed: ${stderr}`);
    const [median = Number.NaN, cpu = Number.NaN] = stdout.trim().split(' ').map(Number);
    return { median, cpu };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string[]} argv */
export async function templateBench(argv) {
  const given = options(argv, { instances: '10000', rounds: '200' });
  const instances = numberOption(given, 'instances');
  const rounds = numberOption(given, 'rounds');
  const parts = await importSources(
    'bench-template',
    `
    export { openMemoryStore } from './src/store/memory.ts';
    export { CatalogSource } from './src/template/sources/catalog.ts';
    export { Known } from './src/template/known.ts';
    export { TemplateUnit } from './src/template/unit.ts';
    export { DEFAULT_TEMPLATE } from './src/template/settings.ts';
    export { register } from './src/catalog/commands/register.ts';`,
  );
  const outcome = await measure(parts, instances, rounds);
  const go = inGo(instances, rounds);
  const rows = /** @type {const} */ ([
    ['first rendering, with what it reads', outcome.first, undefined],
    ['rendering', outcome.whole, go],
    ['rendering again, nothing changed', outcome.again, go],
    ['one change, until rendered', outcome.changed, undefined],
  ]);
  printConditions(conditions());
  const text = table(
    [
      '',
      'muster (ms)',
      '99 of 100',
      'processor',
      "Go's text/template",
      'processor',
      'ratio of processor time',
    ],
    rows.map(([name, own, peer]) => [
      name,
      ...[own.median, own.worst, own.cpu].map((ms) => ms.toFixed(2)),
      ...(peer === undefined
        ? ['', '', '']
        : [peer.median, peer.cpu, own.cpu / peer.cpu].map((figure) => figure.toFixed(2))),
    ]),
  );
  process.stdout.write(`\n${instances} instances, ${outcome.bytes} bytes\n${text}\n`);
  keep('template', { instances, rounds, ...outcome, go });
  return 0;
}

/**
 * What a task takes: the time of each run, and the processor time of one on average, all threads counted; in ms.
 * @param {number} times
 * @param {(round: number) => unknown} task
 */
async function timed(times, task) {
  const walls = [];
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    await task(i);
    walls.push(performance.now() - begin);
  }
  const { user, system } = process.cpuUsage(before);
  return { median: quantile(walls, 0.5), worst: quantile(walls, 0.99), cpu: (user + system) / 1000 / times };
}

/**
 * @param {any} parts
 * @param {number} instances
 * @param {number} rounds
 */
async function measure(parts, instances, rounds) {
  const { openMemoryStore, CatalogSource, Known, TemplateUnit, DEFAULT_TEMPLATE, register } = parts;
  const store = openMemoryStore({
    onSubscriberError: (/** @type {unknown} */ error) => {
      throw error;
    },
  });
  /** @param {number} i @param {number} port */
  const instance = (i, port) => ({
    node: {
      id: '',
      name: `n${i}`,
      address: `10.0.${Math.floor(i / 250)}.${i % 250}`,
      datacenter: 'dc1',
      taggedAddresses: null,
      meta: null,
    },
    service: {
      id: `web-${i}`,
      name: 'web',
      kind: '',
      tags: ['v1', 'prod'],
      address: '',
      taggedAddresses: null,
      meta: null,
      port,
      socketPath: '',
      weights: { passing: 1, warning: 1 },
      enableTagOverride: false,
    },
    checks: [
      {
        id: `service:web-${i}`,
        name: 'check',
        status: 'passing',
        notes: '',
        output: '',
        serviceId: `web-${i}`,
        type: '',
        interval: '',
        timeout: '',
        definition: {},
      },
    ],
  });
  return bench(instance);

  /** @param {typeof instance} of */
  async function bench(of) {
    for (let i = 0; i < instances; i++) await write(of(i, 8000 + (i % 1000)));
    const source = new CatalogSource({ catalog: store.catalog, node: 'n0', datacenter: 'dc1' });
    const known = new Known(source, { changed() {}, trouble() {}, mended() {} });
    const newUnit = () =>
      new TemplateUnit(
        { ...DEFAULT_TEMPLATE, source: undefined, contents: TEMPLATE, destination: 'out' },
        {
          valueOf: (/** @type {string} */ id) => known.valueOf(id),
          environment: () => undefined,
          now: () => 0,
          random: () => 0,
        },
      );
    const first = await timed(1, () => {
      for (const dependency of newUnit().render().used) known.follow(dependency);
      Buffer.from(newUnit().render().text);
    });
    // One that was just parsed remembers nothing of the renderings before.
    const whole = await timed(rounds, () => Buffer.from(newUnit().render().text));
    const unit = newUnit();
    const again = await timed(rounds, () => Buffer.from(unit.render().text));
    const changed = await timed(rounds, async (i) => {
      await write(of(i % instances, 10_000 + i));
      Buffer.from(unit.render().text);
    });
    const bytes = Buffer.byteLength(unit.render().text);
    known.stop();
    await store.close();
    return { first, whole, again, changed, bytes };
  }

  /** @param {ReturnType<typeof instance>} of */
  function write(of) {
    return store.write((/** @type {unknown} */ tx) => register(tx, of));
  }
}
