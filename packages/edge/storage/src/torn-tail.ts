// The torn tail of a log, told from damage.
import type { SegmentReader } from './segment.ts';

/** What follows the last whole group of a segment; `clean` is zeros or the end of the file. */
export type Tail = 'clean' | 'torn' | 'corrupt';

/**
 * Judges what follows the last whole group, once {@link SegmentReader.next} finds no more.
 *
 * Group g + 1 is written only when g is durable. So a flaw with a whole later group behind it is damage to
 * something that was promised (`corrupt`), and a flaw with nothing behind it is a write that never finished
 * (`torn`): it may be cut off. The salt in the checksums keeps a client from putting bytes into a record
 * that read as a later group.
 */
export function tailOf(reader: SegmentReader): Tail {
  const rest = reader.bytes.subarray(reader.end);
  if (rest.every((byte) => byte === 0)) return 'clean';
  return hasLaterGroup(reader) ? 'corrupt' : 'torn';
}

/** Whether a group after the broken one is whole; found by its end record, at any offset. */
function hasLaterGroup(reader: SegmentReader): boolean {
  for (let at = reader.end; at < reader.bytes.length; at++) {
    const group = reader.groupEndingAt(at);
    if (group !== undefined && group > reader.nextGroup) return true;
  }
  return false;
}
