// @ts-check
// Feeds parsers with what nobody would write: they must answer or refuse, quickly, and never in another way.
import { importSources } from '../../scripts/support/bundle.mjs';
import { mutated, Random } from './random.mjs';
import { CHUNKED, field, frame, HEAD, HELLO, PREFACE, PROXY_HEADERS } from './wire.mjs';

/** @typedef {{ number: number, parser: string, why: string, input: Buffer }} ParserFinding */
/** @typedef {{ seeds: readonly (string | Buffer)[], parse: (bytes: Buffer) => unknown }} Parser */

/** Longer than any of them takes for a few kB, in ms of its own: a busy machine may have others go on meanwhile. */
const SLOW = 2_000;

/** What `src/` offers, and how each refuses. */
async function sources() {
  return importSources(
    'fuzz-parsers',
    `
    export { isMusterError } from './src/errors.ts';
    export { Body, BY_CHUNKS } from './src/proxy/http1/body.ts';
    export { RequestHead } from './src/proxy/http1/request-head.ts';
    export { ResponseHead } from './src/proxy/http1/response-head.ts';
    export { FrameReader } from './src/proxy/http2/frames.ts';
    export { Decoder } from './src/proxy/http2/hpack/decoder.ts';
    export { FieldBlock } from './src/proxy/http2/hpack/field-block.ts';
    export { DEFAULT_LIMITS } from './src/proxy/limits.ts';
    export { parseProxyHeader } from './src/proxy/proxy-protocol.ts';
    export { parseClientHello } from './src/proxy/tcp/client-hello.ts';
    export { parseConfigText, readWritten } from './src/agent/config/read.ts';
    export { SyntaxFault } from './src/agent/config/places.ts';
    export { checkText } from './src/agent/gobetween/check.ts';
    export { readFabioConfig } from './src/agent/fabio/config.ts';
    export { readDnsmasqLines } from './src/dns/forward/dnsmasq.ts';
    export { parseRules } from './src/acl/rules.ts';
    export { parseCommands } from './src/route/commands.ts';
    export { parseRouteTag } from './src/route/tag.ts';
    export { parseConfig as parseTemplateConfig } from './src/template/config/read.ts';
    export { parseKey } from './src/cluster/link/keyring.ts';
    export { compileFilter } from './src/api/filter/filter.ts';
    export { HttpError } from './src/api/http-error.ts';
    export { SERVICE_FIELDS } from './src/api/filter/fields.ts';
    export { decodeMessage } from './src/lib/dns/message.ts';
    export { WireError } from './src/lib/dns/name.ts';
    export { MsgpackError, MsgpackReader } from './src/lib/msgpack.ts';`,
  );
}

const TOML =
  '[node]\nname = "n1"\n[balancer]\nlisten = ["127.0.0.1:9999"]\n[[service]]\nname = "web"\nport = 80\ntags = ["urlprefix-/"]\ncheck = { http = "http://127.0.0.1/", interval = "1s" }\n';
const HCL =
  'data_dir = "/tmp/x"\nservice {\n  name = "web"\n  tags = ["a", "b"]\n  check { http = "http://x/" interval = "1s" }\n}\n';
const GOBETWEEN =
  '[servers.a]\nbind = "127.0.0.1:3000"\nprotocol = "tcp"\n[servers.a.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:1 weight=5"]\n';

