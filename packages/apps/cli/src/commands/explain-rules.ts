// Every invariant by name, in one sentence.

/** What must hold; packages/kernel/replica/PROTOCOL.md has it with its arguments. */
export const INVARIANTS: Readonly<Record<string, string>> = {
  S1: 'An honest replica sends one block for a slot, ever, crashes or not.',
  S2: 'No two blocks of one slot are delivered, nor two branches of one author.',
  S3: 'What two honest replicas decide of a slot is never different.',
  S4: 'Of two commit sequences one is the beginning of the other.',
  S5: 'After the same commit every replica has the same state.',
  S6: 'Only valid blocks are committed, behind their parents, and no batch is applied twice.',
  S7: 'What one client says through one author is applied in the order in which it was said.',
  S8: 'What is delivered is committed, too.',
  S9: 'A certificate has a quorum under it, and no honest member votes twice or for what is not so.',
  S10: 'Decisions do not depend on how much of the past a replica still keeps.',
  S11: 'The time of commits goes forward, within the clocks of honest replicas; the clock of leases is never ahead.',
  S12: 'A lock has one exclusive holder at a time, and its generations grow.',
  S13: 'While a client may believe in its lease nobody else holds what it holds.',
  S14: 'What belongs to an expired session goes at the same commit everywhere.',
  S15: 'What clients are shown depends on what was committed and delivered, and on nothing else.',
  S16: 'Blocks have no circles, and no parent is missing.',
  S17: 'Nothing leaves a replica before it, and all that it refers to, is on disk.',
  S18: 'What one member can make another keep or do is bounded.',
  S19: 'Evidence names liars only.',
  S20: 'Nothing of an old epoch changes a new one.',
  S21: 'Every honest proof is accepted, and none that was changed.',
  S22: 'What was read and is written again has the same bytes.',
  S23: 'A log that is played twice does what it does when played once.',
  S24: 'A machine restored from a snapshot is as the original was, and goes on as it does.',
  L1: 'While a quorum is up every batch of an honest client is answered.',
  L2: 'Some block of a correct replica is delivered in every three rounds, however slow the network is.',
  L4: 'A replica that was away comes to the tip, and makes blocks again.',
  L5: 'A leader that is silent costs a bounded number of rounds.',
  L6: 'An epoch whose end is decided ends, and the next one makes commits.',
};

/** Rules of every world that the protocol has no name for. */
const OTHERS: Readonly<Record<string, string>> = {
  'no throw': 'Whatever comes in, the code answers with data and throws nothing.',
};

/** Of a rule that has no sentence here, what kind of rule it is. */
export function sentenceOf(rule: string): string {
  for (const known of [INVARIANTS, OTHERS]) {
    if (Object.hasOwn(known, rule)) return known[rule] ?? '';
  }
  if (/^R\d+[a-z]?$/.test(rule)) return `Rule ${rule} of the protocol (PROTOCOL.md).`;
  return 'A rule of this net.';
}
