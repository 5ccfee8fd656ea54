// Deliberate mistakes about what is durable, and about who may sign after a restart.
import { unit } from './mutants-kind.mjs';

export const DISK_MUTANTS = [
  {
    name: 'frames-one',
    about: 'only the newest frame counts as kept, so the log never goes',
    file: 'packages/kernel/replica/src/frames/keeper.ts',
    find: 'this.#kept = [...this.#kept, held].slice(-2);',
    replace: 'this.#kept = [held];',
    ...unit('packages/kernel/replica/test/keeper.test.ts'),
  },
  {
    name: 'chunk-unchecked',
    about: 'a chunk of the right length is taken, whatever its digest',
    file: 'packages/kernel/replica/src/frames/chunk-fetch.ts',
    find: 'return bytes.length === length && equalBytes(chunkDigestOf(bytes), digest);',
    replace: 'return bytes.length === length && chunkDigestOf(bytes).length === digest.length;',
    ...unit('packages/kernel/replica/test/chunk-fetch.test.ts'),
  },
  {
    name: 'frame-on-claim',
    about: 'a frame is fetched on the word of a peer, without a certificate',
    file: 'packages/kernel/replica/src/frames/frame-sync.ts',
    find: 'return vote.ok ? ok({ offer, copy }) : vote;',
    replace: 'return vote.ok || index > 0 ? ok({ offer, copy }) : vote;',
    ...unit('packages/kernel/replica/test/frame-sync.test.ts'),
  },
  {
    name: 'log-behind-mark',
    about: 'a log that lacks the last durable own block is signed upon',
    file: 'packages/kernel/replica/src/signing/restore.ts',
    find: '(epoch === committee.epoch && durable > lastOwnRound)',
    replace: '(epoch === committee.epoch && durable > lastOwnRound + 1)',
    ...unit('packages/kernel/replica/test/amnesia.test.ts'),
  },
  {
    name: 'foreign-frame',
    about: 'a replica goes on behind the frame that another one kept',
    file: 'packages/kernel/replica/src/frames/resume.ts',
    find: 'if (!isBefore && stored.author !== port.me) {',
    replace: 'if (!isBefore && stored.author < 0) {',
    ...unit('packages/kernel/replica/test/resume.test.ts'),
  },
  {
    name: 'log-damage',
    about: 'damage in the middle of the last segment passes for a write that was cut off',
    file: 'packages/edge/storage/src/torn-tail.ts',
    find: "return hasLaterGroup(reader) ? 'corrupt' : 'torn';",
    replace: "return 'torn';",
    ...unit('packages/edge/storage/test/log.test.ts'),
  },
  {
    name: 'log-checksum',
    about: 'nobody looks at the checksum of a record',
    file: 'packages/edge/storage/src/segment.ts',
    find: 'if (crc !== this.#view.getUint32(at + 4)) return undefined;',
    replace: '',
    ...unit('packages/edge/storage/test/log.test.ts'),
  },
];
