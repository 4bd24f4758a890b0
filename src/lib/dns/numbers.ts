/** Numbers of the protocol that Muster has to do with (RFC 1035, 2782, 3596, 6891). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  RRSIG: 46,
  TSIG: 250,
  AXFR: 252,
  ANY: 255,
} as const;

export const CLASS_IN = 1;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Four bits of it stand in the header, the rest in the EDNS record. */
  BADVERS: 16,
} as const;

export const OPCODE_QUERY = 0;

/** Code of the EDNS option in which forwarders name the network of the asker (RFC 7871). */
export const EDNS_SUBNET = 8;

/** Bits of the header's second word. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const;
/** In the flags of the EDNS record: the asker wants signatures (RFC 3225). */
export const EDNS_DO = 0x8000;

export const HEADER_BYTES = 12;
/** A name on the wire, its length bytes and its end included. */
export const MAX_NAME_BYTES = 255;
export const MAX_LABEL_BYTES = 63;
/** Largest message over UDP without EDNS. */
export const PLAIN_UDP_BYTES = 512;
export const MAX_MESSAGE_BYTES = 65_535;
/** A compression pointer has 14 bits for the offset. */
export const MAX_POINTER = 0x3fff;
/** Two bytes that stand for the question's name, which always follows the header. */
export const QUESTION_POINTER = 0xc000 | HEADER_BYTES;
