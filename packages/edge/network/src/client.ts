/** The half of the package that runs anywhere: no Node module, no Node global. */
import { type Dialer, type DialOptions, dialThrough } from './dialer.ts';
import { type WebSocketConstructor, webConnect } from './wire.ts';

export * from './admit.ts';
export { type BackoffLimits, DEFAULT_BACKOFF } from './backoff.ts';
export * from './closing.ts';
export { type Dialer, type DialOptions, type DialState, whyNotLinked } from './dialer.ts';
export { dials, type LinkIdentity } from './handshake.ts';
export {
  DEFAULT_LIMITS,
  type LinkEnvironment,
  type LinkLimits,
  webEnvironment,
} from './limits.ts';
export type { LinkStats, NetworkLink } from './link.ts';
export { LINK_VERSIONS } from './messages.ts';
export { isPlainBeyond, urlHost } from './plain.ts';
export type { SocketEvent, WebSocketConstructor, WebSocketLike } from './wire.ts';

/** What a dialler in any platform needs. */
export interface ClientDialOptions extends DialOptions {
  /** The platform's WebSocket: `globalThis.WebSocket`, or `ws`'s class on Node 20. */
  readonly webSocket: WebSocketConstructor;
}

/** Dials with an injected WebSocket: the browser's way in. */
export function dialClient(options: ClientDialOptions): Dialer {
  return dialThrough(webConnect(options.webSocket), options);
}