/** Every parser with texts to begin from. A new one is one entry. @returns {Promise<Record<string, Parser>>} */
export async function parsers() {
  const src = await sources();
  const text = (/** @type {Buffer} */ bytes) => bytes.toString('utf8');
  /** Refuses by a MusterError, or by one of `also`. */
  const refusing =
    (
      /** @type {(bytes: Buffer) => unknown} */ parse,
      /** @type {(new (...args: never[]) => Error)[]} */ ...also
    ) =>
    (/** @type {Buffer} */ bytes) => {
      try {
        return parse(bytes);
      } catch (error) {
        if (!src.isMusterError(error) && !also.some((kind) => error instanceof kind)) throw error;
      }
    };
  const config = (/** @type {string} */ file) =>
    refusing((bytes) => src.readWritten([src.parseConfigText(file, text(bytes))]), src.SyntaxFault);
  const [request, response] = [new src.RequestHead(), new src.ResponseHead()];
  return {
    'request head': {
      seeds: [HEAD, CHUNKED],
      parse: (bytes) => within(request.scan(bytes, 0, bytes.length, src.DEFAULT_LIMITS), bytes),
    },
    'response head': {
      seeds: [
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTrailer: a\r\n\r\nhello',
        'HTTP/1.0 304 \r\nX:\r\n\r\n',
      ],
      parse: (bytes) => within(response.scan(bytes, 0, bytes.length, src.DEFAULT_LIMITS), bytes),
    },
    chunks: {
      seeds: [
        '5\r\nhello\r\n0\r\n\r\n',
        '1;a="b c"\r\nx\r\n00a\r\n0123456789\r\n0\r\nX-T: 1\r\nY:\r\n\r\nGET /',
      ],
      parse: (bytes) => inPieces(src, bytes),
    },
    'header block of HTTP/2': {
      seeds: [
        Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex'),
        Buffer.from('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', 'hex'),
        Buffer.from('3fe11f886196d07abe941054d444a8200595040b8166e084a62d1bffc0', 'hex'),
      ],
      parse: (bytes) => {
        const [decoder, block] = [new src.Decoder(4_096), new src.FieldBlock()];
        // The second one meets what the first left in the table.
        for (const _ of [1, 2]) {
          if (!decoder.decode(bytes, 0, bytes.length, block)) return;
          const text = Buffer.from(block.lines.subarray(0, block.end)).toString('latin1');
          const lines = text.split('\r\n');
          if (text !== '' && lines.pop() !== '') throw new Error('a line that does not end');
          const isOdd = (/** @type {string} */ line) => !/^[!-~]+: [^\r\n\0]*$/.test(line);
          if (text !== '' && lines.some(isOdd)) throw new Error('a line that is none');
        }
      },
    },
    'frames of HTTP/2': {
      seeds: [
        Buffer.concat([
          frame(4, 0, 0, Buffer.alloc(6)),
          frame(1, 4, 1, field('a', 'b')),
          frame(0, 1, 1, PREFACE),
        ]),
        Buffer.concat([
          frame(0, 8, 1, Buffer.from([3, 1, 2, 3, 4, 0, 0, 0])),
          frame(9, 4, 1, Buffer.alloc(0)),
        ]),
      ],
      parse: (bytes) => inFrames(src, bytes),
    },
    'PROXY header': {
      seeds: PROXY_HEADERS,
      parse: (bytes) => src.parseProxyHeader(bytes, 0, bytes.length),
    },
    'TLS hello': { seeds: [HELLO], parse: (bytes) => src.parseClientHello(bytes, 0, bytes.length) },
    'DNS message': {
      seeds: [Buffer.from('000100000001000000000000036162630000010001', 'hex')],
      parse: refusing((bytes) => src.decodeMessage(bytes), src.WireError),
    },
    msgpack: {
      // A header and a key as Consul's snapshots have them, a list, and a value of a type of its own.
      seeds: [
        Buffer.from('81a94c617374496e6465780902', 'hex'),
        Buffer.from('83a34b6579a161a5466c616773cfffffffffffffffffa556616c7565c403000102', 'hex'),
        Buffer.from('93cb3fb999999999999ad1ff00c7030501020302', 'hex'),
      ],
      parse: refusing((bytes) => {
        const reader = new src.MsgpackReader(bytes);
        while (!reader.isAtEnd) reader.read();
      }, src.MsgpackError),
    },
    'muster.toml': { seeds: [TOML], parse: config('muster.toml') },
    'muster.yaml': {
      seeds: ['node:\n  name: n1\nservice:\n- name: web\n  port: 80\n'],
      parse: config('muster.yaml'),
    },
    "Consul's JSON": {
      seeds: [
        '{"data_dir": "/tmp", "service": {"name": "web", "port": 80, "checks": [{"tcp": "x:1", "interval": "1s"}]}}',
      ],
      parse: config('agent.json'),
    },
    "Consul's HCL": { seeds: [HCL], parse: config('agent.hcl') },
    gobetween: {
      seeds: [GOBETWEEN],
      parse: refusing((bytes) => src.checkText('gobetween.toml', text(bytes), 'toml')),
    },
    fabio: {
      seeds: [
        'proxy.addr = :9999;proto=http,:1234;proto=tcp\nregistry.backend = static\nproxy.cs = cs=a;type=file;cert=x\n',
      ],
      parse: refusing((bytes) => src.readFabioConfig({ flags: {}, env: {}, file: text(bytes) })),
    },
    dnsmasq: {
      seeds: [
        'server=/consul/127.0.0.1#8600\naddress=/a.test/1.2.3.4\ncache-size=1000\nhost-record=a,b,1.2.3.4,::1\n',
      ],
      parse: refusing((bytes) => src.readDnsmasqLines(text(bytes).split('\n'))),
    },
    'ACL rules': {
      seeds: [
        'key_prefix "a" { policy = "read" }\nservice "web" { policy = "write" intentions = "read" }\noperator = "read"\n',
      ],
      parse: refusing((bytes) => src.parseRules(text(bytes))),
    },
    'route commands': {
      seeds: [
        'route add web a.test/x http://1.2.3.4:80/ weight 0.2 tags "a,b" opts "strip=/x"\nroute weight web / weight 0.5 tags "a"\nroute del web\n',
      ],
      parse: (bytes) => src.parseCommands([{ name: '', text: text(bytes) }]),
    },
    'route tag': {
      seeds: [
        'urlprefix-a.test:80/x strip=/x proto=https weight=0.5 allow=ip:10.0.0.0/8',
        'urlprefix-:3306 proto=tcp',
      ],
      parse: (bytes) => src.parseRouteTag(text(bytes), { prefix: 'urlprefix-', variables: {}, globs: true }),
    },
    "consul-template's file": {
      seeds: [
        'consul { address = "a:1" }\ntemplate { source = "a" destination = "b" wait { min = "1s" } }\n',
      ],
      parse: refusing((bytes) => src.parseTemplateConfig('template.hcl', text(bytes))),
    },
    'key of links': {
      seeds: [Buffer.alloc(32, 7).toString('base64')],
      parse: refusing((bytes) => src.parseKey(text(bytes))),
    },
    filter: {
      seeds: ['Service == "web" and not ("a" in Tags or ServiceMeta.x matches "^a+$")'],
      parse: refusing((bytes) => src.compileFilter(text(bytes), src.SERVICE_FIELDS), src.HttpError),
    },
  };
}

