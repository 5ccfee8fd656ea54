// Deliberate mistakes, each with the test that must notice. `find` stands exactly once in `file`.
const unit = (path) => ({ project: 'unit', test: path });

export const MUTANTS = [
  {
    name: 'quorum-delivery',
    about: 'SecureBroadcast delivers at q − 1 supporters',
    file: 'packages/broadcast/src/dag.ts',
    find: 'if (seen.votes !== this.#quorum) continue;',
    replace: 'if (seen.votes !== this.#quorum - 1) continue;',
    ...unit('packages/broadcast'),
  },
  {
    name: 'quorum-certificate',
    about: 'a leader is certified by q − 1 votes',
    file: 'packages/order/src/decide.ts',
    find: 'return votes.filter(supports).length >= this.#quorum;',
    replace: 'return votes.filter(supports).length >= this.#quorum - 1;',
    ...unit('packages/order'),
  },
  {
    name: 'persistence',
    about: 'an own block is sent before it is on disk',
    file: 'packages/replica/src/replica.ts',
    find: 'this.#persistence.writeOwn(block, orderer.lastCommit?.index ?? 0);',
    replace:
      "out.send(this.#shared.peers.up, { kind: 'push', block: block.bytes });\n    this.#persistence.writeOwn(block, orderer.lastCommit?.index ?? 0);",
    ...unit('packages/replica/test/safety.test.ts'),
  },
  {
    name: 'support-order',
    about: 'support takes the last block of a slot that the walk meets, not the first',
    file: 'packages/broadcast/src/support.ts',
    find: 'if (place.support[author] !== undefined) continue;',
    replace: '',
    ...unit('packages/broadcast'),
  },
  {
    name: 'lock-generation',
    about: 'a grant from the queue reuses the generation of the wait’s commit',
    file: 'packages/service/src/locks.ts',
    find: 'head.position = ledger.next();',
    replace: 'head.position = { commit: head.position.commit, index: 0 };',
    ...unit('packages/service'),
  },
  {
    name: 'statement-addresses',
    about: 'program words count by value, wherever they stand',
    file: 'packages/cairo/src/statement/statement.ts',
    find: 'demand(cell.address === i + 1,',
    replace: 'demand(cell.address === i + 1 || true,',
    ...unit('packages/cairo'),
  },
  {
    name: 'anchor-floor',
    about: 'an undecided slot asks an anchor one round too low (r + 2)',
    file: 'packages/order/src/rule.ts',
    find: 'anchorFloor: 3',
    replace: 'anchorFloor: 2',
    ...unit('packages/order'),
  },
  {
    name: 'horizon',
    about: 'garbage collection follows the leader that is being committed',
    file: 'packages/order/src/orderer.ts',
    find: 'const horizon = last?.horizon ?? 0;',
    replace: 'const horizon = Math.max(last?.horizon ?? 0, leader.round - params.horizonRounds);',
    ...unit('packages/order'),
  },
  {
    name: 'believe-one',
    about: 'the client believes what f replicas say',
    file: 'packages/client/src/core/core.ts',
    find: 'faults: faultsMax(committee),',
    replace: 'faults: faultsMax(committee) - 1,',
    ...unit('packages/client'),
  },
];
