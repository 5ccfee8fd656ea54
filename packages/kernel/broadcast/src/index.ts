export * from './batch.ts';
export * from './block.ts';
export * from './cache.ts';
export * from './check.ts';
export * from './dag.ts';
export * from './evidence.ts';
export * from './header.ts';
export { type Content, signBlock } from './sign.ts';
export type { Vertex } from './vertex.ts';
