/** Close codes after which the same handshake cannot succeed: malformed, auth, conflict, version. */
export const FATAL_CLOSE_CODES: readonly number[] = [4400, 4401, 4409, 4426];

/** Which replicas can be talked to, and which one is the gateway (R3: one at a time, in order). */
export class Links {
  readonly #up: boolean[];
  readonly #refused = new Set<number>();
  readonly #draw: (below: number) => number;
  #gateway: number | undefined;

  constructor(count: number, draw: (below: number) => number) {
    this.#up = Array.from({ length: count }, () => false);
    this.#draw = draw;
  }

  isUp(replica: number): boolean {
    return this.#up[replica] ?? false;
  }

  /** Replicas with a link, ascending. */
  live(): number[] {
    return [...this.#up.keys()].filter((i) => this.isUp(i));
  }

  /** How many refused us for good, as far as they are concerned. */
  get refused(): number {
    return this.#refused.size;
  }

  up(replica: number): void {
    if (replica >= this.#up.length) return;
    this.#up[replica] = true;
    this.#refused.delete(replica);
  }

  down(replica: number, code: number): void {
    if (replica >= this.#up.length) return;
    this.#up[replica] = false;
    if (FATAL_CLOSE_CODES.includes(code)) this.#refused.add(replica);
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
