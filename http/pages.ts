/**
 * The built pages as entries of the route table: one for each file, and one for each address of a page, which all get the same document and
 * let its script decide. Files are read and compressed at the start: what is not on the disk then has no address.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { namesTag } from './read-cache.ts';
import { defineRoute, type Route } from './route.ts';

/** Addresses that people open, reload and send to each other. web/pages.ts says which page each of them is. */
const pagePaths = [
  '/',
  '/events/:slug',
  '/events/:slug/waiting-room',
  '/bookings',
  '/bookings/:id',
  '/tickets',
  '/login',
  '/register',
] as const;

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Names below it carry a hash of their content, so they never change. */
const hashedFolder = 'assets/';
const yearSeconds = 31_536_000;

interface PageFile {
  readonly mediaType: string;
  readonly cacheControl: string;
  readonly etag: string;
  readonly plain: Uint8Array;
  /** The same, packed by the build; null where packing gained nothing. */
  readonly brotli: Uint8Array | null;
  readonly gzip: Uint8Array | null;
}

/** The routes of the pages that `npm run build` laid into `folder`; none when nothing is there. */
export function pageRoutes(folder: string): readonly Route[] {
  if (!existsSync(join(folder, 'index.html'))) return [];
  const document = readPageFile(folder, 'index.html');
  const others = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && mediaTypes[extname(entry.name)] !== undefined)
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replace(/^\/+/, ''))
    .filter((name) => name !== 'index.html');
  return [
    ...pagePaths.map((path) => fileRoute(path, document)),
    ...others.map((name) => fileRoute(`/${name}`, readPageFile(folder, name))),
  ];
}

function readPageFile(folder: string, name: string): PageFile {
  const path = join(folder, name);
  const plain = readFileSync(path);
  const packed = (ending: string) => (existsSync(path + ending) ? readFileSync(path + ending) : null);
  return {
    mediaType: mediaTypes[extname(name)] ?? '',
    cacheControl: name.startsWith(hashedFolder) ? `public, max-age=${yearSeconds}, immutable` : 'no-cache',
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    plain,
    brotli: packed('.br'),
    gzip: packed('.gz'),
  };
}

function fileRoute(path: `/${string}`, file: PageFile): Route {
  const names = [...path.matchAll(/:([a-z]+)/g)].map(([, name = '']) => name);
  return defineRoute({
    method: 'GET',
    path,
    area: 'Pages',
    summary: 'A page for buyers',
    who: 'anyone',
    limit: null,
    ...(names.length > 0 ? { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) } : {}),
    headers: z.object({ 'accept-encoding': z.string().default('') }),
    answers: { 200: { mediaType: file.mediaType } },
    handle(call) {
      call.header('Cache-Control', file.cacheControl);
      // Weak: the packed and the plain file are the same page in other bytes.
      call.header('ETag', `W/${file.etag}`);
      call.header('Vary', 'Accept-Encoding');
      if (namesTag(call.ifNoneMatch, file.etag)) {
        call.bare(304);
        return;
      }
      const accepted = call.headers['accept-encoding'];
      if (file.brotli !== null && accepts(accepted, 'br')) {
        call.header('Content-Encoding', 'br');
        call.send(200, file.mediaType, file.brotli);
      } else if (file.gzip !== null && accepts(accepted, 'gzip')) {
        call.header('Content-Encoding', 'gzip');
        call.send(200, file.mediaType, file.gzip);
      } else call.send(200, file.mediaType, file.plain);
    },
  });
}

/** Whether an Accept-Encoding (RFC 9110 §12.5.3) names `coding` and does not refuse it. */
function accepts(acceptEncoding: string, coding: string): boolean {
  return acceptEncoding.split(',').some((offer) => {
    const [name = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase());
    return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
