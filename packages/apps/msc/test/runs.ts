// Test helper: runs, made up and at random.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';

/** A small run: a message, a loss, a refusal, a crash. */
export const STORY: readonly TraceEvent[] = [
  { atMs: 1000, who: 'c0', kind: 'send', peer: 'r0', packet: 'p1', label: 'acquire /db/master' },
  {
    atMs: 1002.25,
    who: 'r0',
    kind: 'receive',
    peer: 'c0',
    packet: 'p1',
    label: 'acquire /db/master',
  },
  { atMs: 1003, who: 'r0', kind: 'send', peer: 'r1', packet: 'p2', label: 'block 3/r0', round: 3 },
  { atMs: 1003, who: 'r0', kind: 'send', peer: 'r2', packet: 'p3', label: 'block 3/r0', round: 3 },
  { atMs: 1003, who: 'r0', kind: 'send', peer: 'r3', packet: 'p4', label: 'block 3/r0', round: 3 },
  { atMs: 1003, who: 'r0', kind: 'send', peer: 'r10', packet: 'p5', label: 'block 3/r0', round: 3 },
  { atMs: 1004, who: 'r0', kind: 'drop', peer: 'r2', packet: 'p3', label: 'block 3/r0', round: 3 },
  {
    atMs: 1005,
    who: 'r1',
    kind: 'receive',
    peer: 'r0',
    packet: 'p2',
    label: 'block 3/r0',
    round: 3,
  },
  { atMs: 1005, who: 'r1', kind: 'deliver', label: 'block 3/r0', round: 3 },
  { atMs: 1006, who: 'r3', kind: 'reject', peer: 'r0', packet: 'p4', label: 'bad_signature' },
  { atMs: 1007, who: 'r1', kind: 'reject', peer: 'r0', packet: 'p2', label: 'unknown_parent' },
  { atMs: 1008, who: 'r1', kind: 'commit', label: '4' },
  { atMs: 1009, who: 'r3', kind: 'crash', label: '' },
  { atMs: 1010, who: 'r3', kind: 'restart', label: '' },
  { atMs: 1011, who: 'r0', kind: 'note', label: 'leader timeout' },
];

const names = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('r0', 'r1', 'r2', 'c0') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'end',
      'x1',
      'r0 ',
      '__proto__',
      'a;b',
      'Note',
      '#',
      'a:b',
      'a,b',
      '@{',
      ' as ',
      'style: x#',
    ),
  },
);

/** Words that mean something to Mermaid, somewhere. */
const SPICES = [
  'end',
  'style: x#a;',
  'classDef q:#f;',
  '%%',
  '%%{init: {"theme":"dark"}}%%',
  '-->>',
  'Note over r0: x',
  'wrap:',
  '$$x^2$$',
  '<br/>',
  '<script>alert(1)</script>',
  '#35;',
  ';',
  '"',
  '\n',
  '\r',
  '\u2028',
  '\u001b[2J',
  '---\ntitle: x\n---',
  'ﬂ°°35¶ß',
  '\ud800',
  'autonumber',
  '@{ "type" : "actor" }',
  '{{',
  ':',
];

export const labels: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .array(fc.oneof(fc.constantFrom(...SPICES), fc.string({ maxLength: 4 })), { maxLength: 5 })
    .map((parts) => parts.join('')),
);

const KINDS = ['deliver', 'commit', 'crash', 'restart', 'note', 'broken'] as const;

/** A packet's life, or something that happens to one lifeline. */
const happening = (delayMsMin: number): fc.Arbitrary<readonly TraceEvent[]> =>
  fc
    .record({
      who: names,
      peer: names,
      label: labels,
      atMs: fc.nat(1000),
      delayMs: fc.integer({ min: delayMsMin, max: 100 }),
      end: fc.constantFrom('receive', 'drop', 'reject', 'nothing', ...KINDS),
      packet: fc.uuid(),
    })
    .map(({ who, peer, label, atMs, delayMs, end, packet }): readonly TraceEvent[] => {
      if (KINDS.some((kind) => kind === end)) {
        const block = { slot: `${atMs}/r0`, id: packet };
        const ops = [
          { client: peer, kind: end, path: label },
          { client: peer, kind: end },
        ];
        const kind = end as TraceEvent['kind'];
        return [{ atMs, who, kind, label, round: atMs, block, commit: delayMs, ops }];
      }
      const send: TraceEvent = { atMs, who, kind: 'send', peer, packet, label };
      const late = { atMs: atMs + delayMs, packet, label };
      if (end === 'receive') return [send, { ...late, kind: 'receive', who: peer, peer: who }];
      if (end === 'reject') return [send, { ...late, kind: 'reject', who: peer, peer: who }];
      return end === 'drop' ? [send, { ...late, kind: 'drop', who, peer }] : [send];
    });

const runOf = (delayMsMin: number): fc.Arbitrary<readonly TraceEvent[]> =>
  fc
    .array(happening(delayMsMin), { maxLength: 25 })
    .map((list) => list.flat().sort((a, b) => a.atMs - b.atMs));

/** Runs on one clock. */
export const soundRuns: fc.Arbitrary<readonly TraceEvent[]> = runOf(0);
/** Runs with clocks that disagree: some packets arrive before they were sent. */
export const runs: fc.Arbitrary<readonly TraceEvent[]> = runOf(-50);