/** A position lies within the bytes, or it is a refusal. @param {number} position @param {Buffer} bytes */
function within(position, bytes) {
  if (position > bytes.length)
    throw new Error(`position ${position} behind the end of ${bytes.length} bytes`);
}

/** Frames are the same however they are cut. @param {any} src @param {Buffer} bytes */
function inFrames(src, bytes) {
  const heard = (/** @type {number} */ piece) => {
    /** @type {string[]} */
    const frames = [];
    let data = '';
    const reader = new src.FrameReader({
      isOver: false,
      dataBegins: () => {
        data = '';
      },
      data: (
        /** @type {number} */ _,
        /** @type {Buffer} */ from,
        /** @type {number} */ start,
        /** @type {number} */ end,
      ) => {
        data += from.subarray(start, end).toString('hex');
      },
      dataEnds: (/** @type {number} */ stream, /** @type {number} */ flags) =>
        void frames.push(`data ${stream} ${flags} ${data}`),
      frame: (
        /** @type {number} */ type,
        /** @type {number} */ flags,
        /** @type {number} */ stream,
        /** @type {Uint8Array} */ from,
        /** @type {number} */ start,
        /** @type {number} */ end,
      ) =>
        void frames.push(
          `${type} ${flags} ${stream} ${Buffer.from(from.subarray(start, end)).toString('hex')}`,
        ),
      /** @param {number} code */
      broken(code) {
        frames.push(`broken ${code}`);
        this.isOver = true;
      },
    });
    for (let at = 0; at < bytes.length; at += piece)
      reader.read(bytes, at, Math.min(bytes.length, at + piece));
    return frames.join('\n');
  };
  const whole = heard(bytes.length + 1);
  for (const piece of [1, 7])
    if (heard(piece) !== whole) throw new Error(`other frames in pieces of ${piece}`);
}

