import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { bytes, empty, type Reply, text } from './reply.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

/** The page is self-contained: it loads from and talks to the agent that served it, and stands in no other page. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

/** Where the build puts files whose name changes with their content. */
const HASHED = /^assets\//;

/**
 * The dashboard's files. `path` is what follows "/ui/"; what is no file there is the page itself, which routes on
 * its own. Files with a hash in their name are kept for a year, the page is asked for anew each time.
 */
export async function staticFile(directory: string, path: string, ifNoneMatch = ''): Promise<Reply> {
  const relative = normalize(path === '' ? 'index.html' : path);
  if (relative.startsWith('..') || relative.startsWith(sep) || relative.includes('\0')) return empty(404);
  const file = await contentOf(join(directory, relative));
  if (file !== undefined)
    return fileReply(
      file,
      relative,
      HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      ifNoneMatch,
    );
  // A missing script must not be answered with a page; but a service may be called "web.js".
  if (extname(relative) !== '' && (HASHED.test(path) || !relative.includes(sep))) return empty(404);
  const page = await contentOf(join(directory, 'index.html'));
  if (page === undefined) return text('The dashboard is not built: run `npm run build`.', { status: 404 });
  return fileReply(page, 'index.html', 'no-cache', ifNoneMatch);
}

/** Undefined: there is no such file. What else goes wrong (no descriptor left, no right to read) is thrown: it says nothing of what is there. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function fileReply(file: Buffer, name: string, caching: string, ifNoneMatch: string): Reply {
  const tag = `"${createHash('sha256').update(file).digest('base64url').slice(0, 22)}"`;
  const headers = {
    'Cache-Control': caching,
    ETag: tag,
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': POLICY,
  };
  if (ifNoneMatch.split(',').some((known) => known.trim().replace(/^W\//, '') === tag))
    return empty(304, { headers });
  return bytes(file, TYPES[extname(name)] ?? 'application/octet-stream', { headers });
}
