/** The part of dns-packet that the tests compare with; it comes without types of its own. */
declare module 'dns-packet' {
  export interface Answer {
    type: string;
    name: string;
    ttl?: number;
    data?: unknown;
    [more: string]: unknown;
  }
  export interface Packet {
    type?: 'query' | 'response';
    id?: number;
    flags?: number;
    questions?: { type: string; name: string; class?: string }[];
    answers?: Answer[];
    authorities?: Answer[];
    additionals?: Answer[];
  }
  export const AUTHORITATIVE_ANSWER: number;
  export const RECURSION_DESIRED: number;
  export function encode(packet: Packet): Buffer;
  interface Decoded extends Required<Packet> {
    flag_tc: boolean;
    flag_rd: boolean;
    rcode: string;
  }
  export function decode(bytes: Buffer): Decoded;
  /** With the length in front, as over TCP. */
  export function streamEncode(packet: Packet): Buffer;
  export function streamDecode(bytes: Buffer): Decoded;
  export const name: { encode(text: string): Buffer };
  export function record(type: string): { encode(data: unknown): Buffer };
}
