// The entry for tests of applications: a whole cell in this process, with switches for what goes wrong.

/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `@fatty/client/testing`: real replicas, real gateways and the lock service's own code over a simulated network,
 * disk and clock. It wants `@fatty/testnet` and `@fatty/node` beside this package (for development only).
 */
export { startTestCell, TestCell, type TestCellOptions, type TestClientOptions } from './cell.ts';
