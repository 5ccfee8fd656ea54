// Which replicas have a link, and which of them is the gateway.
import type { Failure } from '@fatty/interface';
import type { Members } from './members.ts';

/** Which replicas can be talked to, and which one is the gateway (R3: one at a time, in order). */
export class Links {
  readonly #members: Pick<Members, 'replicas'>;
  /** With a link, members or not. */
  readonly #up = new Set<number>();
  /** Why there is no link, as far as anybody said. */
  readonly #why = new Map<number, string>();
  readonly #refused = new Set<number>();
  readonly #draw: (below: number) => number;
  #gateway: number | undefined;

  constructor(members: Pick<Members, 'replicas'>, draw: (below: number) => number) {
    this.#members = members;
    this.#draw = draw;
  }

  isUp(replica: number): boolean {
    return this.#up.has(replica);
  }

  /** It has been neither reached nor missed so far. */
  isAwaited(replica: number): boolean {
    return !this.isUp(replica) && !this.#why.has(replica);
  }

  /** Members with a link, ascending. */
  live(): number[] {
    return this.#members.replicas.filter((replica) => this.isUp(replica));
  }

  /** Whoever has a link, member or not. */
  all(): readonly number[] {
    return [...this.#up];
  }

  /** The members are others. */
  moved(): void {
    if (this.#gateway === undefined || this.#members.replicas.includes(this.#gateway)) return;
    this.#gateway = undefined;
  }

  /** Who is linked and why the others are not, for people: in replica order. */
  describe(): string {
    const live = this.live();
    const who = live.length === 0 ? '' : ` (${live.join(', ')})`;
    const { replicas } = this.#members;
    const others = replicas
      .filter((replica) => !this.isUp(replica))
      .map((replica) => `; ${replica}: ${this.#why.get(replica) ?? 'not reached yet'}`);
    return `${live.length} of ${replicas.length} replicas linked${who}${others.join('')}`;
  }

  /**
   * How many said last that they will not have us. They are asked again all the same; a time-out or a
   * lost connection takes nothing back.
   */
  get refused(): number {
    return this.#members.replicas.filter((replica) => this.#refused.has(replica)).length;
  }

  /** Why nothing can be believed while things are as they are: no more than f members are left that take us. */
  shutOut(faults: number): Failure | undefined {
    const { length } = this.#members.replicas;
    if (length - this.refused > faults) return undefined;
    const expected = `${faults + 1} replicas that take this client`;
    const actual = `${this.refused} of ${length} refuse it; ${this.describe()}`;
    return { code: 'not_authenticated', expected, actual };
  }

  up(replica: number): void {
    this.#up.add(replica);
    this.#why.delete(replica);
    this.#refused.delete(replica);
  }

  /** `why`: for people; kept until there is a link or another reason. */
  down(replica: number, refused: boolean, why: string): void {
    this.#up.delete(replica);
    this.#why.set(replica, why);
    if (refused) this.#refused.add(replica);
    if (this.#gateway === replica) this.#gateway = undefined;
  }

  /** Sticky; drawn at random the first time, so that many clients spread over the cell. */
  gateway(): number | undefined {
    if (this.#gateway === undefined) {
      const live = this.live();
      this.#gateway = live[this.#draw(live.length)];
    }
    return this.#gateway;
  }

  /** Moves on to the next live replica; the same one when there is no other. */
  failover(): number | undefined {
    const live = this.live();
    const from = this.#gateway ?? -1;
    this.#gateway = live.find((i) => i > from) ?? live[0];
    return this.#gateway;
  }

  /** The gateway first, then the live replicas after it in a circle; at most `count`. */
  first(count: number): number[] {
    const gateway = this.gateway();
    if (gateway === undefined) return [];
    const live = this.live();
    const at = live.indexOf(gateway);
    return [...live.slice(at), ...live.slice(0, at)].slice(0, count);
  }
}
