// A message socket, cut down to what a link needs.
import type { Failure } from '@fatty/interface';
import { socketFailure } from './socket-failure.ts';

/** What a socket tells its owner. `closed` comes exactly once, last. */
export interface WireEvents {
  open(): void;
  /** Binary messages are the protocol's, text messages are link control (ping, pong). */
  message(data: Uint8Array | string): void;
  /** `error`: the socket's own last word, where the platform tells it; see {@link socketFailure}. */
  closed(code: number, reason: string, error?: Failure): void;
}

/** A message socket, cut down to what a link needs. */
export interface Wire {
  /** Bytes accepted by `send` and not yet given to the network. */
  buffered(): number;
  /** `flushed` is called later, at least once, when `buffered` has gone down. */
  send(data: Uint8Array | string, flushed: () => void): void;
  close(code: number, reason: string): void;
  /** Cuts without a closing handshake, where the platform can. */
  terminate(): void;
}

/** Opens a socket to a URL. */
export type Connect = (url: string, events: WireEvents) => Wire;

/** The part of an event that a link reads. */
export interface SocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  /** Of an `error`, where the platform tells it: Node does, browsers do not. */
  readonly error?: unknown;
}

/** The part of the WHATWG WebSocket that a link uses; browsers' and `ws`'s both fit. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
  send(data: Uint8Array<ArrayBuffer> | string): void;
  close(code?: number, reason?: string): void;
}

/** The class of a platform's WebSocket. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** A browser tells nothing when its buffer drains: look this often while it is not empty, ms. */
const POLL_MS = 10;
const NORMAL = 1000;

/** Wires over an injected WebSocket constructor; no Node in sight. */
export function webConnect(webSocket: WebSocketConstructor): Connect {
  return (url, events) => {
    const socket = new webSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => events.open());
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') events.message(data);
      else if (data instanceof ArrayBuffer) events.message(new Uint8Array(data));
    });
    let last: Failure | undefined;
    socket.addEventListener('error', ({ error }) => {
      if (error instanceof Error) last ??= socketFailure(error);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      events.closed(code ?? 1006, reason ?? '', last);
    });
    return webWire(socket);
  };
}

function webWire(socket: WebSocketLike): Wire {
  let polling = false;
  const poll = (flushed: () => void): void => {
    polling = false;
    flushed();
    if (socket.bufferedAmount > 0) watch(flushed);
  };
  const watch = (flushed: () => void): void => {
    if (polling) return;
    polling = true;
    setTimeout(poll, POLL_MS, flushed);
  };
  // Browsers let a page close with 1000 or an application code, nothing else.
  const close = (code: number, reason: string): void =>
    socket.close(code >= 3000 ? code : NORMAL, reason);
  return {
    buffered: () => socket.bufferedAmount,
    send(data, flushed) {
      // ws and browsers both take any view; the cast only drops SharedArrayBuffer from its type.
      socket.send(data as Uint8Array<ArrayBuffer> | string);
      watch(flushed);
    },
    close,
    terminate: () => close(NORMAL, 'terminated'),
  };
}
