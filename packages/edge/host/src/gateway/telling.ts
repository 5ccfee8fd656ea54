// How a gateway speaks to clients, and what becomes of an exception while it serves one.
import { encode, type Shape } from '@fatty/codec';
import type { Digest, Failure, Link, Priority, PublicKey } from '@fatty/interface';
import { CLOSE, PROTOCOL } from '@fatty/interface';
import { type GatewayMessageOf, gatewayMessageShapeOf } from '@fatty/protocol';
import type { Visitor, Visitors } from './visitors.ts';

/** An exception while a message of (or to) one client was served: its kind, and that client's key. */
export type ServingError = (error: unknown, serving: string, client: PublicKey) => void;

/** What a gateway says. */
export class Telling<Answer> {
  readonly #said: Shape<GatewayMessageOf<Answer>>;
  readonly #visitors: Visitors;
  readonly #onError: ServingError;

  constructor(answer: Shape<Answer>, visitors: Visitors, onError: ServingError) {
    this.#said = gatewayMessageShapeOf(answer);
    this.#visitors = visitors;
    this.#onError = onError;
  }

  /**
   * What is thrown while one client is served ends its link, and nothing else: neither the others
   * nor the replica. (What the replica throws never comes here: its driver stops it.)
   */
  serve(link: Link, serving: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onError(error, serving, link.peer);
      link.close(CLOSE.internal, 'internal_error');
    }
  }

  bytesOf(message: GatewayMessageOf<Answer>): Uint8Array {
    return encode(this.#said, message);
  }

  send({ link }: Visitor, message: GatewayMessageOf<Answer>, priority: Priority): void {
    link.send(this.bytesOf(message), priority);
  }

  sendError(visitor: Visitor, request: number, failure: Failure): void {
    this.send(visitor, { kind: 'error', request, failure }, PROTOCOL);
  }

  refuse(visitor: Visitor, batch: Digest, failure: Failure): void {
    this.send(visitor, { kind: 'refused', batch, failure }, PROTOCOL);
  }

  /** Tells all links of a client. */
  tell(client: PublicKey, message: GatewayMessageOf<Answer>, priority: Priority): void {
    let bytes: Uint8Array | undefined;
    for (const { link } of this.#visitors.of(client)) {
      this.serve(link, message.kind, () => {
        bytes ??= this.bytesOf(message);
        link.send(bytes, priority);
      });
    }
  }
}