/** However it is cut, the data of chunks is the same and ends in the same place. @param {any} src @param {Buffer} bytes */
function inPieces({ Body, BY_CHUNKS }, bytes) {
  const read = (/** @type {number} */ size) => {
    const body = new Body();
    body.begin(BY_CHUNKS, 0);
    const memory = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
    const data = [];
    let at = 0;
    while (at < bytes.length && !body.done && !body.failed) {
      at = body.extract(memory, at, Math.min(at + size, bytes.length), bytes.length);
      within(at, bytes);
      data.push(memory.toString('latin1', bytes.length, body.dataEnd));
    }
    return `${body.done} ${body.failed} ${at} ${data.join('')}`;
  };
  const [whole, cut] = [read(bytes.length), read(1 + (bytes.length % 7))];
  if (whole !== cut) throw new Error(`in pieces ${cut.slice(0, 200)}, as a whole ${whole.slice(0, 200)}`);
}

/** @param {Random} random @param {Parser} parser */
function inputOf(random, { seeds }) {
  const whole = () => Buffer.from(random.pick(seeds));
  if (random.chance(0.05)) return random.bytes(random.below(200));
  const bytes = mutated(random, random.chance(0.2) ? Buffer.concat([whole(), whole()]) : whole());
  // Nesting and repetition are what takes parsers down.
  if (!random.chance(0.1) || bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  const piece = bytes.subarray(at, at + 1 + random.below(8));
  return Buffer.concat([
    bytes.subarray(0, at),
    ...Array(200 + random.below(3000)).fill(piece),
    bytes.subarray(at),
  ]);
}

/**
 * Feeds the parsers in turn until there were `count` inputs or `seconds` are over. The same inputs for the same seed.
 * @param {{ seed: number, from?: number, count?: number, seconds?: number }} options
 */
export async function fuzzParsers({
  seed,
  from = 0,
  count = Number.POSITIVE_INFINITY,
  seconds = Number.POSITIVE_INFINITY,
}) {
  const all = Object.entries(await parsers());
  /** @type {ParserFinding[]} */
  const findings = [];
  const end = Date.now() + seconds * 1000;
  let sent = 0;
  for (; sent < count && findings.length < 20; sent++) {
    if (sent % 256 === 0 && Date.now() > end) break;
    const number = from + sent;
    const [name, parser] = /** @type {[string, Parser]} */ (all[number % all.length]);
    const input = inputOf(new Random(seed, number), parser);
    const began = process.cpuUsage();
    try {
      parser.parse(input);
    } catch (error) {
      findings.push({
        number,
        parser: name,
        why: error instanceof Error ? (error.stack ?? error.message) : String(error),
        input,
      });
    }
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1_000;
    if (took > SLOW) findings.push({ number, parser: name, why: `took ${Math.round(took)} ms`, input });
  }
  return { sent, findings };
}
