// Which web pages may use a port.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Which pages of browsers may use a port, and under which names it is asked for. */
export interface WebRules {
  /**
   * Origins (`https://app.example`) whose pages may; `*` stands for all. Default: none. A function where they
   * change: it is asked at every request.
   */
  readonly allowOrigins?: readonly string[] | (() => readonly string[]);
  /** Names by which HTTP is asked for, besides loopback's and addresses. */
  readonly allowHosts?: readonly string[];
}

/** `undefined`: go on. Else the status and the words of a refusal. */
export type Refusal = { readonly status: number; readonly text: string } | undefined;

/**
 * Browsers say with every WebSocket which page opens it, other programs say nothing. A page that was
 * not invited must not use a cell that its reader can reach.
 */
export function refuseOrigin(request: IncomingMessage, rules: WebRules): Refusal {
  const { origin } = request.headers;
  if (origin === undefined || isAllowed(origin, rules)) return undefined;
  return { status: 403, text: `pages of ${origin.slice(0, 200)} may not: see allowOrigins\n` };
}

function isAllowed(origin: string, { allowOrigins = [] }: WebRules): boolean {
  const allowed = typeof allowOrigins === 'function' ? allowOrigins() : allowOrigins;
  return allowed.includes('*') || allowed.includes(origin);
}

/**
 * A page can have its own name lead here (DNS rebinding), and the browser then takes us for its
 * server. So a name must be one of ours. The name that a page has lead here is never an address, so
 * addresses pass.
 */
export function refuseHost(request: IncomingMessage, { allowHosts = [] }: WebRules): Refusal {
  const { host } = request.headers;
  if (host === undefined) return undefined; // HTTP/1.0: no browser
  const name = hostName(host);
  if (isLoopbackName(name) || isIP(bare(name)) !== 0) return undefined;
  if (allowHosts.some((one) => one.toLowerCase() === name)) return undefined;
  return { status: 421, text: `not under the name ${name.slice(0, 200)}: see allowHosts\n` };
}

/** Without port, in lower case, without the dot of the root. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

const bare = (name: string): string => name.replace(/^\[(.*)\]$/, '$1');

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
