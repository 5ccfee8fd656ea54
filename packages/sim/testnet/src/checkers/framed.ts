// Checks S19 over all that is signed: nobody honest is ever framed.
import {
  type Accusation,
  checkAccusation,
  contradiction,
  type HeaderRules,
  headerDigest,
  headerShape,
  selfContradiction,
} from '@fatty/broadcast';
import { asSignature, decode, equalBytes } from '@fatty/codec';
import {
  type Cert,
  checkCert,
  isVoteSigned,
  openVote,
  type SignedVote,
  signedVoteShape,
  votePair,
} from '@fatty/protocol';
import { decodeMessage } from '@fatty/replica';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';
import type { SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';

type Head = Parameters<typeof contradiction>[0];
type Say = (accusation: Accusation, epoch: number) => void;

const MESSAGE_BYTES_MAX = 1 << 15;
const VOTE = 9;
const CERT = 10;
const RECORD_VOTE = 3;

/**
 * S19: of all that an honest member ever signs, on whatever wire or disk it was seen, nothing convicts it: no
 * block by itself, no two blocks, no two votes, and no vote beside any certificate; across crashes and lost writes.
 * What is looked for is what `checkAccusation` takes.
 */
export class FramedChecker implements Checker {
  readonly rules: readonly string[] = ['S19'];
  readonly #checked: CheckedCell;
  readonly #book: BlockBook;
  /** By epoch and author: its blocks, in the order in which they were seen. */
  readonly #heads = new Map<string, Head[]>();
  /** By epoch, author and commit. */
  readonly #votes = new Map<string, SignedVote>();
  readonly #certs = new Map<number, readonly Cert[]>();
  readonly #read = new WeakSet<Uint8Array>();
  /** Pairs and single statements that were held against their author. */
  tried = 0;

  constructor(checked: CheckedCell, book: BlockBook) {
    this.#checked = checked;
    this.#book = book;
  }

  see(observation: Observation): readonly Violation[] {
    const out: Violation[] = [];
    const { atMs } = observation;
    const say: Say = (accusation, epoch) => {
      this.tried += 1;
      const rules = this.#rulesOf(epoch);
      const checked = rules && checkAccusation(rules, accusation);
      if (!checked?.ok) return;
      const replica = this.#book.hostOf({ epoch, author: checked.value });
      const actual = `evidence against r${replica} by its ${accusation.kind}`;
      const expected = 'no evidence against who is honest';
      out.push({ rule: 'S19', expected, actual, atMs, replica });
    };
    for (const block of this.#book.news) this.#block(block, say);
    if (observation.kind === 'sent') this.#message(observation.bytes, say);
    if (observation.kind === 'noted') out.push(...this.#noted(observation));
    if (observation.kind === 'synced') {
      for (const { type, body } of observation.records) {
        const vote = type === RECORD_VOTE ? decode(signedVoteShape, body, body.length) : undefined;
        if (vote?.ok) this.#vote(vote.value, say);
      }
    }
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #rulesOf(epoch: number): HeaderRules | undefined {
    const { roll, cellId, scheme } = this.#checked.cell;
    const rolled = roll.of(epoch);
    return rolled && { committee: rolled.committee, origin: rolled.origin, cellId, scheme };
  }

  /** What an honest replica takes for evidence. */
  #noted({
    note,
    by,
    atMs,
    epoch = 0,
  }: Extract<Observation, { kind: 'noted' }>): readonly Violation[] {
    const { what, peer: author } = note;
    if (what !== 'convicted' || author === undefined || this.#book.isLying({ epoch, author })) {
      return [];
    }
    const expected = 'evidence against liars only';
    const actual = `r${this.#book.hostOf({ epoch, author })}`;
    return [{ rule: 'S19', expected, actual, atMs, replica: by }];
  }

  #block(block: SeenBlock, say: Say): void {
    if (this.#book.isLying(block)) return;
    const { header, sig, epoch, author, round } = block;
    const signed = { header, sig: asSignature(sig) };
    say({ kind: 'blocks', evidence: selfContradiction(signed) }, epoch);
    const opened = decode(headerShape, header, header.length);
    if (!opened.ok) return;
    const digest = headerDigest(header);
    const head = { ref: { author, round, digest }, header: opened.value, signed };
    const name = `${epoch}/${author}`;
    const others = this.#heads.get(name) ?? [];
    for (const other of others) {
      if (!canContradict(head, other)) continue;
      say({ kind: 'blocks', evidence: contradiction(head, other) }, epoch);
    }
    this.#heads.set(name, others);
    others.push(head);
  }

  #message(bytes: Uint8Array, say: Say): void {
    const isWord = bytes[1] === VOTE || bytes[1] === CERT;
    if (!isWord || bytes.length > MESSAGE_BYTES_MAX || this.#read.has(bytes)) return;
    this.#read.add(bytes);
    const message = decodeMessage(bytes, MESSAGE_BYTES_MAX);
    if (!message.ok) return;
    if (message.value.kind === 'vote') this.#vote(message.value.vote, say);
    if (message.value.kind === 'cert') this.#cert(message.value.cert, say);
  }

  #vote(vote: SignedVote, say: Say): void {
    const said = openVote(vote.core);
    if (!said.ok) return;
    const { epoch, index } = said.value;
    const { author } = vote;
    const rules = this.#rulesOf(epoch);
    if (!rules || this.#book.isLying({ epoch, author }) || !isVoteSigned(rules, vote)) return;
    const name = `${epoch}/${author}/${index}`;
    const known = this.#votes.get(name);
    if (known === undefined) this.#votes.set(name, vote);
    else if (!equalBytes(known.core, vote.core)) {
      say({ kind: 'votes', evidence: votePair(known, vote) }, epoch);
    }
    for (const cert of this.#certs.get(index) ?? []) this.#compare(vote, cert, epoch, say);
  }

  #cert(cert: Cert, say: Say): void {
    const said = openVote(cert.core);
    if (!said.ok) return;
    const { epoch, index } = said.value;
    const rules = this.#rulesOf(epoch);
    if (!rules || !checkCert(rules, cert).ok) return;
    const known = this.#certs.get(index) ?? [];
    // One for each content: who signed it plays no part.
    if (known.some(({ core }) => equalBytes(core, cert.core))) return;
    this.#certs.set(index, [...known, cert]);
    for (const author of rules.committee.members.keys()) {
      const vote = this.#votes.get(`${epoch}/${author}/${index}`);
      if (vote) this.#compare(vote, cert, epoch, say);
    }
  }

  #compare(vote: SignedVote, cert: Cert, epoch: number, say: Say): void {
    this.tried += 1;
    if (equalBytes(vote.core, cert.core)) return;
    say({ kind: 'votes', evidence: { kind: 'uncertified', vote, cert } }, epoch);
  }
}

/** R14: of one slot, or the later leaves out the earlier: no other two blocks of one author can be evidence. */
function canContradict(one: Head, two: Head): boolean {
  const [low, high] = one.ref.round <= two.ref.round ? [one, two] : [two, one];
  const own = high.header.parents[0]?.round ?? 0;
  return low.ref.round === high.ref.round || own < low.ref.round;
}
