// Deliberate mistakes in the protocols of the textbook.
import { nets, unit } from './mutants-kind.mjs';

const PAXOS = 'packages/sim/textbook/src/paxos/paxos.ts';
const net = nets('tests/nets/textbook.test.ts', 2_500);

export const TEXTBOOK_MUTANTS = [
  {
    name: 'paxos-promise',
    about: 'Paxos: an acceptor votes below its promise',
    file: PAXOS,
    find: 'if (ballot < this.#promised) return this.#refuse(from, ballot);\n    this.#promised = ballot;\n    this.#vote',
    replace: 'this.#promised = ballot;\n    this.#vote',
    ...net,
  },
  {
    name: 'paxos-own-value',
    about: 'Paxos: a proposer minds no votes of earlier ballots',
    file: PAXOS,
    find: 'const value = newest?.value ?? this.#wish;',
    replace: 'const value = this.#wish;',
    ...net,
  },
  {
    name: 'paxos-oldest-vote',
    about: 'Paxos: a proposer adopts the oldest vote and not the newest',
    file: PAXOS,
    find: 'b.ballot - a.ballot',
    replace: 'a.ballot - b.ballot',
    ...unit('packages/sim/textbook/test/paxos.test.ts'),
  },
  {
    name: 'paxos-promise-on-disk',
    about: 'Paxos: a promise is given and not written down',
    file: PAXOS,
    find: "this.#save();\n    this.#out.send(from, { kind: 'promise'",
    replace: "this.#out.send(from, { kind: 'promise'",
    ...unit('packages/sim/textbook/test/paxos.test.ts'),
  },
  {
    name: 'paxos-vote-on-disk',
    about: 'Paxos: a vote is given and not written down',
    file: PAXOS,
    find: "this.#save();\n    this.#out.toAll({ kind: 'accepted'",
    replace: "this.#out.toAll({ kind: 'accepted'",
    ...net,
  },
  {
    name: 'paxos-minority',
    about: 'Paxos: half of the promises are enough',
    file: PAXOS,
    find: 'this.#promises.size !== majority(this.#processes)',
    replace: 'this.#promises.size !== majority(this.#processes) - 1',
    ...net,
  },
];
