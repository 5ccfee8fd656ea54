// The messages of clients and gateways with the queries and answers of the lock service in them.
import { decode, encode, type Shape } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  type ClientMessageOf,
  clientMessageShapeOf,
  type GatewayMessageOf,
  gatewayMessageShapeOf,
} from '@fatty/protocol';
import { type Answer, answerShape } from './answers.ts';
import { type Query, queryShape } from './queries.ts';

/** What a client of the lock service says to a gateway. */
export type ClientMessage = ClientMessageOf<Query>;
/** Results decode with `decodeResult`, bodies of notices with `decodeNotice`. */
export type GatewayMessage = GatewayMessageOf<Answer>;

/** Canonical bytes of a client's message. */
export const clientMessageShape: Shape<ClientMessage> = clientMessageShapeOf(queryShape);
/** Canonical bytes of a gateway's message. */
export const gatewayMessageShape: Shape<GatewayMessage> = gatewayMessageShapeOf(answerShape);

/** Canonical bytes of a client's message, as one frame. */
export function encodeClientMessage(message: ClientMessage): Uint8Array {
  return encode(clientMessageShape, message);
}

/** `sizeMax`: the link's frame limit in bytes. Codes of `decode`. */
export function decodeClientMessage(input: Uint8Array, sizeMax: number): Outcome<ClientMessage> {
  return decode(clientMessageShape, input, sizeMax);
}

/** Canonical bytes of a gateway's message, as one frame. */
export function encodeGatewayMessage(message: GatewayMessage): Uint8Array {
  return encode(gatewayMessageShape, message);
}

/** `sizeMax`: the link's frame limit in bytes. Codes of `decode`. */
export function decodeGatewayMessage(input: Uint8Array, sizeMax: number): Outcome<GatewayMessage> {
  return decode(gatewayMessageShape, input, sizeMax);
}
