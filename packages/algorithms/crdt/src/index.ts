// Conflict-free data types: dots, ORSWOT, registers, the namespace tree.
export * from './causal-context.ts';
export * from './children.ts';
export * from './layered-map.ts';
export * from './mv-register.ts';
export * from './op-id.ts';
export * from './orswot.ts';
export * from './orswot-algorithm.ts';
export * from './path.ts';
export * from './tree.ts';
export * from './tree-node.ts';
export * from './tree-ops.ts';
