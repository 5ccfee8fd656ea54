/** Which replicas can be talked to, and which one is the gateway (R3: one at a time, in order). */
export class Links {
  readonly #up: boolean[];
  /** Why there is no link, as far as anybody said. */
  readonly #why: (string | undefined)[];
  readonly #refused = new Set<number>();
  readonly #draw: (below: number) => number;
  #gateway: number | undefined;

  constructor(count: number, draw: (below: number) => number) {
    this.#up = Array.from({ length: count }, () => false);
    this.#why = Array.from({ length: count }, () => undefined);
    this.#draw = draw;
  }

  isUp(replica: number): boolean {
    return this.#up[replica] ?? false;
  }

  /** It has been neither reached nor missed so far. */
  isAwaited(replica: number): boolean {
    return !this.isUp(replica) && this.#why[replica] === undefined;
  }

  /** Replicas with a link, ascending. */
  live(): number[] {
    return [...this.#up.keys()].filter((i) => this.isUp(i));
  }

  /** Who is linked and why the others are not, for people: in replica order. */
  describe(): string {
    const live = this.live();
    const who = live.length === 0 ? '' : ` (${live.join(', ')})`;
    const others = [...this.#up.keys()]
      .filter((replica) => !this.isUp(replica))
      .map((replica) => `; ${replica}: ${this.#why[replica] ?? 'not reached yet'}`);
    return `${live.length} of ${this.#up.length} replicas linked${who}${others.join('')}`;
  }

  /**
   * How many said last that they will not have us. They are asked again all the same; a time-out or a
   * lost connection takes nothing back.
   */
  get refused(): number {
    return this.#refused.size;
  }

  up(replica: number): void {
    if (replica >= this.#up.length) return;
    this.#up[replica] = true;
    this.#why[replica] = undefined;
    this.#refused.delete(replica);
  }

  /** `why`: for people; kept until there is a link or another reason. */
  down(replica: number, refused: boolean, why: string): void {
    if (replica >= this.#up.length) return;
    this.#up[replica] = false;
    this.#why[replica] = why;
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
