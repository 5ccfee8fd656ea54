// Dials with `ws`, for Node.
import type { Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type Dialer, type DialOptions, dialThrough } from './dialer.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { socketFailure } from './socket-failure.ts';
import type { Connect, Wire, WireEvents } from './wire.ts';

/** What a dialler of Node needs. */
export interface NodeDialOptions extends DialOptions {
  /** For `wss://`: the authorities (PEM text) to trust instead of the system's; a function is asked before each try. */
  readonly ca?: string | (() => string | undefined);
}

/** Dials with `ws`. Timers keep the process alive until `close`. */
export function dial(options: NodeDialOptions): Dialer {
  const { ca } = options;
  const maxPayload = options.limits?.messageBytesMax ?? DEFAULT_LIMITS.messageBytesMax;
  const connect: Connect = (url, events) => {
    const authorities = typeof ca === 'function' ? ca() : ca;
    const socket = new WebSocket(url, {
      maxPayload,
      perMessageDeflate: false,
      followRedirects: false,
      ...(authorities === undefined ? {} : { ca: authorities }),
    });
    socket.on('upgrade', (response) => void response.socket.setNoDelay(true));
    return wireOf(socket, events);
  };
  return dialThrough(connect, options);
}

/** A `ws` socket as a wire. */
export function wireOf(socket: WebSocket, events: WireEvents): Wire {
  socket.on('open', () => events.open());
  socket.on('message', (data, isBinary) => {
    const bytes = plainBytes(data);
    events.message(isBinary ? bytes : new TextDecoder().decode(bytes));
  });
  let last: Error | undefined;
  // `close` follows every error. It carries a code (1002, 1006, 1007, 1009), and not what the error
  // was.
  socket.on('error', (error) => {
    last ??= error;
  });
  socket.on('close', (code, reason) => {
    events.closed(code, reason.toString(), last && socketFailure(last));
  });
  return {
    buffered: () => socket.bufferedAmount,
    send(data, flushed) {
      if (socket.readyState === WebSocket.OPEN) socket.send(data, flushed);
    },
    close(code, reason) {
      // 1005 and 1006 describe a loss and are never sent.
      if (code === 1005 || code === 1006) socket.terminate();
      else socket.close(code, reason);
    },
    terminate: () => socket.terminate(),
  };
}

/** A Uint8Array that is not a Buffer: `slice` must copy, as everywhere else. */
function plainBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return plainBytes(Buffer.concat(data));
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Nagle's algorithm would hold a small message back for the acknowledgement of the one before. */
export function withoutDelay(socket: Socket): void {
  socket.setNoDelay(true);
}
