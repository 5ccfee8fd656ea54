// Test helper: golden files of the bytes on wire and disk.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { toHex } from './bytes.ts';
import { decode, encode } from './canonical.ts';
import { InvariantError } from './failure.ts';
import type { Shape } from './shape.ts';

/**
 * Test helper: holds a message to its committed bytes, so that no edit changes a wire format
 * unseen.
 *
 * `directory` is a package's `test/golden/` (`new URL('./golden/', import.meta.url)`, final slash);
 * the vector lives in `<name>.json` as `{"name", "hex"}`. Run the tests once with `GOLDEN=write` to
 * create missing files; a changed one must be deleted by hand first.
 * @throws InvariantError on a missing or different vector, or one that does not decode to itself.
 */
export function golden<T>(directory: URL, name: string, shape: Shape<T>, value: T): void {
  const file = new URL(`${name}.json`, directory);
  const bytes = encode(shape, value);
  const hex = toHex(bytes);
  if (!existsSync(file) && process.env.GOLDEN === 'write') {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, `${JSON.stringify({ name, hex }, null, 2)}\n`);
  }
  if (!existsSync(file)) throw new InvariantError(`golden/${name}.json exists (GOLDEN=write)`);
  const kept = (JSON.parse(readFileSync(file, 'utf8')) as { hex: string }).hex;
  if (kept !== hex) throw new InvariantError(`${name} encodes to ${kept}, got ${hex}`);
  const back = decode(shape, bytes, bytes.length);
  if (!back.ok) throw new InvariantError(`${name} decodes, got ${back.failure.code}`);
  if (toHex(encode(shape, back.value)) !== hex) throw new InvariantError(`${name} round-trips`);
}
