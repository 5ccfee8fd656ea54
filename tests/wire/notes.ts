// What the bytes of a message do not say: who says it when, what comes back, and what it costs to be wrong.
import type { ClientMessageOf, GatewayMessageOf } from '@fatty/protocol';
import type { PeerMessage } from '@fatty/replica';

/** About one kind of message. */
export interface Note {
  readonly when: string;
  readonly answer: string;
  readonly refused: string;
}

const NOTHING = 'none';
const OFFENCE = 'an offence of the sender (R12)';
const IGNORED = 'ignored';

/** Between replicas. */
export const PEER_NOTES: Readonly<Record<PeerMessage['kind'], Note>> = {
  push: {
    when: 'an own block, when it is on disk (R24), over links that are vouched for (R26)',
    answer: NOTHING,
    refused: `a block that static validity rejects (R8 to R11): ${OFFENCE}; its author is shunned when the header is signed`,
  },
  getBlocks: {
    when: 'parents are missing (R12.4)',
    answer: '`blocks` with those that are there; nothing when none is',
    refused:
      'more than 64 refs do not decode; what one link may have answered is bounded (R12, Memory)',
  },
  blocks: {
    when: 'answers `getBlocks`',
    answer: NOTHING,
    refused: `what was not asked of this peer is ${IGNORED}; the first invalid block ends the reading, ${OFFENCE}`,
  },
  getRounds: {
    when: 'the asker is behind (R12, Sync mode), or asks for its own blocks (R26)',
    answer: '`rounds`, one or more, the last with last = 1',
    refused:
      'the answer stops at `rangeBytesMax` of the answering replica; the rest is asked for again',
  },
  rounds: {
    when: 'answers `getRounds`',
    answer: NOTHING,
    refused: 'as `blocks`; rounds that were not asked for are ignored',
  },
  status: {
    when: 'a link comes up, or nothing moves',
    answer: '`status` when ask = 1; own blocks above the sender’s word, once a pause',
    refused: 'claims count at the (f+1)-th highest, so one liar moves nothing',
  },
  clock: {
    when: 'own clocks are compared (R12a)',
    answer: '`clock` with ask = 0 when ask = 1',
    refused: 'the median of the members counts',
  },
  handOver: {
    when: 'the cell rests and a gateway has batches (Rest, Hand-over)',
    answer: NOTHING,
    refused: `a bad signature, or a batch over 16 KiB: ${OFFENCE}; a batch out of its turn is forgotten`,
  },
  vote: {
    when: 'a checkpoint is applied and the vote is on disk (R27); the newest when a link comes up',
    answer: NOTHING,
    refused: `no vote, a non-member, a signature that does not verify: ${OFFENCE}; another epoch, or what is certified, is ignored`,
  },
  cert: {
    when: 'it is made, to those whose votes are not in it; the newest when a link comes up',
    answer: NOTHING,
    refused: `what R6.3 refuses: ${OFFENCE}; another epoch, or an older one than the own, is ignored`,
  },
  accusation: {
    when: 'evidence is found or told (R27b), once for each member; all of it when a link comes up',
    answer: NOTHING,
    refused: `what does not hold: ${OFFENCE}; another epoch, a member against whom there is evidence, and the receiver itself are ignored`,
  },
  statement: {
    when: 'somebody who is no member has the newest frame that members have, and again every 500 ms (R31.8)',
    answer: 'own blocks carry it (R30)',
    refused: 'what is not good or not news, and from members, is ignored',
  },
  getLinks: {
    when: 'a status or a block says that its sender is in a later epoch (R31.7)',
    answer: '`links` from the one that ends epoch `from` on; nothing when there is none',
    refused: NOTHING,
  },
  links: {
    when: 'answers `getLinks`',
    answer: NOTHING,
    refused: `only the link that ends the own epoch is looked at; what R31.3 refuses: ${OFFENCE}`,
  },
  getFrame: {
    when: 'in sync mode, to everybody, once in `frameAskMs` (R29)',
    answer: '`frame`',
    refused: 'what one link may have answered is bounded (R12, Memory)',
  },
  frame: {
    when: 'answers `getFrame`, with the newest frame on disk if it is above `above`',
    answer: '`getChunk`, to all who have the frame, when it is needed (R29)',
    refused: `not above, without payload, a certificate that R6.3 refuses or that names another frame: ${OFFENCE}, and the peer is asked for no frame again; what was not asked for is ${IGNORED}`,
  },
  getChunk: {
    when: 'a frame is being fetched (R29)',
    answer: '`chunk`; without bytes when the frame is not there any more',
    refused: 'at most 8 reads for one peer are under way; a question beyond them is dropped',
  },
  chunk: {
    when: 'answers `getChunk`, as bulk',
    answer: NOTHING,
    refused: `bytes that the frame does not name, or a chunk that was not asked of this peer: ${OFFENCE}, and the peer is asked for no frame again; of another frame: ${IGNORED}`,
  },
};

