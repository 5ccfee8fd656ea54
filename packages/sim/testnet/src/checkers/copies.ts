// Checks S6 of batches: the first copy that has its turn counts.
import { hash, toHex } from '@fatty/codec';
import type { Receipt } from '@fatty/interface';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { type Item, readItem, type SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';
import { type CommitSeen, isUncounted } from './commits.ts';

/** One copy of a batch, read from the block that carries it. */
interface Copy {
  readonly id: string;
  /** Its key, hex. */
  readonly author: string;
  /** Client key and session. */
  readonly source: string;
  readonly seq: number;
}

type Say = (expected: string, actual: string) => void;

/**
 * S6 (batches): a commit tries every copy that its blocks carry, in their order; the first that has its
 * turn is answered there and then, whatever stood before it, and no batch is answered twice.
 */
export class CopyChecker implements Checker {
  readonly rules: readonly string[] = ['S6'];
  readonly #book: BlockBook;
  /** By source, the seq that is due. */
  readonly #due = new Map<string, number>();
  #index = 0;
  /** Copies that came again in one commit, and those of them whose first was out of turn. */
  readonly reached: { copies: number; copiesOutOfTurn: number } = { copies: 0, copiesOutOfTurn: 0 };

  constructor(book: BlockBook) {
    this.#book = book;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    const out: Violation[] = [];
    const { atMs, by } = observation;
    this.#commit(observation, (expected, actual) => {
      out.push({ rule: 'S6', expected, actual, atMs, replica: by });
    });
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #commit({ commit, input, applied }: CommitSeen, say: Say): void {
    const copies = commit.blocks.flatMap((ref) => copiesIn(this.#book.find(ref), this.#book));
    const [carried, tried] = [
      copies.map(({ id, author }) => `${id}/${author}`),
      input.batches.map(({ id, author }) => `${toHex(id)}/${toHex(author)}`),
    ];
    if (carried.join() !== tried.join()) say(`the copies ${carried.join()}`, tried.join());
    const answers = new Map<string, Receipt>();
    for (const receipt of applied.receipts) {
      const told = `${sourceOf(receipt)} ${receipt.seq} ${toHex(receipt.batch)}`;
      // A stored receipt answers every batch that claims its seq.
      if (
        answers.has(told) &&
        receipt.commit === commit.index &&
        !this.#isClaimed(copies, receipt)
      ) {
        say(`${told} answered once`, 'twice');
      }
      answers.set(told, receipt);
    }
    this.#turns(copies, answers, say);
  }

  /** Another batch with this (session, seq) stands in the same commit. */
  #isClaimed(copies: readonly Copy[], { batch, seq, ...rest }: Receipt): boolean {
    const source = sourceOf(rest);
    const id = toHex(batch);
    return copies.some((one) => one.source === source && one.seq === seq && one.id !== id);
  }

  #turns(copies: readonly Copy[], answers: ReadonlyMap<string, Receipt>, say: Say): void {
    const early = new Set<string>();
    const seen = new Set<string>();
    for (const { id, source, seq } of copies) {
      if (seen.has(id)) this.reached.copies += 1;
      seen.add(id);
      const due = this.#due.get(source) ?? 0;
      if (seq > due) early.add(id);
      if (seq !== due) continue;
      const receipt = answers.get(`${source} ${seq} ${id}`);
      if (receipt === undefined) say(`seq ${seq} of ${source.slice(0, 8)} has its turn`, 'no word');
      else if (!isUncounted(receipt)) {
        this.#due.set(source, due + 1);
        if (early.has(id)) this.reached.copiesOutOfTurn += 1;
      }
    }
  }
}

function sourceOf({ client, session }: Pick<Receipt, 'client' | 'session'>): string {
  return toHex(client) + toHex(session);
}

/** The batches of a block, read apart from the code under test. */
function copiesIn(block: SeenBlock | undefined, book: BlockBook): readonly Copy[] {
  const body = block && readItem(block.body);
  const batches = Array.isArray(body) ? (body as readonly Item[])[0] : undefined;
  if (block === undefined || !Array.isArray(batches)) return [];
  const author = toHex(book.keyOf(block));
  return (batches as readonly Item[]).flatMap((signed) => copyIn(signed, author));
}

function copyIn(signed: Item, author: string): readonly Copy[] {
  const core = Array.isArray(signed) ? (signed as readonly Item[])[0] : undefined;
  const batch = core instanceof Uint8Array ? readItem(core) : undefined;
  if (!(core instanceof Uint8Array) || !Array.isArray(batch)) return [];
  const [client, session, seq] = batch as readonly Item[];
  if (!(client instanceof Uint8Array) || !(session instanceof Uint8Array)) return [];
  if (typeof seq !== 'number') return [];
  return [{ id: toHex(hash('batch', core)), author, source: toHex(client) + toHex(session), seq }];
}
