// A world's plan in words: who lies, and what goes wrong.
import type { ClientLie, Fault, Lie, Plan } from '@fatty/testnet';

const LIES: Readonly<Record<Lie, string>> = {
  equivocate: 'shows two chains of blocks, one to each half',
  fork: 'leaves its own chain, and goes on with both branches',
  withhold: 'shows some of its blocks to one other or to nobody',
  badSignature: 'signs badly, or changes what it has signed',
  wrongTime: 'stamps its blocks with a false time',
  inventParents: 'names parents that there are not',
  garbage: 'sends bytes that mean nothing',
  silent: 'says nothing',
  selective: 'talks to some only',
  copier: "copies others' batches into its own blocks",
  late: 'shows its blocks a round late to some',
  twins: 'runs twice under one key, with links to different others',
  mutate: 'changes messages on their way out',
  stuff: 'fills its blocks with batches of nobody',
};

const CLIENT_LIES: Readonly<Record<ClientLie, string>> = {
  twoFaces: 'says two things under one number',
  replay: 'says again what it has said',
  gap: 'leaves numbers out',
  staleBasis: 'refers to what is long past',
  futureBasis: 'refers to what has not happened',
  forged: "signs in another's name",
  copied: "says as its own what another's key has signed",
  garbage: 'sends bytes that mean nothing',
};

const those = (replicas: readonly number[]): string => replicas.map((one) => `r${one}`).join(', ');

const signed = (ms: number): string => `${Math.abs(ms)} ms ${ms < 0 ? 'back' : 'forward'}`;

type Words = { readonly [K in Fault['kind']]: (fault: Extract<Fault, { kind: K }>) => string };

const FAULTS: Words = {
  crash: ({ replica, power }) =>
    `r${replica} is ${power ? 'without power: what was not synced is lost' : 'killed'}`,
  reopen: ({ replica }) => `the core of r${replica} is opened anew, its process goes on`,
  cut: ({ replica, afterMs }) =>
    `r${replica} is killed, and ${afterMs} ms after its return the power goes`,
  partition: ({ side }) => `${those(side)} and the others do not hear each other`,
  oneWay: ({ side }) => `what ${those(side)} say reaches nobody else`,
  lossy: ({ lossPerMille, duplicatePerMille }) =>
    `of a thousand packets ${lossPerMille} are lost and ${duplicatePerMille} come twice`,
  slow: ({ delayMs, reorder }) =>
    `packets take up to ${delayMs} ms${reorder ? ' and overtake each other' : ''}`,
  aimed: ({ aim, replica }) => `somebody delays packets by what is in them (${aim}, r${replica})`,
  pause: ({ replica }) => `r${replica} stands still`,
  slowDisk: ({ replica, byMs }) => `each write of r${replica} takes ${byMs} ms longer`,
  putBack: ({ replica }) => `r${replica} loses its power, and its disk is as it was before`,
  fullQueues: ({ replica }) => `nothing that r${replica} says leaves it`,
  slowVerifier: ({ byMs }) => `each check of a proof takes ${byMs} ms longer`,
  skew: ({ replica, byMs }) => `the clock of r${replica} jumps ${signed(byMs)}`,
  step: ({ replicas, byMs }) => `somebody sets the clocks of ${those(replicas)} ${signed(byMs)}`,
};

function faultWords(fault: Fault): string {
  // The table has a function for each kind, which the compiler does not follow through the index.
  const words = FAULTS[fault.kind] as (one: Fault) => string;
  const last = 'forMs' in fault ? `, for ${fault.forMs} ms` : '';
  return `at ${fault.atMs} ms${last}: ${words(fault)}`;
}

/** A line for each lie and fault of a world. */
export function planWords({ liars, faults, clientLies, members }: Plan): readonly string[] {
  const ordered = [...faults].sort((a, b) => a.atMs - b.atMs);
  const changes = members?.changes.length ?? 0;
  return [
    ...liars.map(({ replica, lie }) => `r${replica} lies: it ${LIES[lie]} (${lie})`),
    ...clientLies.map(({ atMs, lie }) => `at ${atMs} ms: a client ${CLIENT_LIES[lie]} (${lie})`),
    ...ordered.map(faultWords),
    ...(changes > 0 ? [`the members change ${changes} times`] : []),
  ];
}
