// Canonical bytes, hashes, signatures, errors as data. Runs anywhere.
export * from './bytes.ts';
export * from './canonical.ts';
export * from './choice.ts';
export * from './failure.ts';
export * from './hash.ts';
export { keptBytes } from './memory.ts';
export { opaque } from './opaque.ts';
export * from './self-test.ts';
export * from './shape.ts';
export * from './signature.ts';
export { type Arms, type Item, type Readable, ShapeError, type Source } from './source.ts';
