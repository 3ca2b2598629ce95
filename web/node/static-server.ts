/** A folder to a server of its files: whole, in ranges, or "not modified"; nothing outside the folder, and nothing hidden in it. */

import { createReadStream, realpathSync, type Stats, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";

const types: { readonly [extension: string]: string } = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".safetensors": "application/octet-stream",
  ".svg": "image/svg+xml",
  ".ts": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".wgsl": "text/plain; charset=utf-8",
};

/** What a page from here may do: nothing but its own scripts, styles, files and workers. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const always = { "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin" } as const;
/** Of documents; isolated, they may measure and share memory as finely as the browser can. */
const ofPages = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "referrer-policy": "no-referrer",
} as const;

/** Of the page's own worker: its encoder makes functions of text. */
const ofWorkers = {
  "content-security-policy": "default-src 'none'; script-src 'self' 'unsafe-eval'",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** Of ONNX Runtime, a worker that compiles WebAssembly, fetches it and starts itself again for each thread. The page may do none of this. */
const ofEngines = {
  "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** Answers GET and HEAD; a folder's address gives its index.html. The server does not listen yet. */
export function staticServer(folder: string): Server {
  const root = realpathSync(folder);
  return createServer((request, response) => {
    for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, { allow: "GET, HEAD" });
    const found = locate(root, request.url ?? "/");
    if (typeof found === "number") return refuse(response, found);
    if ("moved" in found) return refuse(response, 308, { location: found.moved });
    answer(request, response, found);
  });
}

interface Found {
  readonly path: string;
  readonly stats: Stats;
  /** Whether the address names the content by its hash, and so never means another. */
  readonly fixed: boolean;
}

type Located = Found | { readonly moved: string } | 400 | 404;

function locate(root: string, url: string): Located {
  const [address = "/", query] = url.split("?", 2);
  let name: string;
  try {
    name = decodeURIComponent(address);
  } catch {
    return 400;
  }
  if (name.includes("\0")) return 400;
  if (name.split(/[\\/]/).some((part) => part.startsWith("."))) return 404;
  const fixed = new URLSearchParams(query).has("sha256") || /^\/chunks\/[\w.-]+-[A-Z0-9]{8}\.js$/.test(name);
  try {
    // The real path, so that neither `..` nor a link leads out of the folder.
    const path = realpathSync(join(root, name));
    if (path !== root && !path.startsWith(root + sep)) return 404;
    const stats = statSync(path);
    if (stats.isFile()) return name.endsWith("/") ? 404 : { path, stats, fixed };
    // Relative addresses in the page need the slash. Doubled slashes at the start would name another host.
    if (!name.endsWith("/")) return { moved: `/${address.replace(/^\/+/, "")}/${query === undefined ? "" : `?${query}`}` };
    const index = realpathSync(join(path, "index.html"));
    return index.startsWith(root + sep) ? { path: index, stats: statSync(index), fixed: false } : 404;
  } catch {
    return 404;
  }
}

function answer(request: IncomingMessage, response: ServerResponse, { path, stats, fixed }: Found): void {
  const { size } = stats;
  const type = types[extname(path).toLowerCase()] ?? "application/octet-stream";
  const tag = `"${size.toString(36)}-${Math.round(stats.mtimeMs).toString(36)}"`;
  response.setHeader("accept-ranges", "bytes");
  // Other addresses stay when what they name is built again: the browser asks each time, and is told when nothing has changed.
  response.setHeader("cache-control", fixed ? "public, max-age=31536000, immutable" : "no-cache");
  response.setHeader("content-type", type);
  response.setHeader("etag", tag);
  for (const [name, value] of Object.entries(isolating(path, type))) response.setHeader(name, value);
  // Split at commas alone: a pattern with spaces around them takes time that grows with the square of the header.
  const known = request.headers["if-none-match"]?.split(",").map((one) => one.trim().replace(/^W\//, ""));
  if (known?.some((one) => one === tag || one === "*")) {
    response.writeHead(304).end();
    return;
  }
  const sameFile = request.headers["if-range"] === undefined || request.headers["if-range"] === tag;
  const range = sameFile && request.method === "GET" ? rangeOf(request.headers.range, size) : undefined;
  if (range === "outside") return refuse(response, 416, { "content-range": `bytes */${size}` });
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== undefined) response.setHeader("content-range", `bytes ${start}-${end - 1}/${size}`);
  response.writeHead(range === undefined ? 200 : 206, { "content-length": end - start });
  if (request.method === "HEAD" || start === end) {
    response.end();
    return;
  }
  const stream = createReadStream(path, { start, end: end - 1 });
  // Too late for another status: a file that fails while it is sent ends the connection.
  stream.on("error", () => response.destroy());
  response.on("close", () => stream.destroy());
  stream.pipe(response);
}

function isolating(path: string, type: string): { readonly [name: string]: string } {
  if (type.startsWith("text/html")) return ofPages;
  if (path.endsWith("-worker.js")) return ofWorkers;
  return /[\\/]ort[\w.-]*\.mjs$/.test(path) ? ofEngines : {};
}

/** From `start` to before `end`; undefined for the whole file, which is also the answer to several ranges at once. */
function rangeOf(header: string | undefined, size: number): { readonly start: number; readonly end: number } | "outside" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return Number(last) === 0 ? "outside" : { start: Math.max(0, size - Number(last)), end: size };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return "outside";
  return { start: Number(first), end: last === "" ? size : Math.min(size, Number(last) + 1) };
}

function refuse(response: ServerResponse, status: number, headers: { readonly [name: string]: string } = {}): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers });
  response.end(`${status}\n`);
}
