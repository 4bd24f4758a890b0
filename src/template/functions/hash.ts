/** Digests. */
import { createHash, createHmac } from 'node:crypto';
import { fn, STRING, toBytes } from '../language/index.ts';
import { type Group, pure } from './entry.ts';

export const digest = (algorithm: string, text: string): string =>
  createHash(algorithm).update(toBytes(text)).digest('hex');

export const HASH_FUNCTIONS: Group = {
  hmacSHA256Hex: pure(
    fn([STRING, STRING], STRING, (message: string, key: string) =>
      createHmac('sha256', toBytes(key)).update(toBytes(message)).digest('hex'),
    ),
    'HMAC with SHA-256 of a text and a key.',
    '{{ hmacSHA256Hex "message" "key" }}',
  ),
  md5sum: pure(
    fn([STRING], STRING, (text: string) => digest('md5', text)),
    'MD5.',
    '{{ "text" | md5sum }}',
  ),
  sha256Hex: pure(
    fn([STRING], STRING, (text: string) => digest('sha256', text)),
    'SHA-256.',
    '{{ "text" | sha256Hex }}',
  ),
};
