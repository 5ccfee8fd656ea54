export * from './op-id.ts';
export * from './path.ts';
export * from './tree.ts';
export * from './tree-node.ts';
