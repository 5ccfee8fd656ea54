// What happens to a cell, drawn from a seed.
import { SeededRng } from '@fatty/testnet';

/** What is done to a replica or a client for a while. */
export const SPELLS = [
  'kill',
  'stop',
  'cut',
  'blackhole',
  'deaf',
  'slow',
  'late',
  'freeze',
  'blackout',
] as const;

/** One bad spell: everything is well again when it ends. Times in ms. */
export interface Spell {
  /**
   * Of a replica: `kill` (SIGKILL), `stop` (SIGSTOP), `cut` (all its links), `blackhole` (what it says),
   * `deaf` (what it hears), `slow`, `late`. Of a client: `freeze` (SIGSTOP). `blackout`: SIGKILL of all replicas.
   * `replace`: SIGKILL of a replica that never comes back, and another member in its place.
   */
  readonly kind: (typeof SPELLS)[number] | 'replace';
  /** Index of the replica or of the client. */
  readonly victim: number;
  readonly afterMs: number;
  readonly forMs: number;
}

/** How much of what. */
export interface ScheduleSize {
  readonly replicas: number;
  readonly clients: number;
  /** Index of a replica that lies all the time: nobody kills it. */
  readonly liar: number | undefined;
}

const GAP_MS_MAX = 1_500;
const SPELL_MS = { min: 300, max: 3_000 } as const;
/** Longer than the lease of a client. */
const FREEZE_MS = { min: 4_000, max: 12_000 } as const;

/** Spells without end: whoever runs them says when it is enough. Equal seeds, equal spells. */
export function* scheduleOf(
  seed: number,
  { replicas, clients, liar }: ScheduleSize,
): Generator<Spell> {
  const rng = new SeededRng(seed);
  const honest = Array.from({ length: replicas }, (_, index) => index).filter((i) => i !== liar);
  for (;;) {
    const drawn = rng.pick(SPELLS);
    // A liar is restarted as it is by nobody.
    const kind = drawn === 'blackout' && (liar !== undefined || rng.chance(500)) ? 'kill' : drawn;
    const { min, max } = kind === 'freeze' ? FREEZE_MS : SPELL_MS;
    const victim = kind === 'freeze' ? rng.below(clients) : rng.pick(honest);
    yield { kind, victim, afterMs: rng.below(GAP_MS_MAX), forMs: rng.between(min, max) };
  }
}

/** How many kills, and of whom. */
export interface KillsSize {
  readonly replicas: number;
  /** The victim of every so many kills never comes back, and another member takes its place; undefined: all do. */
  readonly replaceEvery?: number | undefined;
}

/** So many kills, one replica at a time, at random moments. */
export function* killsOf(
  seed: number,
  kills: number,
  { replicas, replaceEvery }: KillsSize,
): Generator<Spell> {
  const rng = new SeededRng(seed);
  for (let i = 1; i <= kills; i++) {
    const isLast = replaceEvery !== undefined && i % replaceEvery === 0;
    const kind = isLast ? 'replace' : 'kill';
    yield { kind, victim: rng.below(replicas), afterMs: rng.below(1_000), forMs: 0 };
  }
}