/** From a client. */
export const CLIENT_NOTES: Readonly<Record<ClientMessageOf<never>['kind'], Note>> = {
  submit: {
    when: 'a batch is sent, or sent again',
    answer:
      '`receipt` when it is applied, or at once when it was; `refused` when this gateway did not take it',
    refused:
      'a client key that is not the key of the link closes 4400 `session_not_yours`; a forged signature 4400',
  },
  unsigned: {
    when: 'the algorithm has such messages: keep-alives',
    answer: 'none, also when it is of no use',
    refused: 'what the algorithm cannot open closes 4400; what is false is charged to the link',
  },
  read: {
    when: 'a question about state',
    answer: '`readResult` once commit minCommit is applied, or `error` with this request',
    refused:
      '`error`: `not_current`, `slow_down`, `answer_too_large`, and the codes of the decoder for a query that nobody knows',
  },
  prove: {
    when: 'a question about state whose answer proves itself (R27a)',
    answer:
      '`proved` when a certificate of a commit from minCommit on is there, or `error` with this request',
    refused:
      '`error`: `no_certificate`, `not_provable`, `slow_down`, `overloaded`, `reopening`, `answer_too_large`, and what the algorithm says',
  },
  watch: {
    when: 'a client wants to hear of events from a place on; topics are the algorithm’s',
    answer:
      '`watched` at once and whenever there is something, once a second when there is not; `watchEnded`',
    refused:
      '`watchEnded`: `compacted`, `lagged`, `too_many_watches`, `slow_down`, `no_events`, `bad_topic`, `watch_reused`',
  },
  watchMore: {
    when: 'the client has dealt with events, and can take so many more',
    answer: '`watched`, when there is something',
    refused: 'of a watch that is not open: ignored; more room than 1,024 is 1,024',
  },
  unwatch: {
    when: 'the client has heard enough',
    answer: NOTHING,
    refused: 'of a watch that is not open: ignored',
  },
  getLinks: {
    when: 'a client hears of a later epoch than its own (R32d)',
    answer:
      '`links` from the one that ends epoch `from` on; without any when this replica knows none',
    refused: '`error` with request 0: `slow_down`, `answer_too_large`',
  },
  now: {
    when: 'a client measures time (TIME.md)',
    answer: '`nowReading`',
    refused: '`error` with request 0: `slow_down`',
  },
  ping: {
    when: 'a client wants to know whether the gateway answers',
    answer: '`pong` with this id',
    refused: NOTHING,
  },
  pong: { when: 'answers `ping`', answer: NOTHING, refused: NOTHING },
};

/** From a gateway. */
export const GATEWAY_NOTES: Readonly<Record<GatewayMessageOf<never>['kind'], Note>> = {
  receipt: {
    when: 'a batch of this client was applied',
    answer: NOTHING,
    refused: 'counts at f + 1 replicas that say the same (R32)',
  },
  readResult: {
    when: 'answers `read`',
    answer: NOTHING,
    refused: 'counts at f + 1 of one commit, or at n (R32b)',
  },
  proved: {
    when: 'answers `prove`',
    answer: NOTHING,
    refused: 'counts when certificate (R6) and proof are right, whoever says it',
  },
  refused: {
    when: 'this gateway did not take the batch',
    answer: NOTHING,
    refused: 'binds nobody (R32a)',
  },
  nowReading: {
    when: 'answers `now`',
    answer: NOTHING,
    refused: 'another nonce, or a bad signature, does not count',
  },
  notice: {
    when: 'the algorithm tells a session something, such as a grant',
    answer: NOTHING,
    refused: 'counts at f + 1',
  },
  watched: {
    when: 'events of a watch, or none for a second',
    answer: '`watchMore`, when there is room again',
    refused:
      'an event counts when f + 1 name the same one as the next; what does not ascend is a lie',
  },
  watchEnded: {
    when: 'a watch cannot begin, or go on',
    answer: NOTHING,
    refused: 'binds nobody: other gateways may go on with it',
  },
  links: {
    when: 'answers `getLinks`; unasked, with the last link, when a new epoch begins here, and without one when a link comes up in a later epoch than the first',
    answer: '`getLinks`, when the epoch is later than that of the client',
    refused:
      'a link counts when q members of the epoch that it ends have signed it (R31), whoever sends it',
  },
  error: {
    when: 'a read, a question for a proof, or one for the clock (request 0), is not answered',
    answer: NOTHING,
    refused: NOTHING,
  },
  ping: {
    when: 'a gateway wants to know whether the client answers',
    answer: '`pong` with this id',
    refused: NOTHING,
  },
  pong: { when: 'answers `ping`', answer: NOTHING, refused: NOTHING },
};
