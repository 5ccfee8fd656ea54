export * from './bytes.ts';
export * from './canonical.ts';
export * from './failure.ts';
export * from './hash.ts';
export { keptBytes } from './memory.ts';
export * from './self-test.ts';
export * from './shape.ts';
export * from './signature.ts';
export { type Item, type Readable, ShapeError, type Source } from './source.ts';
