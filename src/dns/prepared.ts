import { RCODE, TYPE } from '../lib/dns/numbers.ts';
import { ASKED, type DnsRecord, layOut, recordLength } from './record.ts';

/** One record of the answer section and what belongs to it in the additional section. */
export interface AnswerPart {
  record: DnsRecord;
  /** The name in `record` that extras may point back to: an SRV's target. */
  target?: Uint8Array;
  extras?: readonly DnsRecord[];
}

/** What to answer, before it is laid out. */
export interface Plan {
  rcode?: number;
  authoritative?: boolean;
  parts?: readonly AnswerPart[];
  authority?: readonly DnsRecord[];
  /** Additional records that belong to the answer as a whole. */
  additional?: readonly DnsRecord[];
  /**
   * "instances": in random order, as many as the limits allow. "nearest": the first of them, as many as the
   * limits allow. "all": as they are; where they do not fit, TC says so.
   */
  choice?: 'instances' | 'nearest' | 'all';
  /** Addresses of instances, to which `aRecordLimit` applies. */
  addresses?: boolean;
  /** The answer may be another for an asker in another network (RFC 7871): nobody may keep it for all. */
  scoped?: boolean;
  /**
   * What others must be asked for: the question itself, or what these names stand for. Without their help the plan is
   * the answer.
   */
  elsewhere?: 'question' | readonly string[];
}

/**
 * An answer in bytes, laid out once per change of the catalog and copied once per question. It holds no name
 * of the question (records point to it) and no order, so that it serves every asker.
 */
export interface Prepared {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly choosing: boolean;
  readonly shuffled: boolean;
  readonly addresses: boolean;
  readonly scoped: boolean;
  readonly elsewhere: Plan['elsewhere'];
  readonly count: number;
  /** Records of the answer section one after another; record i is from `starts[i]` to `starts[i + 1]`. */
  readonly bytes: DataView;
  readonly starts: Uint32Array;
  /** Size of each without compression; where `asked` is 1 the question's name comes on top. */
  readonly plain: Uint32Array;
  readonly asked: Uint8Array;
  /** Where an SRV's target stands in its record; 0 for none. */
  readonly targetAt: Uint16Array;
  /** Records with the same number have the same extras: these are written once. */
  readonly target: Uint32Array;
  /** Extras of record i are numbers `extraOf[i]` to `extraOf[i + 1]`. */
  readonly extraOf: Uint32Array;
  readonly extraBytes: DataView;
  readonly extraStarts: Uint32Array;
  /** Bytes of an extra's owner if that is the target of its record, else 0. */
  readonly extraOwner: Uint16Array;
  readonly authority: DataView;
  readonly authorityCount: number;
  readonly additional: DataView;
  readonly additionalCount: number;
  /** Where the zone's serial number stands in `authority` and in `bytes`; -1 for nowhere. */
  readonly serialInAuthority: number;
  readonly serialInBytes: number;
  /** A permutation of the records; choosing goes on from where the last question left it. */
  readonly order: Uint32Array;
  /** Question in which a target was last written; `questions` counts them. */
  readonly written: Uint32Array;
  questions: number;
}

export function prepare(plan: Plan): Prepared {
  const { parts = [], authority = [], additional = [] } = plan;
  const records = parts.map(({ record }) => record);
  const extras = parts.flatMap((part) => part.extras ?? []);
  const { bytes, starts } = layOut(records);
  const extraLayout = layOut(extras);

  const count = parts.length;
  const plain = new Uint32Array(count);
  const asked = new Uint8Array(count);
  const targetAt = new Uint16Array(count);
  const target = new Uint32Array(count);
  const order = new Uint32Array(count);
  const extraOf = new Uint32Array(count + 1);
  const extraOwner = new Uint16Array(extras.length);
  const targets = new Map<string, number>();
  let extra = 0;
  parts.forEach((part, i) => {
    const length = recordLength(part.record);
    const isAsked = part.record.owner === ASKED;
    plain[i] = isAsked ? length - 2 : length;
    asked[i] = isAsked ? 1 : 0;
    targetAt[i] = part.target === undefined ? 0 : length - part.target.length;
    // Without a target nothing is shared: each record is a target of its own.
    const key = part.target === undefined ? `#${i}` : Buffer.from(part.target).toString('latin1');
    const number = targets.get(key) ?? targets.size;
    targets.set(key, number);
    target[i] = number;
    order[i] = i;
    for (const { owner } of part.extras ?? [])
      extraOwner[extra++] = isTarget(owner, part.target) ? owner.length : 0;
    extraOf[i + 1] = extra;
  });
  return {
    rcode: plan.rcode ?? RCODE.NOERROR,
    authoritative: plan.authoritative ?? true,
    choosing: plan.choice === 'instances' || plan.choice === 'nearest',
    shuffled: plan.choice === 'instances',
    addresses: plan.addresses ?? false,
    scoped: plan.scoped ?? false,
    elsewhere: plan.elsewhere,
    count,
    bytes,
    starts,
    plain,
    asked,
    targetAt,
    target,
    extraOf,
    extraBytes: extraLayout.bytes,
    extraStarts: extraLayout.starts,
    extraOwner,
    authority: layOut(authority).bytes,
    authorityCount: authority.length,
    additional: layOut(additional).bytes,
    additionalCount: additional.length,
    serialInAuthority: serialOf(authority),
    serialInBytes: serialOf(records),
    order,
    written: new Uint32Array(targets.size),
    questions: 0,
  };
}

/** A start of authority ends with five numbers, of which the serial is the first. */
function serialOf(records: readonly DnsRecord[]): number {
  const found = records.findIndex(({ type }) => type === TYPE.SOA);
  if (found < 0) return -1;
  return records.slice(0, found + 1).reduce((sum, record) => sum + recordLength(record), 0) - 20;
}

/** Sets the zone's serial number, which is the time in seconds: answers are never older than the question. */
export function stampSerial(prepared: Prepared, seconds: number): void {
  if (prepared.serialInAuthority >= 0) prepared.authority.setUint32(prepared.serialInAuthority, seconds);
  if (prepared.serialInBytes >= 0) prepared.bytes.setUint32(prepared.serialInBytes, seconds);
}

function isTarget(owner: DnsRecord['owner'], target: Uint8Array | undefined): owner is Uint8Array {
  if (owner === ASKED || target === undefined) return false;
  return owner === target || Buffer.compare(owner, target) === 0;
}
