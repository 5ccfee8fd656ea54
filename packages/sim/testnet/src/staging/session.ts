// A simulated client of the lock service.
import {
  decodeNotice,
  decodeResult,
  encodeOp,
  type NoticeBody,
  noticeWords,
  type Op,
  type Result,
  resultWords,
} from '@fatty/api';
import { encode, hash, toHex, utf8 } from '@fatty/codec';
import { KeepAliveChain } from '@fatty/core';
import type { Receipt } from '@fatty/interface';
import { keepAliveShape } from '@fatty/protocol';
import { Client } from '../world/client.ts';
import type { Observation } from '../world/observation.ts';
import { sessionOpening } from '../world/opening.ts';
import type { World } from '../world/world.ts';

/** Links of a keep-alive chain: enough for a world of several minutes. */
const LINKS = 200;

/** How the ops of one batch may end: each by its result, or all of them by f+1 refusals. */
export interface OpsEnding {
  answered?(result: Result): void;
  refused?(code: string): void;
}

function labelOf(ops: readonly Op[]): string {
  return ops.map((op) => ('path' in op ? `${op.kind} ${op.path}` : op.kind)).join(' + ');
}

/** A client of the lock service: opens its session, keeps it alive, hears its notices. */
export class SessionClient {
  readonly client: Client;
  readonly name: string;
  /** False once it fell asleep or its session was seen to end. */
  alive = true;
  readonly #world: World;
  readonly #leaseMs: number;
  #chain: KeepAliveChain | undefined;
  #link = 0;
  #heard = 0;
  #openings = 0;
  onNotice: ((body: NoticeBody) => void) | undefined;

  constructor(world: World, name: string, gateway: number, leaseMs: number) {
    this.name = name;
    this.#world = world;
    this.#leaseMs = leaseMs;
    // Its first batch leaves at once, before it has heard of a commit.
    const { session, opening } = this.#opening(0);
    this.client = new Client(world, name, gateway, { session });
    this.client.send(opening.label, opening.make, opening.ending);
    world.after(leaseMs / 4, () => this.#keep());
    world.onObservation((observation) => this.#see(observation));
  }

  /** A session of its own kind each time: another nonce, another chain of keep-alives. */
  #opening(commit: number) {
    const label = this.#openings === 0 ? this.name : `${this.name}/${this.#openings}`;
    this.#openings += 1;
    const chain = new KeepAliveChain(hash('testnet-chain', utf8(label)), LINKS);
    this.#chain = chain;
    this.#link = 0;
    const { cell } = this.#world;
    const signer = cell.scheme.signer(hash('testnet-client', utf8(this.name)));
    const terms = { anchor: chain.anchor, leaseMs: this.#leaseMs };
    const { session, op } = sessionOpening(cell, signer, label, commit, terms);
    const answered = ({ results }: Receipt): void => {
      this.#answered(['openSession'], results, { answered: (result) => this.#opened(result) });
    };
    const refused = (code: string): void => this.#openAnew(code);
    const ending = { answered, refused };
    return { session, opening: { label: 'openSession', make: () => [op], ending } };
  }

  #opened(result: Result): void {
    if (result.kind === 'error') this.#openAnew(result.code);
  }

  /** A gateway that swallowed the opening until it was too old costs a session, not the client. */
  #openAnew(code: string): void {
    this.#world.count('openedAnew');
    this.#world.story.tell('note', this.name, `opens anew: ${code}`);
    const { session, opening } = this.#opening(this.client.basis);
    this.client.reopen(session, opening);
  }

  /** Answered, or beyond caring. */
  get settled(): boolean {
    return !this.alive || this.client.idle;
  }

  send(ops: readonly Op[]): void {
    this.plan(labelOf(ops), () => ops);
  }

  /** Ops that are made when their turn comes. */
  plan(label: string, make: () => readonly Op[], ending: OpsEnding = {}): void {
    let ops: readonly Op[] = [];
    const made = (): readonly Uint8Array[] => {
      ops = make();
      return ops.map(encodeOp);
    };
    const { refused } = ending;
    this.client.send(label, made, {
      answered: ({ results }) =>
        this.#answered(
          ops.map(({ kind }) => kind),
          results,
          ending,
        ),
      ...(refused === undefined ? {} : { refused }),
    });
  }

  #answered(kinds: readonly string[], results: readonly Uint8Array[], ending: OpsEnding): void {
    for (const [i, bytes] of results.entries()) {
      const result = decodeResult(bytes);
      const kind = kinds[i];
      if (!result.ok || kind === undefined) continue;
      this.#world.story.tell('note', this.name, `${kind}: ${resultWords(result.value)}`);
      ending.answered?.(result.value);
    }
  }

  /** Stops keeping the session alive, for ever. */
  sleep(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#world.count('sleepers');
    this.#world.story.tell('note', this.name, 'falls asleep');
  }

  #keep(): void {
    if (!this.alive || this.#chain === undefined || this.#link >= LINKS) return;
    this.#link += 1;
    const preimage = this.#chain.preimage(this.#link);
    const bytes = encode(keepAliveShape, {
      session: this.client.session,
      i: this.#link,
      preimage,
    });
    for (const { index } of this.#world.hosts) this.#world.unsigned(index, bytes);
    this.#world.after(this.#leaseMs / 4, () => this.#keep());
  }

  #see(observation: Observation): void {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#heard) return;
    this.#heard = observation.commit.index;
    for (const notice of observation.applied.notices) {
      if (toHex(notice.session) !== toHex(this.client.session)) continue;
      const body = decodeNotice(notice.body);
      if (!body.ok) continue;
      this.#world.story.tell('note', this.name, `notice: ${noticeWords(body.value)}`);
      if (body.value.kind === 'sessionExpired') this.alive = false;
      this.onNotice?.(body.value);
    }
  }
}
