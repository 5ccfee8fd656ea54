// What may be asked by somebody who is no member.
import type { Committee } from '@fatty/protocol';
import { decodeMessage } from '../boundary/messages.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Statements } from '../clients/statements.ts';
import type { Chain } from '../epochs/chain.ts';
import type { FrameServe } from '../frames/frame-serve.ts';
import type { Frames } from '../frames/frames.ts';

/** What Guests needs of its replica. */
export interface GuestsPort {
  readonly chain: Chain;
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly frames: Frames;
  readonly frameServe: FrameServe;
  readonly standing: { readonly refusal: unknown };
  readonly statements: Statements;
}

/** Everything that a guest may say is short. Bytes. */
const QUESTION_BYTES_MAX = 1024;
/** Two signatures are checked for a statement, so each guest has a turn now and then, ms. */
const STATEMENT_MS = 250;

/**
 * Guests (R31.9): keys that a motion of this epoch would let in, with a link to this member. They may ask for the
 * chain, for frames and their chunks, and say that they are ready. All of them together are served as much as one
 * member; everything else that they send is left unread.
 */
export class Guests {
  readonly #port: GuestsPort;
  /** By guest: when its next statement is looked at. Its host gives out few numbers. */
  readonly #statementAtMs = new Map<number, number>();

  constructor(port: GuestsPort) {
    this.#port = port;
  }

  /** `guest`: below 0, as its host numbers it. */
  hear(guest: number, bytes: Uint8Array): void {
    if (bytes.length > QUESTION_BYTES_MAX) return;
    const { committee, chain, frames, frameServe } = this.#port;
    const message = decodeMessage(bytes, committee.params.limits.blockBytesMax);
    if (!message.ok) return;
    const asked = message.value;
    switch (asked.kind) {
      case 'getLinks':
        return chain.serve(guest, asked.from);
      case 'getFrame':
        // No link that comes up has told it where the cell is.
        frames.linkUp(guest);
        return frameServe.serveFrame(guest, asked.above);
      case 'getChunk':
        return frameServe.serveChunk(guest, asked.index, asked.n);
      case 'statement':
        return this.#state(guest, asked.statement);
      // Of members alone.
      case 'accusation':
      case 'blocks':
      case 'cert':
      case 'chunk':
      case 'clock':
      case 'frame':
      case 'getBlocks':
      case 'getRounds':
      case 'handOver':
      case 'links':
      case 'push':
      case 'rounds':
      case 'status':
      case 'vote':
    }
  }

  /** Own blocks carry it, if it is good and news. */
  #state(guest: number, statement: Uint8Array): void {
    const { clock, standing, statements } = this.#port;
    const nowMs = clock.runningMs;
    if (standing.refusal !== undefined || nowMs < (this.#statementAtMs.get(guest) ?? 0)) return;
    this.#statementAtMs.set(guest, nowMs + STATEMENT_MS);
    statements.add(statement);
  }
}
